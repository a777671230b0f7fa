import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { type Wait, wake } from '../memory/waiting';
import {
  type AsyncOptions,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  type Wanted,
} from './acquire';
import { deadlockError, notOwnerError } from './errors';
import {
  announceWaiter,
  Claim,
  claim,
  enterNamespace,
  isMine,
  ME,
  release,
  Try,
  WAITERS,
} from './holder';
import { Place } from './place';

const LOCK = 0;
const NAMESPACE = 1;
const WORDS = 2;

/** A local copy: reading it from the other module takes longer than all else on the fast path. */
const SIGNATURE = ME;

/** A lock that is held. `using guard = mutex.lockSync()` unlocks at the end of the block. */
export class MutexGuard {
  /** The mutex that is held. */
  readonly mutex: Mutex;
  /**
   * Whether the thread that held the mutex before died while holding it. What the mutex protects
   * may be half changed then: check it, or put it in order.
   */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  #abandoned: boolean;
  #held = true;

  /** @internal Users call {@link Mutex.lockSync} and its like. */
  constructor(mutex: Mutex, abandoned: boolean) {
    this.mutex = mutex;
    this.#abandoned = abandoned;
  }

  /** @internal Goes on with the lock of another guard, after {@link unlock}. */
  takeOver(other: MutexGuard): void {
    this.#abandoned ||= other.#abandoned;
    this.#held = other.#held;
    other.#held = false;
  }

  /**
   * Unlocks the mutex.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time.
   */
  unlock(): void {
    if (!this.#held) throw notOwnerError('the mutex by this guard', this.mutex.path);
    this.#held = false;
    this.mutex.unlock();
  }

  /** Unlocks the mutex unless this guard has done so, or the map was closed. */
  [Symbol.dispose](): void {
    if (this.#held && !this.mutex.closed) this.unlock();
  }
}

/**
 * A lock for all threads and processes that map the same file: one of them has it at a time. It
 * takes 8 bytes of the map, which are zero before its first use.
 *
 * A thread that dies while it holds the lock, by `kill -9` or `worker.terminate()` too, leaves it to
 * the next one, who is told so (`guard.abandoned`). That takes about 50 ms where somebody waits.
 * Threads of different pid namespaces (containers) cannot know of each other's death: there a lock
 * of the dead stays locked.
 *
 * Not recursive. The owner is the JavaScript thread, not the function that locked.
 */
export class Mutex {
  /** The bytes that a mutex takes. */
  static readonly BYTES: number = 4 * WORDS;

  readonly #place: Place;
  readonly #wanted: Wanted<MutexGuard>;

  /**
   * The mutex at an offset of a map. Nothing is created: all who name the same place of the same
   * file mean the same mutex.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_READ_ONLY` for a map that is read-only or
   * copy-on-write, `ERR_MMAP_CLOSED`.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#place = new Place(map, offset, WORDS, (words) => enterNamespace(words, NAMESPACE));
    this.#wanted = {
      memory: this.#place.memory,
      name: 'the mutex',
      attempt: (effort) => this.#attempt(effort),
    };
  }

  /** @internal The path that errors name. */
  get path(): string | null {
    return this.#place.memory.path;
  }

  /** @internal Whether the map is closed. */
  get closed(): boolean {
    return this.#place.memory.closed;
  }

  /** Whether somebody, dead or alive, holds the lock at this moment. */
  get locked(): boolean {
    return Atomics.load(this.#place.words, LOCK) !== 0;
  }

  #attempt(effort: Try): MutexGuard | Wait {
    const { words } = this.#place;
    // Whoever has waited cannot know whether others still do.
    const signature = effort === Try.First ? ME : ME | WAITERS;
    for (;;) {
      const got = claim(words, LOCK, NAMESPACE, signature, effort);
      if (got !== Claim.Refused) return new MutexGuard(this, got === Claim.Inherited);
      const wait = announceWaiter(this.#place, LOCK);
      if (wait !== undefined) return wait;
    }
  }

  /**
   * Locks if nobody holds the lock, or if its holder has died.
   *
   * @returns A guard, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`.
   */
  tryLock(): MutexGuard | null {
    const { words } = this.#place;
    const got = claim(words, LOCK, NAMESPACE, ME, Try.Thoroughly);
    return got === Claim.Refused ? null : new MutexGuard(this, got === Claim.Inherited);
  }

  /**
   * Locks, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock itself; `ERR_MMAP_CLOSED`.
   */
  lockSync(options?: SyncOptions): MutexGuard {
    const timeout = options === undefined ? Number.POSITIVE_INFINITY : syncTimeout(options);
    const found = Atomics.compareExchange(this.#place.words, LOCK, 0, SIGNATURE);
    if (found === 0) return new MutexGuard(this, false);
    if (isMine(found)) throw deadlockError('the mutex', this.path);
    return acquireSync(this.#wanted, timeout, this.#attempt(Try.First));
  }

  /**
   * Locks as soon as it can. Calls of one thread get the lock in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async lock(options?: AsyncOptions): Promise<MutexGuard> {
    return acquireInTurn(this.#wanted, asyncLimits(options), this.#place.offset);
  }

  /**
   * Unlocks.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` where this thread does not hold the lock;
   * `ERR_MMAP_CLOSED`.
   */
  unlock(): void {
    const found = Atomics.compareExchange(this.#place.words, LOCK, SIGNATURE, 0);
    if (found !== SIGNATURE) this.#unlockAndWake();
  }

  #unlockAndWake(): void {
    const { words, memory, offset } = this.#place;
    const waited = release(words, LOCK);
    if (waited === undefined) throw notOwnerError('the mutex', this.path);
    if (waited) wake(memory, offset, 1);
  }
}
