import { checkInteger, type Integer } from '../base/arguments';
import { outOfRange } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { Wait } from '../memory/waiting';
import {
  type AsyncOptions,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  type Wanted,
} from './acquire';
import { agree, announce, signal } from './change';
import { deadlockError, notOwnerError } from './errors';
import { Claim, claim, enterNamespace, isMine, ME, release, Try } from './holder';
import { Place } from './place';

const CHANGES = 0;
const NAMESPACE = 1;
const PERMITS = 2;
const FIRST = 4;

/** The most permits of a semaphore: taking one looks at all of them. */
const MOST_PERMITS = 1024;

/** A permit that was taken. `using permit = semaphore.acquireSync()` gives it back at the end. */
export class Permit {
  /** Whether the thread that had this permit before died with it. */
  readonly abandoned: boolean;
  readonly #semaphore: Semaphore;
  readonly #index: number;
  #held = true;

  /** @internal Users call {@link Semaphore.acquireSync} and its like. */
  constructor(semaphore: Semaphore, index: number, abandoned: boolean) {
    this.#semaphore = semaphore;
    this.#index = index;
    this.abandoned = abandoned;
  }

  /**
   * Gives the permit back.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time, or in another thread.
   */
  release(): void {
    if (!this.#held) throw notOwnerError('this permit', null);
    this.#semaphore.giveBack(this.#index);
    this.#held = false;
  }

  /** Gives the permit back unless that was done, or the map was closed. */
  [Symbol.dispose](): void {
    if (this.#held && !this.#semaphore.closed) this.release();
  }
}

/**
 * A number of permits for all threads and processes that map the same file. Every permit is a word
 * that its holder signs, so those of the dead are given back as a {@link Mutex} is. It takes
 * `Semaphore.bytes(permits)` bytes of the map, which are zero before its first use.
 *
 * A permit is given back by the thread that took it. To count what one process makes and another
 * one takes, use `map.atomic()` or a {@link Condition}.
 */
export class Semaphore {
  /** The bytes that a semaphore of so many permits takes: 16, and 4 for each. */
  static bytes(permits: Integer): number {
    return 4 * (FIRST + checkInteger(permits, 'permits', 1, MOST_PERMITS));
  }

  /** How many can be taken at a time. */
  readonly permits: number;
  readonly #place: Place;
  readonly #wanted: Wanted<Permit>;

  /**
   * The semaphore at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where it begins; `map.offset + offset` must be a multiple of 4.
   * @param permits - How many permits there are, 1 to 1024: the same number for all who use it.
   * @throws As {@link Mutex}'s constructor; RangeError where others use another number.
   */
  constructor(map: MmapMut, offset: Integer, permits: Integer) {
    const bytes = Semaphore.bytes(permits);
    this.permits = bytes / 4 - FIRST;
    this.#place = new Place(map, offset, bytes / 4, (words) => {
      enterNamespace(words, NAMESPACE);
      const agreed = agree(words, PERMITS, this.permits);
      if (agreed !== this.permits) throw outOfRange('permits', `${agreed}, as others use`, permits);
    });
    this.#wanted = {
      memory: this.#place.memory,
      name: 'a permit of the semaphore',
      attempt: (effort) => this.#attempt(effort),
    };
  }

  /** @internal Whether the map is closed. */
  get closed(): boolean {
    return this.#place.memory.closed;
  }

  /** How many permits nobody holds at this moment. Those of the dead count as held. */
  get available(): number {
    const { words } = this.#place;
    let free = 0;
    for (let i = 0; i < this.permits; i++) if (Atomics.load(words, FIRST + i) === 0) free++;
    return free;
  }

  #take(effort: Try): Permit | null {
    const { words } = this.#place;
    for (let i = 0; i < this.permits; i++) {
      const got = claim(words, FIRST + i, NAMESPACE, ME, effort);
      if (got !== Claim.Refused) return new Permit(this, i, got === Claim.Inherited);
    }
    return null;
  }

  #attempt(effort: Try): Permit | Wait {
    // A free one first: to look for the dead takes longer.
    let got = this.#take(Try.First);
    if (got === null && effort === Try.Thoroughly) got = this.#take(effort);
    if (got === null) {
      const wait = announce(this.#place, CHANGES, { first: FIRST, count: this.permits });
      got = this.#take(Try.First);
      if (got === null) return wait;
    }
    // Whoever has waited cannot know whether others still do.
    if (effort !== Try.First) announce(this.#place, CHANGES);
    return got;
  }

  /**
   * Takes a permit if there is one, or one of the dead.
   *
   * @returns A permit, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`.
   */
  tryAcquire(): Permit | null {
    return this.#take(Try.First) ?? this.#take(Try.Thoroughly);
  }

  /**
   * Takes a permit, blocking this thread until there is one.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds all of them; `ERR_MMAP_CLOSED`.
   */
  acquireSync(options?: SyncOptions): Permit {
    const timeout = syncTimeout(options);
    const { words, memory } = this.#place;
    const got = this.#attempt(Try.First);
    if (got instanceof Wait && words.subarray(FIRST).every(isMine)) {
      throw deadlockError('every permit of the semaphore', memory.path);
    }
    return acquireSync(this.#wanted, timeout, got);
  }

  /**
   * Takes a permit as soon as there is one. Calls of one thread get theirs in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async acquire(options?: AsyncOptions): Promise<Permit> {
    return acquireInTurn(this.#wanted, asyncLimits(options), this.#place.offset);
  }

  /**
   * Gives back one of the permits that this thread holds.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` where it holds none; `ERR_MMAP_CLOSED`.
   */
  release(): void {
    const { words, memory } = this.#place;
    for (let i = 0; i < this.permits; i++) {
      if (!isMine(Atomics.load(words, FIRST + i))) continue;
      this.giveBack(i);
      return;
    }
    throw notOwnerError('a permit of the semaphore', memory.path);
  }

  /** @internal Gives back the permit `index`. */
  giveBack(index: number): void {
    const { words, memory } = this.#place;
    if (release(words, FIRST + index) === undefined) {
      throw notOwnerError('this permit', memory.path);
    }
    signal(this.#place, CHANGES, 1);
  }
}
