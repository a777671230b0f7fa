import { checkInteger, type Integer } from '../base/arguments';
import { invalidType } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { EVERYBODY, wake } from '../memory/waiting';
import {
  type AsyncOptions,
  acquire,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  type Wanted,
} from './acquire';
import { announce, signal } from './change';
import { Try } from './holder';
import { MutexGuard } from './mutex';
import { Place } from './place';

const CHANGES = 0;
const WAITING = 1;

/**
 * Waiting until what a {@link Mutex} protects has changed. It takes 4 bytes of the map, which are
 * zero before its first use.
 *
 * ```js
 * using guard = mutex.lockSync();
 * while (queueIsEmpty()) condition.waitSync(guard);
 * ```
 *
 * Look again after every wait, as above: more waiters may wake than were notified.
 */
export class Condition {
  /** The bytes that a condition takes. */
  static readonly BYTES: number = 4;

  readonly #place: Place;

  /**
   * The condition at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 4 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#place = new Place(map, offset, 1);
  }

  /** What to wait for, and the mutex unlocked. */
  #leave(guard: MutexGuard): Wanted<true> {
    if (!(guard instanceof MutexGuard)) throw invalidType('guard', 'a guard of a Mutex', guard);
    // Announced while the mutex is held: what changes afterwards is not missed.
    const wait = announce(this.#place, CHANGES);
    guard.unlock();
    return {
      memory: this.#place.memory,
      name: 'a notification',
      attempt: () => Atomics.load(this.#place.words, CHANGES) >>> 0 !== wait.expected || wait,
    };
  }

  /**
   * Unlocks the mutex, blocks this thread until it is notified, and locks the mutex again, also
   * where it throws.
   *
   * @param guard - The mutex, locked by this thread. It holds the lock afterwards.
   * @param options - For how long to wait for a notification; to lock the mutex again may take
   * longer.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_NOT_OWNER` where the
   * guard does not hold the mutex; `ERR_MMAP_CLOSED`.
   */
  waitSync(guard: MutexGuard, options?: SyncOptions): void {
    const timeout = syncTimeout(options);
    const wanted = this.#leave(guard);
    try {
      acquireSync(wanted, timeout, wanted.attempt(Try.First));
    } finally {
      if (!wanted.memory.closed) guard.takeOver(guard.mutex.lockSync());
    }
  }

  /**
   * As {@link waitSync}, without blocking.
   *
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_NOT_OWNER`, `ERR_MMAP_CLOSED`.
   */
  async wait(guard: MutexGuard, options?: AsyncOptions): Promise<void> {
    const limits = asyncLimits(options);
    const wanted = this.#leave(guard);
    try {
      await acquire(wanted, limits);
    } finally {
      if (!wanted.memory.closed) guard.takeOver(await guard.mutex.lock());
    }
  }

  /**
   * Wakes some of those who wait. Change what they wait for first, with the mutex locked.
   *
   * @param count - How many at least, as far as so many wait. Default 1.
   */
  notify(count?: Integer): void {
    const most = count === undefined ? 1 : checkInteger(count, 'count', 1, EVERYBODY);
    const { words, memory, offset } = this.#place;
    // The bit stays, since others may go on waiting.
    if (Atomics.load(words, CHANGES) & WAITING) {
      Atomics.add(words, CHANGES, 2);
      wake(memory, offset, most);
    }
  }

  /** Wakes everybody who waits. */
  notifyAll(): void {
    signal(this.#place, CHANGES);
  }
}
