import { checkInteger, type Integer } from '../base/arguments';
import { abortError, outOfRange } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { EVERYBODY, type Wait, wake } from '../memory/waiting';
import {
  type AsyncOptions,
  acquire,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  type Wanted,
} from './acquire';
import { agree, announce } from './change';
import { Try } from './holder';
import { Place } from './place';

const STATE = 0;
const PARTIES = 1;
const WORDS = 2;

const WAITING = 1;
const ONE_ARRIVAL = 2;
const ARRIVALS = 0x7fe;
/** The bits above count how often all had arrived. */
const ONE_TIME = 0x800;

/** The most parties of a barrier. */
const MOST_PARTIES = 1023;

/**
 * A place where a number of threads wait until all of them have come, again and again. It takes 8
 * bytes of the map, which are zero before its first use.
 *
 * Who dies before it comes is waited for: use a timeout, which takes the waiter's own arrival back.
 */
export class Barrier {
  /** The bytes that a barrier takes. */
  static readonly BYTES: number = 4 * WORDS;

  /** How many are waited for. */
  readonly parties: number;
  readonly #place: Place;

  /**
   * The barrier at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @param parties - How many have to come, 1 to 1023: the same number for all who use it.
   * @throws As {@link Mutex}'s constructor; RangeError where others use another number.
   */
  constructor(map: MmapMut, offset: Integer, parties: Integer) {
    this.parties = checkInteger(parties, 'parties', 1, MOST_PARTIES);
    this.#place = new Place(map, offset, WORDS, (words) => {
      const agreed = agree(words, PARTIES, this.parties);
      if (agreed !== this.parties) throw outOfRange('parties', `${agreed}, as others use`, parties);
    });
  }

  /** How many have come and wait at this moment. */
  get waiting(): number {
    return (Atomics.load(this.#place.words, STATE) & ARRIVALS) / ONE_ARRIVAL;
  }

  /** Arrives. What is wanted is the number of the arrival. */
  #arrive(): Wanted<number> {
    const { words, memory, offset } = this.#place;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const number = (state & ARRIVALS) / ONE_ARRIVAL;
      const times = state & -ONE_TIME;
      const last = number === this.parties - 1;
      const next = last ? (times + ONE_TIME) | 0 : state + ONE_ARRIVAL;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) continue;
      if (last && state & WAITING) wake(memory, offset, EVERYBODY);
      const attempt = () => (last ? number : this.#passed(times, number));
      return { memory, name: 'the last of the parties', attempt, giveUp: () => this.#leave(times) };
    }
  }

  #passed(times: number, number: number): number | Wait {
    const wait = announce(this.#place, STATE);
    return (wait.expected & -ONE_TIME) === times ? wait : number;
  }

  /** Takes an arrival back, unless all have come meanwhile. */
  #leave(times: number): void {
    if (this.#place.memory.closed) return;
    const { words } = this.#place;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if ((state & -ONE_TIME) !== times) return;
      if (Atomics.compareExchange(words, STATE, state, state - ONE_ARRIVAL) === state) return;
    }
  }

  /**
   * Arrives, and blocks this thread until all have.
   *
   * @param options - For how long. After a timeout this thread has not arrived.
   * @returns Which one of the parties this was: 0 for the first to arrive, `parties - 1` for the last.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`.
   */
  waitSync(options?: SyncOptions): number {
    const timeout = syncTimeout(options);
    const wanted = this.#arrive();
    return acquireSync(wanted, timeout, wanted.attempt(Try.First));
  }

  /**
   * Arrives, and resolves when all have.
   *
   * @param options - For how long, and how to abort it: then this thread has not arrived.
   * @returns As {@link waitSync}.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async wait(options?: AsyncOptions): Promise<number> {
    const limits = asyncLimits(options);
    // Who is aborted before it begins does not arrive.
    if (limits.signal?.aborted) throw abortError(limits.signal);
    return acquire(this.#arrive(), limits);
  }
}
