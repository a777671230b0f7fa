import { checkInteger, type Integer } from '../base/arguments';
import { abortError } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { ALL_WAITERS, type Wait, wake } from '../memory/waiting';
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
import { announce } from './changes';
import { brokenError } from './errors';
import { SyncPrimitive } from './primitive';

const STATE = 0;
const PARTIES = 1;
/** The round that passed last, and how many of its parties have gone on. */
const PASSED = 2;
const WORDS = 3;

const WAITING = 1;
const ONE_ARRIVAL = 2;
const ARRIVALS = 0x7fe;
/** Nothing can arrive. */
const BROKEN = 0x800;
/** The round before this one did not pass. */
const ENDED_BROKEN = 0x1000;
/** The bits above number the rounds. */
const ONE_ROUND = 0x2000;
const ROUNDS = -ONE_ROUND;

/** The most parties of a barrier. */
const MOST_PARTIES = 1023;

/**
 * A point where a number of threads wait until all of them have arrived, again and again. It takes
 * 12 bytes of the map, which are zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Barrier } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const barrier = new Barrier(map, 0, 2);
 * const numbers = await Promise.all([barrier.wait(), barrier.wait()]); // or in two processes
 * numbers.sort(); // => [ 0, 1 ]
 * ```
 *
 * A party that dies before it arrives blocks the others: use a timeout, which takes the waiter's own
 * arrival back, or have another thread call {@link Barrier.abort}.
 */
export class Barrier {
  /** The bytes that a barrier takes. */
  static readonly BYTES: number = 4 * WORDS;

  /** How many threads have to arrive. */
  readonly parties: number;
  readonly #primitive: SyncPrimitive;

  /**
   * The barrier at an offset of a map.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   * import { Barrier } from 'memmap/sync';
   *
   * using map = MmapMut.create('shared.bin', 4096);
   * const barrier = new Barrier(map, 64, 3); // 3 parties, the same number in every process
   * barrier.parties; // => 3
   * ```
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 12 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @param parties - How many have to arrive, 1 to 1023: the same number for all users.
   * @throws As {@link Mutex}'s constructor; RangeError where others use another number.
   */
  constructor(map: MmapMut, offset: Integer, parties: Integer) {
    this.parties = checkInteger(parties, 'parties', 1, MOST_PARTIES);
    const constant = { name: 'parties', index: PARTIES, value: this.parties };
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS, constant });
  }

  /** How many have arrived and wait at this moment. */
  get waiting(): number {
    return (this.#primitive.load(STATE) & ARRIVALS) / ONE_ARRIVAL;
  }

  /** Whether {@link abort} was called, and not {@link reset} since. */
  get broken(): boolean {
    return (this.#primitive.load(STATE) & BROKEN) !== 0;
  }

  /** Arrives. The result is the party's number. */
  #arrive(): Acquisition<number> {
    const primitive = this.#primitive;
    const { words, memory, offset } = primitive;
    for (;;) {
      const state = primitive.load(STATE);
      if (state & BROKEN) throw brokenError(primitive.path);
      const round = state & ROUNDS;
      const isLast = (state & ARRIVALS) / ONE_ARRIVAL === this.parties - 1;
      const next = isLast ? (round + ONE_ROUND) | 0 : state + ONE_ARRIVAL;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) continue;
      if (isLast && state & WAITING) wake(memory, offset, ALL_WAITERS);
      return {
        primitive,
        name: 'the last party of the barrier',
        attempt: () => (isLast ? this.parties - 1 : this.#pass(round)),
        cancel: () => (isLast ? { result: this.parties - 1 } : this.#withdraw(round)),
      };
    }
  }

  /** The party's number where its round has passed; else what to wait for. */
  #pass(round: number): number | Wait {
    for (;;) {
      const state = Atomics.load(this.#primitive.words, STATE);
      if ((state & ROUNDS) !== round) return this.#numberIn(round, state);
      const wait = announce(this.#primitive, STATE);
      if ((wait.expected & ROUNDS) === round) return wait;
    }
  }

  /** The party's number in a round that is over: different ones, in the order of going on. */
  #numberIn(round: number, state: number): number {
    const { words, path } = this.#primitive;
    // A round behind the next one is over for want of this thread: it was reset, and others passed.
    const isNext = (state & ROUNDS) === ((round + ONE_ROUND) | 0);
    if (!isNext || state & ENDED_BROKEN) throw brokenError(path);
    for (;;) {
      const passed = Atomics.load(words, PASSED);
      const number = (passed & ROUNDS) === round ? passed & ~ROUNDS : 0;
      if (Atomics.compareExchange(words, PASSED, passed, round | (number + 1)) === passed) {
        return number;
      }
    }
  }

  /** Takes an arrival back; where its round has passed meanwhile, that is too late. */
  #withdraw(round: number): Late<number> | undefined {
    const { words } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if ((state & ROUNDS) !== round) return { result: this.#numberIn(round, state) };
      if (Atomics.compareExchange(words, STATE, state, state - ONE_ARRIVAL) === state) {
        return undefined;
      }
    }
  }

  /**
   * Arrives, and blocks this thread until all have.
   *
   * @param options - For how long. After a timeout this thread has not arrived.
   * @returns A number for each party of the round, 0 to `parties - 1`: a way to choose one of them.
   * The last to arrive is `parties - 1`.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_BROKEN` where the barrier
   * is or gets broken; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  waitSync(options?: SyncOptions): number {
    const timeout = syncTimeout(options);
    return acquireSync(this.#arrive(), timeout);
  }

  /**
   * Arrives, and resolves when all have.
   *
   * @param options - For how long, and how to abort it. A promise that rejects with either error has
   * not arrived.
   * @returns As {@link waitSync}.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_BROKEN`, `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async wait(options?: AsyncOptions): Promise<number> {
    const limits = asyncLimits(options);
    // What is aborted before it begins does not arrive.
    if (limits.signal?.aborted) throw abortError(limits.signal);
    return acquire(this.#arrive(), limits);
  }

  /**
   * Breaks the barrier: waiters, and parties that arrive later, get `ERR_MMAP_BROKEN`, until
   * {@link reset}. For a party that cannot arrive any more.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  abort(): void {
    this.#end(BROKEN);
  }

  /**
   * Makes the barrier as new. Current waiters get `ERR_MMAP_BROKEN`.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  reset(): void {
    this.#end(0);
  }

  /** Ends the round, if any have arrived, and leaves the barrier broken or not. */
  #end(broken: 0 | typeof BROKEN): void {
    const { words, memory, offset } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const next =
        state & ARRIVALS
          ? ((state & ROUNDS) + ONE_ROUND) | 0 | ENDED_BROKEN | broken
          : (state & ~BROKEN) | broken;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) continue;
      if (state & ARRIVALS && state & WAITING) wake(memory, offset, ALL_WAITERS);
      break;
    }
    this.#primitive.verify();
  }
}
