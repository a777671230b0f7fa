import {
  checkBoolean,
  checkFile,
  checkInteger,
  checkOptions,
  checkSignal,
  checkTimeout,
  type FileLike,
  type Integer,
} from '../base/arguments';
import type * as Binding from '../base/binding';
import { abortError, attempt, timeoutError } from '../base/errors';
import { native } from '../base/native';
import { pause } from '../memory/waiting';
import type { AsyncOptions, SyncOptions } from './acquire';
import { deadlockError, notOwnerError } from './errors';

/** Which lock on a file to take. */
export interface FileLockKind {
  /** Whether others may hold shared locks at the same time. Default false: the lock is exclusive. */
  shared?: boolean | undefined;
  /**
   * Locks only these bytes: `length` from `start` on, or all from there on. Linux only. Locks on
   * ranges and on whole files do not know of each other.
   */
  range?:
    | {
        /** The first byte. */
        start: Integer;
        /** The number of bytes. */
        length?: Integer | undefined;
      }
    | undefined;
}

/** How to take a lock on a file by {@link FileLock.acquireSync} and {@link FileLock.tryAcquire}. */
export interface FileLockSyncOptions extends FileLockKind, SyncOptions {}

/** How to take a lock on a file by {@link FileLock.acquire}. */
export interface FileLockOptions extends FileLockKind, AsyncOptions {}

/** An open file that is to be locked, and which lock on it. */
interface Candidate {
  opened: Binding.FileLock;
  path: string | null;
  isShared: boolean;
  /** The first byte and the one after the last; null for the whole file. */
  range: { start: number; end: number } | null;
}

/** Whether one lock keeps another one of the same file from being taken. */
function conflict(one: Candidate, other: Candidate): boolean {
  if (one.isShared && other.isShared) return false;
  // Locks on ranges and on whole files do not know of each other.
  if (one.range === null || other.range === null) return one.range === other.range;
  return one.range.start < other.range.end && other.range.start < one.range.end;
}

/**
 * How often to look whether the lock is free, in ms: at first, and at most. The system can wait
 * itself, but its wait can neither be ended nor be done without a thread for each.
 */
const FIRST_PAUSE = 1;
const LAST_PAUSE = 25;

/** A word of memory to sleep on, which is never woken. */
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/**
 * A lock on a file, which the system releases when its owner dies: `flock` on Linux and macOS,
 * `LockFileEx` on Windows, for ranges Linux's open file description locks.
 *
 * ```js
 * import { FileLock } from 'memmap/sync';
 *
 * using lock = await FileLock.acquire('data.lock', { timeout: 1000 });
 * lock.held; // => true
 * FileLock.tryAcquire('data.lock'); // => null
 * ```
 *
 * It is advisory on Linux and macOS (it keeps others from locking, not from reading or writing);
 * on Windows it keeps others from reading and writing the file, but not a map of it. So it is often
 * best to lock a file of its own beside the one that is meant. Unlike POSIX's record locks it is not
 * lost when another descriptor of the file is closed.
 */
export class FileLock {
  /** Keeps those that nothing refers to: a lock must not go because its object was collected. */
  static readonly #all = new Set<FileLock>();

  readonly #owned: Candidate;
  #held = true;

  private constructor(owned: Candidate) {
    this.#owned = owned;
    FileLock.#all.add(this);
  }

  /** Opens the file, which is not locked yet. */
  static #open(file: FileLike, { shared, range }: FileLockKind): Candidate {
    const { source, path } = checkFile(file);
    const isShared = checkBoolean(shared, 'options.shared', false);
    const { start, length } = checkOptions(range, 'options.range');
    const from = range === undefined ? undefined : checkInteger(start, 'options.range.start');
    const size =
      length === undefined
        ? undefined
        : checkInteger(length, 'options.range.length', 1, Number.MAX_SAFE_INTEGER - (from ?? 0));
    const opened = attempt(() => new native.FileLock(source, isShared, from, size), path);
    const end = size === undefined ? Number.POSITIVE_INFINITY : (from ?? 0) + size;
    return { opened, path, isShared, range: from === undefined ? null : { start: from, end } };
  }

  /** Tries once. */
  static #try(candidate: Candidate): FileLock | null {
    const { opened, path, isShared } = candidate;
    return attempt(() => opened.tryLock(isShared), path) ? new FileLock(candidate) : null;
  }

  /** Throws where a lock of this thread is what a blocking call would wait for. */
  static #assertNotOwn(candidate: Candidate): void {
    for (const lock of FileLock.#all) {
      const owned = lock.#owned;
      if (conflict(candidate, owned) && candidate.opened.isOfSameFile(owned.opened)) {
        throw deadlockError('a lock on the file', candidate.path);
      }
    }
  }

  /**
   * Takes the lock unless another one conflicts with it.
   *
   * ```js
   * import { FileLock } from 'memmap/sync';
   *
   * using lock = FileLock.tryAcquire('data.lock', { shared: true });
   * lock === null; // => false
   * ```
   *
   * @param file - A path, which is created where it is missing; or a descriptor or FileHandle, whose
   * open file then has the lock: it cannot be taken twice through the same.
   * @param options - Which lock. An exclusive one needs the right to write to the file.
   * @returns The lock, or null.
   * @throws TypeError, RangeError; MmapError with the system's code, `ERR_MMAP_UNSUPPORTED` for a
   * range where there are none.
   */
  static tryAcquire(file: FileLike, options?: FileLockKind): FileLock | null {
    const candidate = FileLock.#open(file, checkOptions(options));
    let lock: FileLock | null = null;
    try {
      lock = FileLock.#try(candidate);
    } finally {
      if (lock === null) candidate.opened.close();
    }
    return lock;
  }

  /**
   * Takes the lock, blocking this thread until it can. It looks every 25 ms at least.
   *
   * @param file - As for {@link FileLock.tryAcquire}.
   * @param options - Which lock, and for how long to wait.
   * @throws As {@link FileLock.tryAcquire}; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where a
   * lock of this thread conflicts.
   */
  static acquireSync(file: FileLike, options?: FileLockSyncOptions): FileLock {
    const given = checkOptions(options);
    const timeout = checkTimeout(given.timeout);
    const candidate = FileLock.#open(file, given);
    const deadline = performance.now() + timeout;
    let lock: FileLock | null = null;
    try {
      for (let time = FIRST_PAUSE; ; time = Math.min(2 * time, LAST_PAUSE)) {
        lock = FileLock.#try(candidate);
        if (lock !== null) return lock;
        FileLock.#assertNotOwn(candidate);
        const left = deadline - performance.now();
        if (left <= 0) throw timeoutError('the lock on the file', timeout, candidate.path);
        Atomics.wait(NEVER_WOKEN, 0, 0, Math.min(time, left));
      }
    } finally {
      if (lock === null) candidate.opened.close();
    }
  }

  /**
   * Takes the lock as soon as it can. It looks every 25 ms at least, and occupies no thread.
   *
   * @param file - As for {@link FileLock.tryAcquire}.
   * @param options - Which lock, for how long to wait, and how to abort it.
   * @throws As {@link FileLock.tryAcquire}; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`.
   */
  static async acquire(file: FileLike, options?: FileLockOptions): Promise<FileLock> {
    const given = checkOptions(options);
    const timeout = checkTimeout(given.timeout);
    const signal = checkSignal(given.signal);
    if (signal?.aborted) throw abortError(signal);
    const candidate = FileLock.#open(file, given);
    const deadline = performance.now() + timeout;
    let lock: FileLock | null = null;
    try {
      for (let time = FIRST_PAUSE; ; time = Math.min(2 * time, LAST_PAUSE)) {
        lock = FileLock.#try(candidate);
        if (lock !== null) return lock;
        const left = deadline - performance.now();
        if (left <= 0) throw timeoutError('the lock on the file', timeout, candidate.path);
        await pause(Math.min(time, left), signal);
        if (signal?.aborted) throw abortError(signal);
      }
    } finally {
      if (lock === null) candidate.opened.close();
    }
  }

  /** Whether this lock was not released yet. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Releases the lock.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time; what the system refuses: the file is
   * closed then all the same, which releases the lock.
   */
  release(): void {
    const { opened, path } = this.#owned;
    if (!this.#held) throw notOwnerError('the lock on the file', path);
    this.#held = false;
    FileLock.#all.delete(this);
    attempt(() => opened.unlock(), path);
  }

  /** Releases the lock unless that was done. */
  [Symbol.dispose](): void {
    if (this.#held) this.release();
  }
}
