/** Other processes and workers, for the tests of what is shared between them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';
import { MmapMut } from 'memmap';
import { PATIENCE } from './patience';
import { root, temporaryFolder } from './temporary';

const PRELUDE = `
  const { MmapMut } = require('memmap');
  const sync = require('memmap/sync');
  const { native } = require('./dist/base/native');
  const { turns, until } = require('./build/__test__/helpers/until');
`;

/** A file of zeros, mapped, that goes away with the test. */
export function sharedFile(t: ExecutionContext, length = 4096): { path: string; map: MmapMut } {
  const path = join(temporaryFolder(t), 'file');
  const map = MmapMut.create(path, length);
  t.teardown(() => map.close());
  return { path, map };
}

/** JavaScript with `map` over the file, `sync`, `native`, `turns` and `until`, as an async function. */
export function script(path: string, code: string): string {
  return `${PRELUDE} const map = MmapMut.open(${JSON.stringify(path)});
    (async () => {${code}})();`;
}

/** What a process has printed, and how it ended. Listened for from its start on. */
class Output {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  /** What no call of {@link line} has taken. */
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout?.on('data', (text) => {
      this.#stdout += text;
    });
    child.stderr?.on('data', (text) => {
      this.#stderr += text;
    });
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#stdout.indexOf('\n');
      if (end >= 0) {
        const line = this.#stdout.slice(0, end);
        this.#stdout = this.#stdout.slice(end + 1);
        return line.trim();
      }
      if (this.#child.stdout === null || this.#child.stdout.readableEnded) {
        const { status, signal, stderr } = await this.ended();
        throw new Error(`the process ended (${signal ?? status}) without a line: ${stderr}`);
      }
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stdout, 'end')]);
    }
  }

  async ended() {
    const [status, signal] = await this.#closed;
    return { status, signal, stdout: this.#stdout.trim(), stderr: this.#stderr };
  }
}

const outputs = new WeakMap<ChildProcess, Output>();

function outputOf(child: ChildProcess): Output {
  const output = outputs.get(child) ?? new Output(child);
  outputs.set(child, output);
  return output;
}

/** Another Node.js process; `prefix` is a command line to start it with. */
export function start(path: string, code: string, ...prefix: string[]): ChildProcess {
  const [program = process.execPath, ...rest] = [...prefix, process.execPath];
  const child = spawn(program, [...rest, '-e', script(path, code)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 100_000 * PATIENCE,
    killSignal: 'SIGKILL',
  });
  outputOf(child);
  return child;
}

/** The next line that a process prints. */
export function line(child: ChildProcess): Promise<string> {
  return outputOf(child).line();
}

/** How a process ended, and what it printed beyond the lines that were taken. */
export function ended(child: ChildProcess): ReturnType<Output['ended']> {
  return outputOf(child).ended();
}

/** A worker of this process that runs the same kind of script. */
export function startWorker(path: string, code: string): Worker {
  return new Worker(
    `const { parentPort } = require('node:worker_threads'); ${script(path, code)}`,
    { eval: true },
  );
}

/** What a child process answered. */
export interface Answer {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs Node.js in the package's folder to its end; `[program, ...flags]` is what it is started by. */
export function node(
  args: string[],
  [program, ...flags]: [string, ...string[]] = [process.execPath],
): Answer {
  const child = spawnSync(program, [...flags, ...args], {
    encoding: 'utf8',
    cwd: root,
    timeout: 100_000 * PATIENCE,
    killSignal: 'SIGKILL',
  });
  if (child.error) throw child.error;
  return child;
}

/**
 * Runs code in a process of its own, where `memmap` is the package and `file` a path; answers what
 * the code passes to `done`.
 */
export function inChild(
  code: string,
  file = '',
  command: [string, ...string[]] = [process.execPath],
): unknown {
  const script = `
    const memmap = require(${JSON.stringify(root)});
    const file = ${JSON.stringify(file)};
    const done = (answer) => process.stdout.write(JSON.stringify(answer) + '\\n');
    const caught = (call) => { try { call(); } catch (error) { return { name: error.name, code: error.code, message: error.message, syscall: error.syscall }; } };
    (async () => { ${code} })();`;
  const { status, signal, stdout, stderr } = node(['-e', script], command);
  if (status !== 0) throw new Error(`the child ended with ${signal ?? status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** What `caught` of {@link inChild} answers. */
export interface Caught {
  name: string;
  code: string;
  message: string;
  syscall?: string;
}
