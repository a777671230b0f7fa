import { setTimeout as sleep } from 'node:timers/promises';
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
import type { AsyncOptions, SyncOptions } from './acquire';
import { notOwnerError } from './errors';

/** Which lock on a file to take. */
interface Kind {
  /** Whether others may hold shared locks at the same time. Default false: nobody else has one. */
  shared?: boolean | undefined;
  /**
   * Locks only these bytes: `length` from `start` on, or all from there on. Linux only. Locks on
   * ranges and on whole files do not know of each other.
   */
  range?: { start: Integer; length?: Integer | undefined } | undefined;
}

/** How to take a lock on a file by {@link FileLock.acquireSync} and {@link FileLock.tryAcquire}. */
export interface FileLockSyncOptions extends Kind, SyncOptions {}

/** How to take a lock on a file by {@link FileLock.acquire}. */
export interface FileLockOptions extends Kind, AsyncOptions {}

/** An open file that is to be locked. */
interface Candidate {
  opened: Binding.FileLock;
  path: string | null;
  isShared: boolean;
}

/**
 * How often to look whether the lock is free, in ms: at first, and at most. The system can wait
 * itself, but its wait can neither be ended nor be done without a thread for each.
 */
const FIRST_PAUSE = 1;
const LAST_PAUSE = 25;

/** A word of memory that nobody wakes, to sleep on. */
const NOBODY = new Int32Array(new SharedArrayBuffer(4));

/**
 * A lock on a file, which the system takes back when its holder dies: `flock` on Linux and macOS,
 * `LockFileEx` on Windows, for ranges Linux's open file description locks.
 *
 * It is advisory on Linux and macOS (it keeps others from locking, not from reading or writing);
 * on Windows it keeps others from reading and writing the file, but not a map of it. So it is often
 * best to lock a file of its own beside the one that is meant. Unlike POSIX's record locks it is not
 * lost when another descriptor of the file is closed.
 */
export class FileLock {
  /** Keeps those that nobody refers to: a lock must not go because its object was collected. */
  static readonly #all = new Set<FileLock>();

  readonly #native: Binding.FileLock;
  readonly #path: string | null;
  #held = true;

  private constructor(held: Binding.FileLock, path: string | null) {
    this.#native = held;
    this.#path = path;
    FileLock.#all.add(this);
  }

  /** Opens the file, which is not locked yet. */
  static #open(file: FileLike, { shared, range }: Kind): Candidate {
    const { source, path } = checkFile(file);
    const isShared = checkBoolean(shared, 'options.shared', false);
    const { start, length } = checkOptions(range, 'options.range');
    const from = range === undefined ? undefined : checkInteger(start, 'options.range.start');
    const size =
      length === undefined
        ? undefined
        : checkInteger(length, 'options.range.length', 1, Number.MAX_SAFE_INTEGER - (from ?? 0));
    const opened = attempt(() => new native.FileLock(source, from, size), path);
    return { opened, path, isShared };
  }

  /** Tries once. */
  static #try({ opened, path, isShared }: Candidate): FileLock | null {
    return attempt(() => opened.tryLock(isShared), path) ? new FileLock(opened, path) : null;
  }

  /**
   * Takes the lock if nobody holds one that is in its way.
   *
   * @param file - A path, which is created where it is missing; or a descriptor or FileHandle, whose
   * open file then has the lock: it cannot be taken twice through the same.
   * @param options - Which lock.
   * @returns The lock, or null.
   * @throws TypeError, RangeError; MmapError with the system's code, `ERR_MMAP_UNSUPPORTED` for a
   * range where there are none.
   */
  static tryAcquire(file: FileLike, options?: Kind): FileLock | null {
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
   * @throws As {@link FileLock.tryAcquire}; MmapError `ERR_MMAP_TIMEOUT`.
   */
  static acquireSync(file: FileLike, options?: FileLockSyncOptions): FileLock {
    const given = checkOptions(options);
    const timeout = checkTimeout(given.timeout);
    const candidate = FileLock.#open(file, given);
    const deadline = performance.now() + timeout;
    let lock: FileLock | null = null;
    try {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LAST_PAUSE)) {
        lock = FileLock.#try(candidate);
        if (lock !== null) return lock;
        const left = deadline - performance.now();
        if (left <= 0) throw timeoutError('the lock on the file', timeout, candidate.path);
        Atomics.wait(NOBODY, 0, 0, Math.min(pause, left));
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
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LAST_PAUSE)) {
        lock = FileLock.#try(candidate);
        if (lock !== null) return lock;
        const left = deadline - performance.now();
        if (left <= 0) throw timeoutError('the lock on the file', timeout, candidate.path);
        await sleep(Math.min(pause, left), undefined, signal === undefined ? {} : { signal });
      }
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : error;
    } finally {
      if (lock === null) candidate.opened.close();
    }
  }

  /** Whether this lock was not released yet. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Gives the lock back.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time.
   */
  release(): void {
    if (!this.#held) throw notOwnerError('the lock on the file', this.#path);
    this.#held = false;
    FileLock.#all.delete(this);
    attempt(() => this.#native.unlock(), this.#path);
  }

  /** Gives the lock back unless that was done. */
  [Symbol.dispose](): void {
    if (this.#held) this.release();
  }
}
