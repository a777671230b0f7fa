import { MmapError } from '../base/errors';

/** The error for giving back what this thread does not hold. */
export function notOwnerError(what: string, path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_NOT_OWNER',
    `this thread does not hold ${what}; only the thread that took it can give it back, once`,
    path,
  );
}

/** The error for a blocking call that could never return. */
export function deadlockError(what: string, path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_DEADLOCK',
    `this thread holds ${what} itself, and could not give it back while it blocks; give it back ` +
      'first, or wait with a promise',
    path,
  );
}
