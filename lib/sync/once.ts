import { checkFunction, type Integer } from '../base/arguments';
import { closedError, invalidType } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { ALL_WAITERS, type Wait, wake } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquire,
  acquireSync,
  asyncLimits,
  quietly,
  type SyncOptions,
  syncTimeout,
} from './acquire';
import { deadlockError, notOwnerError } from './errors';
import { Claim, claim, Effort, isMine, ME, release, WAITERS } from './owner';
import { SyncPrimitive } from './primitive';

const STATE = 0;
const NAMESPACE = 1;
const WORDS = 2;

/** The bit above all that a signature has: the function has run. */
const DONE = -(2 ** 31);

/** What an attempt ends with: whether to run, and whether a thread died while it ran before. */
type Turn = 'done' | 'run' | 'run-abandoned';

/**
 * Something that one of all threads and processes does once, while the others wait for it: such as
 * filling shared memory with its first contents. It takes 8 bytes of the map, which are zero before
 * its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Once } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const filled = new Once(map, 0);
 * filled.runSync(() => map.write('first contents', 64)); // => true
 * filled.runSync(() => map.write('never written', 64)); // => false
 * ```
 *
 * Where the function throws, its thread dies, or its map is closed, the next one runs it.
 */
export class Once {
  /** The bytes that it takes. */
  static readonly BYTES: number = 4 * WORDS;

  readonly #primitive: SyncPrimitive;
  readonly #acquisition: Acquisition<Turn>;

  /**
   * The once at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS, namespace: NAMESPACE });
    this.#acquisition = {
      primitive: this.#primitive,
      name: 'the end of the function',
      attempt: (effort) => this.#attempt(effort),
      release: (turn) => {
        if (turn !== 'done') this.#cancelRun();
      },
    };
  }

  /** Whether the function has run to its end. */
  get done(): boolean {
    // A waiter that came late may have set its bit.
    return this.#primitive.load(STATE) < 0;
  }

  #attempt(effort: Effort): Turn | Wait {
    const { words } = this.#primitive;
    while (!this.done) {
      const signature = effort === Effort.First ? ME : ME | WAITERS;
      const result = claim(words, STATE, NAMESPACE, signature, effort);
      if (result !== Claim.Refused) return result === Claim.Inherited ? 'run-abandoned' : 'run';
      if (this.done) break;
      const wait = this.#primitive.announceWaiter(STATE);
      if (wait !== undefined && wait.expected >>> 31 === 0) return wait;
    }
    return 'done';
  }

  /** Leaves the run to the next one. */
  #cancelRun(): void {
    const { words, memory, offset } = this.#primitive;
    if (release(words, STATE)) wake(memory, offset, ALL_WAITERS);
  }

  /** Begins the run, which closing the map leaves to the next one. Returns what ends it. */
  #cancelOnClose(): () => void {
    const { memory } = this.#primitive;
    const cancel = () => quietly(() => this.#cancelRun());
    const watcher = memory.watchers.add((closing) => closing && cancel());
    return () => {
      watcher.remove();
      // Does nothing where the run has finished.
      if (!memory.closed) cancel();
    };
  }

  #finishRun(): void {
    const { words, memory, offset, path } = this.#primitive;
    const found = Atomics.load(words, STATE);
    this.#primitive.verify();
    if (!isMine(found)) throw notOwnerError('the run', path);
    const waiters = Atomics.exchange(words, STATE, DONE) & WAITERS;
    this.#primitive.verify();
    if (waiters) wake(memory, offset, ALL_WAITERS);
  }

  #check(run: (abandoned: boolean) => unknown): void {
    if (checkFunction(run, 'run') === undefined) throw invalidType('run', 'a function', run);
  }

  /**
   * Runs the function unless that was done, or blocks this thread while another one runs it.
   *
   * @param run - Called with whether a thread died while it ran its function.
   * @param options - For how long to wait for others.
   * @returns Whether this call has run it.
   * @throws TypeError, RangeError; what the function throws; MmapError `ERR_MMAP_TIMEOUT`;
   * `ERR_MMAP_DEADLOCK` from within the function; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`,
   * `ERR_MMAP_IO`.
   */
  runSync(run: (abandoned: boolean) => void, options?: SyncOptions): boolean {
    this.#check(run);
    const timeout = syncTimeout(options);
    if (isMine(this.#primitive.load(STATE))) {
      throw deadlockError('the run of the function', this.#primitive.path);
    }
    const turn = acquireSync(this.#acquisition, timeout);
    if (turn === 'done') return false;
    const stop = this.#cancelOnClose();
    try {
      run(turn === 'run-abandoned');
      this.#finishRun();
    } finally {
      stop();
    }
    return true;
  }

  /**
   * As {@link runSync}, without blocking; the function may return a promise.
   *
   * @param run - As for {@link runSync}.
   * @param options - For how long to wait for others, and how to abort that.
   * @throws TypeError, RangeError; rejects with what the function throws, an AbortError, MmapError
   * `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async run(
    run: (abandoned: boolean) => void | Promise<void>,
    options?: AsyncOptions,
  ): Promise<boolean> {
    this.#check(run);
    const turn = await acquire(this.#acquisition, asyncLimits(options));
    if (turn === 'done') return false;
    // The map may have been closed since, which has left the run to the next one.
    if (this.#primitive.closed) throw closedError(this.#primitive.path);
    const stop = this.#cancelOnClose();
    try {
      await run(turn === 'run-abandoned');
      this.#finishRun();
    } finally {
      stop();
    }
    return true;
  }
}
