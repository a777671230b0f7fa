/** Tests that only some machines can run. Their titles name what they need. */
import test from 'ava';
import { MmapMut } from 'memmap';
import { has } from './programs';

/** Reads `/proc`, or asks for what only Linux does. */
export const onLinux = process.platform === 'linux' ? test : test.skip;

/** Uses FIFOs, sockets in folders, permission bits or signals. */
export const onUnix = process.platform === 'win32' ? test.skip : test;

/** Asks for what only Windows does. */
export const onWindows = process.platform === 'win32' ? test : test.skip;

/** A Unix test that runs other programs, such as `cc` or `python3`. */
export function needs(...programs: string[]): typeof test | typeof test.skip {
  return process.platform !== 'win32' && programs.every(has) ? test : test.skip;
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
