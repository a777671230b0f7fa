import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { ALL_WAITERS, type Wait, wake } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquire,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
} from './acquire';
import { announce } from './changes';
import { SyncPrimitive } from './primitive';

const STATE = 0;
const WAITING = 1;
const SET = 2;
/** The bits above count how often the flag was set. */
const ONE_TIME = 4;

/**
 * A flag that threads and processes wait for. It takes 4 bytes of the map, which are zero before its
 * first use: the flag is down.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { EventFlag } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const ready = new EventFlag(map, 0);
 * setImmediate(() => ready.set()); // or in another process
 * await ready.wait({ timeout: 10_000 });
 * ready.isSet; // => true
 * ```
 */
export class EventFlag {
  /** The bytes that a flag takes. */
  static readonly BYTES: number = 4;

  readonly #primitive: SyncPrimitive;

  /**
   * The flag at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 4 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: 1 });
  }

  /** Whether the flag is up at this moment. */
  get isSet(): boolean {
    return (this.#primitive.load(STATE) & SET) !== 0;
  }

  /**
   * Raises the flag and wakes all waiters. Does nothing where it is up.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  set(): void {
    const { words, memory, offset } = this.#primitive;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const raised = ((state & ~WAITING) + ONE_TIME) | SET;
      if (state & SET) break;
      if (Atomics.compareExchange(words, STATE, state, raised) !== state) continue;
      if (state & WAITING) wake(memory, offset, ALL_WAITERS);
      break;
    }
    this.#primitive.verify();
  }

  /**
   * Lowers the flag. Waiters from before it was raised go on all the same.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  clear(): void {
    Atomics.and(this.#primitive.words, STATE, ~SET);
    this.#primitive.verify();
  }

  #acquisition(): Acquisition<true> {
    const primitive = this.#primitive;
    const times = Atomics.load(primitive.words, STATE) & -ONE_TIME;
    const attempt = (): true | Wait => {
      for (;;) {
        const state = Atomics.load(primitive.words, STATE);
        if (state & SET || (state & -ONE_TIME) !== times) return true;
        const wait = announce(primitive, STATE);
        if (wait.expected === (state | WAITING) >>> 0) return wait;
      }
    };
    return { primitive, name: 'the flag', attempt };
  }

  /**
   * Blocks this thread until the flag is up.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`,
   * `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  waitSync(options?: SyncOptions): void {
    const timeout = syncTimeout(options);
    acquireSync(this.#acquisition(), timeout);
  }

  /**
   * Resolves when the flag is up.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async wait(options?: AsyncOptions): Promise<void> {
    const limits = asyncLimits(options);
    await acquire(this.#acquisition(), limits);
  }
}
