import { checkInteger, type Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import type { Wait } from '../memory/waiting';
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
import { announce, signal } from './changes';
import { notOwnerError } from './errors';
import { Guard } from './guard';
import { Claim, claim, Effort, isMine, ME, release } from './owner';
import { SyncPrimitive } from './primitive';

const CHANGES = 0;
const NAMESPACE = 1;
const PERMITS = 2;
const FIRST = 4;

/** The most permits of a semaphore: taking one looks at all of them. */
const MOST_PERMITS = 1024;

/**
 * A permit of a {@link Semaphore} that was taken. `using permit = semaphore.acquireSync()` releases
 * it at the end of the block.
 */
export interface Permit extends Guard<Semaphore> {
  /**
   * Releases the permit.
   *
   * @throws As {@link Guard.unlock}.
   */
  release(): void;
}

/**
 * A number of permits for all threads and processes that map the same file. Every permit is a word
 * that its owner signs, so those of the dead come back as a {@link Mutex} does. It takes
 * `Semaphore.bytes(permits)` bytes of the map, which are zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Semaphore } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const semaphore = new Semaphore(map, 0, 2);
 * using permit = await semaphore.acquire({ timeout: 1000 });
 * semaphore.available; // => 1
 * ```
 *
 * A permit is released by the thread that took it. To count what one process makes and another one
 * takes, use `map.atomic()` or a {@link Condition}.
 */
export class Semaphore {
  /** The bytes that a semaphore of so many permits takes: 16, and 4 for each. */
  static bytes(permits: Integer): number {
    return 4 * (FIRST + checkInteger(permits, 'permits', 1, MOST_PERMITS));
  }

  /** How many can be taken at a time. */
  readonly permits: number;
  /** @internal */
  readonly guardedAs = 'the permit';
  readonly #primitive: SyncPrimitive;
  readonly #acquisition: Acquisition<Permit>;

  /**
   * The semaphore at an offset of a map.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   * import { Semaphore } from 'memmap/sync';
   *
   * using map = MmapMut.create('shared.bin', Semaphore.bytes(8));
   * const semaphore = new Semaphore(map, 0, 8); // 8 permits, the same number in every process
   * semaphore.permits; // => 8
   * ```
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where it begins; `map.offset + offset` must be a multiple of 4.
   * @param permits - How many permits there are, 1 to 1024: the same number for all users.
   * @throws As {@link Mutex}'s constructor; RangeError where others use another number.
   */
  constructor(map: MmapMut, offset: Integer, permits: Integer) {
    const words = Semaphore.bytes(permits) / 4;
    this.permits = words - FIRST;
    const constant = { name: 'permits', index: PERMITS, value: this.permits };
    this.#primitive = new SyncPrimitive(map, offset, { words, namespace: NAMESPACE, constant });
    this.#acquisition = {
      primitive: this.#primitive,
      name: 'a permit of the semaphore',
      attempt: (effort) => this.#attempt(effort),
      exclusive: true,
      release: (permit) => permit[Symbol.dispose](),
      selfBlocked: () => (this.#isAllMine() ? 'every permit of the semaphore' : undefined),
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

  /** How many permits are free at this moment. Those of the dead count as taken. */
  get available(): number {
    const free = this.#countFree();
    this.#primitive.verify();
    return free;
  }

  #countFree(): number {
    const { words } = this.#primitive;
    let free = 0;
    for (let i = 0; i < this.permits; i++) if (Atomics.load(words, FIRST + i) === 0) free++;
    return free;
  }

  #isAllMine(): boolean {
    return this.#primitive.words.subarray(FIRST).every(isMine);
  }

  #take(effort: Effort): Permit | null {
    const { words } = this.#primitive;
    for (let i = 0; i < this.permits; i++) {
      const result = claim(words, FIRST + i, NAMESPACE, ME, effort);
      if (result !== Claim.Refused)
        return new Guard<Semaphore>(this, i, result === Claim.Inherited);
    }
    return null;
  }

  /** A free permit, else one of the dead, which takes longer to find. */
  #takeThoroughly(): Permit | null {
    return this.#take(Effort.First) ?? this.#take(Effort.Thorough);
  }

  #attempt(effort: Effort): Permit | Wait {
    const primitive = this.#primitive;
    const again = () => announce(primitive, CHANGES, { first: FIRST, count: this.permits });
    let permit = effort === Effort.Thorough ? this.#takeThoroughly() : this.#take(Effort.First);
    if (permit === null) {
      const wait = again();
      permit = this.#take(Effort.First);
      if (permit === null) return wait;
    }
    if (effort !== Effort.First) {
      // There may be other waiters, and the releases of a burst have woken only the first of them:
      // each wakes the next for as long as there are free permits.
      announce(primitive, CHANGES);
      if (this.#countFree() > 0) signal(primitive, CHANGES, 1);
    }
    return permit;
  }

  /**
   * Takes a permit if there is one, or one of the dead.
   *
   * @returns A permit, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  tryAcquire(): Permit | null {
    return tryOnce({
      primitive: this.#primitive,
      name: 'a permit',
      attempt: () => this.#takeThoroughly(),
      release: (permit) => permit?.[Symbol.dispose](),
    });
  }

  /**
   * Takes a permit, blocking this thread until there is one.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds all of them; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  acquireSync(options?: SyncOptions): Permit {
    return acquireSync(this.#acquisition, syncTimeout(options));
  }

  /**
   * Takes a permit as soon as there is one. Calls of one thread get theirs in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async acquire(options?: AsyncOptions): Promise<Permit> {
    return acquireInTurn(this.#acquisition, asyncLimits(options));
  }

  /**
   * Releases one of the permits that this thread holds.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` where it holds none; `ERR_MMAP_CLOSED`,
   * `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  release(): void {
    const { words, path } = this.#primitive;
    const index = words.subarray(FIRST).findIndex(isMine);
    this.#primitive.verify();
    if (index === -1) throw notOwnerError('a permit of the semaphore', path);
    this.releaseHold(index);
  }

  /** @internal Releases the permit `index`. */
  releaseHold(index: number): void {
    const { words, path } = this.#primitive;
    const waited = release(words, FIRST + index);
    this.#primitive.verify();
    if (waited === undefined) throw notOwnerError(this.guardedAs, path);
    signal(this.#primitive, CHANGES, 1);
  }
}
