/** Programs that a test needs beside Node.js, and that a machine may lack. */
import { spawnSync } from 'node:child_process';

const known = new Map<string, boolean>();

/** Whether a program runs here, such as `cc` or `python3`. */
export function has(program: string): boolean {
  const found =
    known.get(program) ?? spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  known.set(program, found);
  return found;
}
