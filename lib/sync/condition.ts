import { checkInteger, type Integer } from '../base/arguments';
import { invalidType } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { ALL_WAITERS, Wait, wake } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquire,
  acquireSync,
  asyncLimits,
  type Late,
  type SyncOptions,
  syncTimeout,
} from './acquire';
import { Guard } from './guard';
import { Mutex, type MutexGuard } from './mutex';
import { SyncPrimitive } from './primitive';

/** Counts the calls of `notify`; what waiters wait for. */
const NOTIFICATIONS = 0;
/** In the lower half the number of waiters, in the upper half how many of them are to wake. */
const STATE = 1;
const WORDS = 2;

const ONE_WAITER = 1;
const ONE_WAKE = 0x1_0000;
const MOST = 0xffff;

/**
 * Waiting until what a {@link Mutex} protects has changed. It takes 8 bytes of the map, which are
 * zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Condition, Mutex } from 'memmap/sync';
 *
 * using map = MmapMut.create('queue.bin', 4096);
 * const mutex = new Mutex(map, 0);
 * const filled = new Condition(map, 8);
 * map.buffer[64] = 1; // another process: changes what is waited for, then filled.notify()
 * using guard = mutex.lockSync();
 * while (map.buffer[64] === 0) filled.waitSync(guard);
 * ```
 *
 * Look again after every wait, as above: now and then a waiter wakes that was not notified, such as
 * once for each thread that died while it waited.
 */
export class Condition {
  /** The bytes that a condition takes. */
  static readonly BYTES: number = 4 * WORDS;

  readonly #primitive: SyncPrimitive;

  /**
   * The condition at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS });
  }

  /** Counts this thread as a waiter, and unlocks the mutex. */
  #leave(guard: MutexGuard): Acquisition<true> {
    if (!(guard instanceof Guard && guard.mutex instanceof Mutex)) {
      throw invalidType('guard', 'a guard of a Mutex', guard);
    }
    const primitive = this.#primitive;
    // With the mutex held: a notification for what changes afterwards is not missed.
    const seen = Atomics.load(primitive.words, NOTIFICATIONS);
    let isNotified = false;
    let isCounted = this.#count();
    /** Whether this waiter is notified: only what comes after the wait began is for it. */
    const takesWake = (notifications: number) => {
      isNotified ||= notifications !== seen;
      return isNotified && this.#takeWake();
    };
    const attempt = () => {
      const notifications = Atomics.load(primitive.words, NOTIFICATIONS);
      if (isCounted && !takesWake(notifications)) {
        return new Wait(primitive.offsetOf(NOTIFICATIONS), notifications);
      }
      isCounted = false;
      return true;
    };
    const cancel = (closing: boolean): Late<true> | undefined => {
      if (!isCounted) return undefined;
      isCounted = false;
      // A wake that is left behind may find only waiters that came later, which it is not for.
      if (!closing && takesWake(Atomics.load(primitive.words, NOTIFICATIONS))) {
        return { result: true };
      }
      this.#discount();
      return undefined;
    };
    try {
      guard.unlock();
    } catch (error) {
      if (isCounted) this.#discount();
      throw error;
    }
    return { primitive, name: 'a notification', attempt, exclusive: true, cancel };
  }

  /** Adds a waiter. False where there are too many to count: that one does not wait. */
  #count(): boolean {
    const { words } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if ((state & MOST) === MOST) return false;
      if (Atomics.compareExchange(words, STATE, state, state + ONE_WAITER) === state) return true;
    }
  }

  /** Removes a waiter that was not woken. Wakes are left to the others, if there are any. */
  #discount(): void {
    const { words } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const waiters = Math.max(0, (state & MOST) - 1);
      const wakes = Math.min(state >>> 16, waiters);
      const next = (wakes * ONE_WAKE + waiters) | 0;
      if (Atomics.compareExchange(words, STATE, state, next) === state) return;
    }
  }

  /** Takes one of the wakes that were granted, if one is left. */
  #takeWake(): boolean {
    const { words } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if (state >>> 16 === 0) return false;
      const next = (state - ONE_WAKE - ONE_WAITER) | 0;
      if (Atomics.compareExchange(words, STATE, state, next) === state) return true;
    }
  }

  /**
   * Unlocks the mutex, blocks this thread until it is notified, and locks the mutex again, also
   * where it throws.
   *
   * @param guard - The mutex, locked by this thread. It holds the lock afterwards.
   * @param options - For how long to wait for a notification; to lock the mutex again may take
   * longer.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_NOT_OWNER` where the
   * guard does not hold the mutex; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  waitSync(guard: MutexGuard, options?: SyncOptions): void {
    const timeout = syncTimeout(options);
    const acquisition = this.#leave(guard);
    try {
      acquireSync(acquisition, timeout);
    } finally {
      if (!this.#primitive.closed) guard.takeOver(guard.mutex.lockSync());
    }
  }

  /**
   * As {@link waitSync}, without blocking.
   *
   * @param guard - The mutex, locked by this thread. It holds the lock afterwards.
   * @param options - For how long to wait for a notification, and how to abort that. An abort that
   * comes after the notification is none.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_NOT_OWNER`, `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async wait(guard: MutexGuard, options?: AsyncOptions): Promise<void> {
    const limits = asyncLimits(options);
    const acquisition = this.#leave(guard);
    try {
      await acquire(acquisition, limits);
    } finally {
      if (!this.#primitive.closed) guard.takeOver(await guard.mutex.lock());
    }
  }

  /**
   * Wakes some of the waiters. Change what they wait for first, with the mutex locked.
   *
   * @param count - How many, as far as there are so many. Default 1.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  notify(count?: Integer): void {
    const most = count === undefined ? 1 : checkInteger(count, 'count', 1, ALL_WAITERS);
    const { words, memory, offset } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const waiters = state & MOST;
      if (waiters === 0) break;
      // Waiters that were notified before may have died: the others have to see this call, too.
      const woken = Math.max(0, Math.min(most, waiters - (state >>> 16)));
      const next = (state + woken * ONE_WAKE) | 0;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) continue;
      Atomics.add(words, NOTIFICATIONS, 1);
      wake(memory, offset, Math.min(most, waiters));
      break;
    }
    this.#primitive.verify();
  }

  /**
   * Wakes all waiters.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  notifyAll(): void {
    this.notify(ALL_WAITERS);
  }
}
