/** Running the command-line tool, as a process or in this one. */
import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { root } from './temporary';

export const { main }: typeof import('../../lib/cli/main') = require(
  join(root, 'dist', 'cli', 'main.js'),
);
export const { Output }: typeof import('../../lib/cli/output') = require(
  join(root, 'dist', 'cli', 'output.js'),
);

/** What this runtime is given before a script. */
export const RUN = process.versions.deno ? ['run', '-A', '--quiet', '--no-lock'] : [];

/** The tool as arguments of this runtime. */
export const TOOL = [...RUN, join(root, 'dist', 'cli.js')];

/** Runs the tool as a shell would. */
export function memmap(...args: string[]): SpawnSyncReturns<string> {
  return memmapWith({}, ...args);
}

/** As {@link memmap}: the bytes that are printed. */
export function memmapBytes(...args: string[]): Buffer {
  return spawnSync(process.execPath, [...TOOL, ...args], { timeout: 60_000 }).stdout;
}

/** As {@link memmap}, with options of the process. */
export function memmapWith(options: SpawnSyncOptions, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...TOOL, ...args], {
    timeout: 60_000,
    maxBuffer: 2 ** 26,
    ...options,
    encoding: 'utf8',
  });
}

interface Printed {
  code: number;
  printed: string;
}

async function run(args: string[], isTTY: boolean): Promise<Printed> {
  const out = Object.assign(new PassThrough(), { isTTY });
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await main(args, new Output(out, new PassThrough()));
  return { code, printed: Buffer.concat(chunks).toString('latin1') };
}

/** Runs the tool in this process, which takes less time. What it prints is read as latin1. */
export function inProcess(...args: string[]): Promise<Printed> {
  return run(args, false);
}

/** Runs the tool in this process, as on a terminal. */
export async function onTerminal(...args: string[]): Promise<Printed> {
  const { code, printed } = await run(args, true);
  return { code, printed: Buffer.from(printed, 'latin1').toString() };
}

/** The values that `--json` prints, one a line. */
export function values(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
