import { checkFunction, type Integer } from '../base/arguments';
import { invalidType } from '../base/errors';
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

const STATE = 0;
const NAMESPACE = 1;
const WORDS = 2;

/** The bit above all that a signature has: it has run. */
const DONE = -(2 ** 31);

/** What a try ends with: whether to run, and whether one who ran before has died. */
type Turn = 'done' | 'run' | 'run-abandoned';

/**
 * Something that one of all threads and processes does once, while the others wait for it: such as
 * filling shared memory with its first contents. It takes 8 bytes of the map, which are zero before
 * its first use.
 *
 * Where the function throws, or its thread dies, the next one runs it.
 */
export class Once {
  /** The bytes that it takes. */
  static readonly BYTES: number = 4 * WORDS;

  readonly #place: Place;
  readonly #wanted: Wanted<Turn>;

  /**
   * The once at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 8 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#place = new Place(map, offset, WORDS, (words) => enterNamespace(words, NAMESPACE));
    this.#wanted = {
      memory: this.#place.memory,
      name: 'the end of the function',
      attempt: (effort) => this.#attempt(effort),
    };
  }

  /** Whether the function has run to its end. */
  get done(): boolean {
    // A waiter that came late may have set its bit.
    return Atomics.load(this.#place.words, STATE) < 0;
  }

  #attempt(effort: Try): Turn | Wait {
    const { words } = this.#place;
    while (!this.done) {
      const signature = effort === Try.First ? ME : ME | WAITERS;
      const got = claim(words, STATE, NAMESPACE, signature, effort);
      if (got !== Claim.Refused) return got === Claim.Inherited ? 'run-abandoned' : 'run';
      if (this.done) break;
      const wait = announceWaiter(this.#place, STATE);
      if (wait !== undefined && wait.expected >>> 31 === 0) return wait;
    }
    return 'done';
  }

  #end(state: 0 | typeof DONE): void {
    const { words, memory, offset } = this.#place;
    if (state === 0) {
      if (release(words, STATE)) wake(memory, offset, EVERYBODY);
      return;
    }
    const found = Atomics.load(words, STATE);
    if (!isMine(found)) throw notOwnerError('the run', memory.path);
    if (Atomics.exchange(words, STATE, DONE) & WAITERS) wake(memory, offset, EVERYBODY);
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
   * `ERR_MMAP_DEADLOCK` from within the function; `ERR_MMAP_CLOSED`.
   */
  runSync(run: (abandoned: boolean) => void, options?: SyncOptions): boolean {
    this.#check(run);
    const timeout = syncTimeout(options);
    if (isMine(Atomics.load(this.#place.words, STATE))) {
      throw deadlockError('the run of the function', this.#place.memory.path);
    }
    const turn = acquireSync(this.#wanted, timeout, this.#attempt(Try.First));
    if (turn === 'done') return false;
    let end: 0 | typeof DONE = 0;
    try {
      run(turn === 'run-abandoned');
      end = DONE;
    } finally {
      this.#end(end);
    }
    return true;
  }

  /**
   * As {@link runSync}, without blocking; the function may return a promise.
   *
   * @throws TypeError, RangeError; rejects with what the function throws, an AbortError, MmapError
   * `ERR_MMAP_TIMEOUT`, `ERR_MMAP_CLOSED`.
   */
  async run(
    run: (abandoned: boolean) => void | Promise<void>,
    options?: AsyncOptions,
  ): Promise<boolean> {
    this.#check(run);
    const turn = await acquire(this.#wanted, asyncLimits(options));
    if (turn === 'done') return false;
    let end: 0 | typeof DONE = 0;
    try {
      await run(turn === 'run-abandoned');
      end = DONE;
    } finally {
      this.#end(end);
    }
    return true;
  }
}
