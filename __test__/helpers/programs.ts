/** Programs that a test needs beside Node.js, and that a machine may lack. */
import { spawnSync } from 'node:child_process';

/**
 * The C compiler for what is loaded into this runtime. `cc` is for the machine, whose processor an
 * emulated runtime does not have.
 */
export const CC = process.env.MEMMAP_CC ?? 'cc';

const known = new Map<string, boolean>();

/** Whether a program runs here, such as `cc` or `python3`. */
export function has(program: string): boolean {
  const found =
    known.get(program) ?? spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  known.set(program, found);
  return found;
}
