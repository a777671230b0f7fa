/** Tests that only some machines can run. Their titles name what they need. */
import test from 'ava';
import { MmapMut } from 'memmap';
import { has } from './programs';

/** Where no mapped file is truncated, renamed or deleted, and some errors have other names. */
export const isWindows = process.platform === 'win32';

/** Reads `/proc`, or asks for what only Linux does. */
export const onLinux = process.platform === 'linux' ? test : test.skip;

/**
 * Uses FIFOs, sockets in folders, links, permission bits or signals; or truncates, renames or
 * deletes a file that is mapped.
 */
export const onUnix = isWindows ? test.skip : test;

/**
 * Needs to know that a thread of a living process has ended, or that a private map shows what others write:
 * macOS promises neither.
 */
export const notOnMacOS = process.platform === 'darwin' ? test.skip : test;

/** Asks for what only Windows does. */
export const onWindows = isWindows ? test : test.skip;

/** A Unix test that runs other programs, such as `cc` or `python3`. */
export function needs(...programs: string[]): typeof test | typeof test.skip {
  return !isWindows && programs.every(has) ? test : test.skip;
}

/** Whether this runtime has maps over SharedArrayBuffers. */
export function canShare(): boolean {
  try {
    MmapMut.anonymous(1, { shared: true }).close();
    return true;
  } catch {
    return false;
  }
}
