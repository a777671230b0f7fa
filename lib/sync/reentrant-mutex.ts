import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { Wait } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  tryOnce,
} from './acquire';
import { notOwnerError } from './errors';
import { Guard } from './guard';
import { Mutex, type MutexGuard } from './mutex';
import { SyncPrimitive } from './primitive';

/** Behind the two words of a {@link Mutex}: how often its owner has locked. */
const COUNT = 2;
const WORDS = 3;

/**
 * A {@link Mutex} that its owner can lock again, and frees by unlocking as often. It takes 12 bytes
 * of the map, which are zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { ReentrantMutex } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const mutex = new ReentrantMutex(map, 0);
 * using outer = mutex.lockSync();
 * using inner = mutex.lockSync(); // at once: this thread is the owner
 * ```
 *
 * The owner is the JavaScript thread: two async functions of one thread do not keep each other out.
 */
export class ReentrantMutex {
  /** The bytes that it takes. */
  static readonly BYTES: number = 4 * WORDS;

  /** @internal */
  readonly guardedAs = 'the mutex';
  readonly #primitive: SyncPrimitive;
  readonly #mutex: Mutex;
  readonly #acquisition: Acquisition<Guard>;

  /**
   * The mutex at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 12 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS });
    this.#mutex = new Mutex(map, offset);
    this.#acquisition = {
      primitive: this.#primitive,
      name: this.guardedAs,
      attempt: (effort) => {
        const again = this.#lockAgain();
        if (again !== null) return again;
        const result = this.#mutex.attempt(effort);
        return result instanceof Wait ? result : this.#begin(result);
      },
      exclusive: true,
      release: (guard) => guard[Symbol.dispose](),
    };
  }

  /** @internal The path that errors name. */
  get path(): string | null {
    return this.#primitive.path;
  }

  /** @internal Whether the map is closed. */
  get closed(): boolean {
    return this.#primitive.closed;
  }

  /** Whether the lock has an owner, dead or alive, at this moment. */
  get locked(): boolean {
    return this.#mutex.locked;
  }

  /** How often this thread has locked and not unlocked yet. */
  get depth(): number {
    const depth = this.#mutex.isMine ? Atomics.load(this.#primitive.words, COUNT) : 0;
    this.#primitive.verify();
    return depth;
  }

  /** Counts one more where this thread is the owner. Only the owner changes the count. */
  #lockAgain(): Guard | null {
    if (!this.#mutex.isMine) return null;
    Atomics.add(this.#primitive.words, COUNT, 1);
    return new Guard(this, 0, false);
  }

  /** What a lock of the mutex is here: the first of a count, whatever a dead owner has left there. */
  #begin({ abandoned }: MutexGuard): Guard {
    Atomics.store(this.#primitive.words, COUNT, 1);
    return new Guard(this, 0, abandoned);
  }

  /**
   * Locks if the lock is free or this thread's own, or its owner has died.
   *
   * @returns A guard, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  tryLock(): Guard | null {
    return tryOnce({
      ...this.#acquisition,
      attempt: () => {
        const again = this.#lockAgain();
        if (again !== null) return again;
        const guard = this.#mutex.tryLock();
        return guard && this.#begin(guard);
      },
      release: (guard) => guard?.[Symbol.dispose](),
    });
  }

  /**
   * Locks, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`,
   * `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  lockSync(options?: SyncOptions): Guard {
    return acquireSync(this.#acquisition, syncTimeout(options));
  }

  /**
   * Locks as soon as it can: at once where this thread is the owner.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async lock(options?: AsyncOptions): Promise<Guard> {
    return acquireInTurn(this.#acquisition, asyncLimits(options));
  }

  /**
   * Unlocks once; the last time frees the lock.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` where this thread does not hold the lock;
   * `ERR_MMAP_CLOSED`; `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO` where bytes of the map were lost since.
   */
  unlock(): void {
    const { words, path } = this.#primitive;
    if (!this.#mutex.isMine) throw notOwnerError(this.guardedAs, path);
    if (Atomics.sub(words, COUNT, 1) <= 1) this.#mutex.unlock();
    this.#primitive.verify();
  }

  /** @internal Unlocks for a guard. */
  releaseHold(): void {
    this.unlock();
  }
}
