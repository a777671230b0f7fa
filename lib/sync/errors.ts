import { MmapError } from '../base/errors';

/** The error for releasing what this thread does not own. */
export function notOwnerError(what: string, path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_NOT_OWNER',
    `this thread does not hold ${what}; only the thread that took it can release it, once`,
    path,
  );
}

/** The error for a blocking call that could never return. */
export function deadlockError(what: string, path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_DEADLOCK',
    `this thread holds ${what} itself, and could not release it while it blocks; release it ` +
      'first, or wait with a promise',
    path,
  );
}

/** The error for a barrier that was aborted or reset. */
export function brokenError(path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_BROKEN',
    'the barrier was aborted, or reset while this thread waited; call reset() and let all parties ' +
      'arrive again',
    path,
  );
}
