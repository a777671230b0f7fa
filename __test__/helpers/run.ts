/** Runs scripts that could crash, each in a child process of the runtime that runs this one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PATIENCE } from './patience';

/** How a child process ended. */
export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The last line that a scenario prints when everything was as it must be. */
export const SURVIVED = 'survived';

const TIMEOUT_MS = 90_000 * PATIENCE;

/** What a runtime is given before the script. */
export function runtimeArguments(): string[] {
  if (process.versions.deno) return ['run', '-A', '--quiet', '--no-lock', '--v8-flags=--expose-gc'];
  return ['--expose-gc'];
}

/** What a scenario's process is started with. */
export interface Start {
  /** Variables that it finds in its environment beside what is in ours. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** A command that starts the runtime: its words before the runtime's path. */
  within?: string[] | undefined;
  /** After so many ms it is killed. Default 90,000. */
  timeout?: number;
}

/** Runs a script of `__test__/` to its end, such as `hazards/flush`; one that hangs ends by SIGKILL. */
export function run(
  name: string,
  rest: string[],
  { environment, within = [], timeout = TIMEOUT_MS }: Start,
): Promise<Outcome> {
  const script = join(__dirname, '..', `${name}.js`);
  const line = [...within, process.execPath, ...runtimeArguments(), script, ...rest];
  const [command = '', ...args] = line;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
