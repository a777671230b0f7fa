import type { Integer } from '../base/arguments';
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
import { announce } from './change';
import { Try } from './holder';
import { Place } from './place';

const STATE = 0;
const WAITING = 1;
const SET = 2;
/** The bits above count how often the flag was set. */
const ONE_TIME = 4;

/**
 * A flag that threads and processes wait for. It takes 4 bytes of the map, which are zero before its
 * first use: the flag is down.
 */
export class EventFlag {
  /** The bytes that a flag takes. */
  static readonly BYTES: number = 4;

  readonly #place: Place;

  /**
   * The flag at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 4 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#place = new Place(map, offset, 1);
  }

  /** Whether the flag is up at this moment. */
  get isSet(): boolean {
    return (Atomics.load(this.#place.words, STATE) & SET) !== 0;
  }

  /** Raises the flag and wakes everybody who waits. Nothing where it is up. */
  set(): void {
    const { words, memory, offset } = this.#place;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if (state & SET) return;
      const raised = ((state & ~WAITING) + ONE_TIME) | SET;
      if (Atomics.compareExchange(words, STATE, state, raised) !== state) continue;
      if (state & WAITING) wake(memory, offset, EVERYBODY);
      return;
    }
  }

  /** Lowers the flag. Whoever waits since before it was raised goes on all the same. */
  clear(): void {
    Atomics.and(this.#place.words, STATE, ~SET);
  }

  #wanted(): Wanted<true> {
    const times = Atomics.load(this.#place.words, STATE) & -ONE_TIME;
    const attempt = (): true | Wait => {
      for (;;) {
        const state = Atomics.load(this.#place.words, STATE);
        if (state & SET || (state & -ONE_TIME) !== times) return true;
        const wait = announce(this.#place, STATE);
        if (wait.expected === (state | WAITING) >>> 0) return wait;
      }
    };
    return { memory: this.#place.memory, name: 'the flag', attempt };
  }

  /**
   * Blocks this thread until the flag is up.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`.
   */
  waitSync(options?: SyncOptions): void {
    const timeout = syncTimeout(options);
    const wanted = this.#wanted();
    acquireSync(wanted, timeout, wanted.attempt(Try.First));
  }

  /**
   * Resolves when the flag is up.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async wait(options?: AsyncOptions): Promise<void> {
    const limits = asyncLimits(options);
    await acquire(this.#wanted(), limits);
  }
}
