import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { type Wait, wake } from '../memory/waiting';
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
import { deadlockError, notOwnerError } from './errors';
import { Guard } from './guard';
import { Claim, claim, Effort, isMine, ME, release, WAITERS } from './owner';
import { SyncPrimitive } from './primitive';

const LOCK = 0;
const NAMESPACE = 1;
const WORDS = 2;

/** A local copy: reading it from the other module takes longer than all else on the fast path. */
const SIGNATURE = ME;

/** A {@link Mutex} that is held. `using guard = mutex.lockSync()` unlocks at the end of the block. */
export interface MutexGuard extends Guard<Mutex> {
  /** The mutex that is held. */
  readonly mutex: Mutex;
}

/**
 * A lock for all threads and processes that map the same file: one of them has it at a time. It
 * takes 8 bytes of the map, which are zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Mutex } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const mutex = new Mutex(map, 0); // zero bytes are an unlocked mutex
 * using guard = await mutex.lock({ timeout: 1000 });
 * if (guard.abandoned) map.fill(0, 64); // the last owner died: what it protects may be half changed
 * map.write('mine', 64);
 * ```
 *
 * A thread that dies while it holds the lock, by `kill -9` or `worker.terminate()` too, leaves it to
 * the next owner, whose `guard.abandoned` is true. That takes about 50 ms for a waiter. Threads of
 * different pid namespaces (containers) cannot know of each other's death: there a lock of the dead
 * stays locked.
 *
 * Not recursive: see {@link ReentrantMutex}. The owner is the JavaScript thread, not the function
 * that locked.
 */
export class Mutex {
  /** The bytes that a mutex takes. */
  static readonly BYTES: number = 4 * WORDS;

  /** @internal */
  readonly guardedAs = 'the mutex';
  readonly #primitive: SyncPrimitive;
  readonly #acquisition: Acquisition<MutexGuard>;

  /**
   * The mutex at an offset of a map. Nothing is created: the same offset of the same file is the
   * same mutex, in every thread and process.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_READ_ONLY` for a map that is read-only or
   * copy-on-write, `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED` and `ERR_MMAP_IO` where bytes of the map
   * are lost.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS, namespace: NAMESPACE });
    this.#acquisition = {
      primitive: this.#primitive,
      name: 'the mutex',
      attempt: (effort) => this.attempt(effort),
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
    return this.#primitive.load(LOCK) !== 0;
  }

  /** @internal Whether this thread holds the lock. */
  get isMine(): boolean {
    return isMine(this.#primitive.load(LOCK));
  }

  /** @internal Tries once. Returns a guard, or what to wait for. */
  attempt(effort: Effort): MutexGuard | Wait {
    const { words } = this.#primitive;
    // After a wait there may be other waiters.
    const signature = effort === Effort.First ? ME : ME | WAITERS;
    for (;;) {
      const result = claim(words, LOCK, NAMESPACE, signature, effort);
      if (result !== Claim.Refused) return new Guard<Mutex>(this, LOCK, result === Claim.Inherited);
      const wait = this.#primitive.announceWaiter(LOCK);
      if (wait !== undefined) return wait;
    }
  }

  /**
   * Locks if the lock is free, or its owner has died.
   *
   * @returns A guard, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  tryLock(): MutexGuard | null {
    return tryOnce({
      ...this.#acquisition,
      attempt: () => {
        const { words } = this.#primitive;
        const result = claim(words, LOCK, NAMESPACE, ME, Effort.Thorough);
        return result === Claim.Refused
          ? null
          : new Guard<Mutex>(this, LOCK, result === Claim.Inherited);
      },
      release: (guard) => guard?.[Symbol.dispose](),
    });
  }

  /**
   * Locks, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock itself; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  lockSync(options?: SyncOptions): MutexGuard {
    const timeout = options === undefined ? Number.POSITIVE_INFINITY : syncTimeout(options);
    const primitive = this.#primitive;
    const found = Atomics.compareExchange(primitive.words, LOCK, 0, SIGNATURE);
    // The flags are looked at last: the access above is what faults.
    if (found === 0 && primitive.faults[0] === 0) return new Guard<Mutex>(this, LOCK, false);
    return this.#lockSlowly(found, timeout);
  }

  #lockSlowly(found: number, timeout: number): MutexGuard {
    if (found === 0) release(this.#primitive.words, LOCK);
    this.#primitive.verify();
    if (isMine(found)) throw deadlockError('the mutex', this.path);
    return acquireSync(this.#acquisition, timeout);
  }

  /**
   * Locks as soon as it can. Calls of one thread get the lock in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async lock(options?: AsyncOptions): Promise<MutexGuard> {
    return acquireInTurn(this.#acquisition, asyncLimits(options));
  }

  /**
   * Unlocks.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` where this thread does not hold the lock;
   * `ERR_MMAP_CLOSED`; `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO` where bytes of the map were lost since.
   */
  unlock(): void {
    const found = Atomics.compareExchange(this.#primitive.words, LOCK, SIGNATURE, 0);
    // A word with this signature is not lost: a lost one is zero.
    if (found !== SIGNATURE) this.#unlockSlowly();
  }

  #unlockSlowly(): void {
    const { words, memory, offset, path } = this.#primitive;
    const waited = release(words, LOCK);
    this.#primitive.verify();
    if (waited === undefined) throw notOwnerError('the mutex', path);
    if (waited) wake(memory, offset, 1);
  }

  /** @internal As {@link unlock}, for a guard, for which one call more is too many. */
  releaseHold(): void {
    const found = Atomics.compareExchange(this.#primitive.words, LOCK, SIGNATURE, 0);
    // A word with this signature is not lost: a lost one is zero.
    if (found !== SIGNATURE) this.#unlockSlowly();
  }
}
