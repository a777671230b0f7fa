/** What is in memory, where the system tells this user. */
import { MmapError } from '../base/errors';

/** What is said where it does not. */
export const UNTOLD = "only the file's owner may see that";

/** Asks which pages of a file are in memory; null where the system tells that only to the file's owner. */
export function toldOrNull<Answer>(ask: () => Answer): Answer | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof MmapError && error.code === 'ERR_MMAP_UNSUPPORTED') return null;
    throw error;
  }
}
