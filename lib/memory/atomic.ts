import {
  checkInteger,
  checkOptions,
  checkSignal,
  checkTimeout,
  type Integer,
} from '../base/arguments';
import { abortError, invalidType } from '../base/errors';
import type { NativeMutableMap } from '../base/native';
import type { Memory } from './memory';
import { view } from './views';
import { ALL_WAITERS, Wait, waitAsync, waitSlice, wake } from './waiting';

/** The arrays whose elements can be an {@link Atomic}. */
export type AtomicArray = Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

/** The constructors of the typed arrays whose elements can be atomic words. */
export type AtomicArrayConstructor =
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor;

/** The type of an element. */
export type AtomicValue<Type extends AtomicArrayConstructor> = InstanceType<Type>[number];

/** How long {@link Atomic.wait} waits. */
export interface WaitOptions {
  /** The longest time to wait, in ms: 0 to 2^31 - 1, or Infinity. Default Infinity. */
  timeout?: number | undefined;
}

/** How long {@link Atomic.waitAsync} waits. */
export interface WaitAsyncOptions extends WaitOptions {
  /** Ends the wait when aborted: the promise rejects with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** The least and the greatest value of a type. */
function limits(type: AtomicArrayConstructor): [number, number] | [bigint, bigint] {
  switch (type) {
    case Int32Array:
      return [-(2 ** 31), 2 ** 31 - 1];
    case Uint32Array:
      return [0, 2 ** 32 - 1];
    case BigInt64Array:
      return [-(2n ** 63n), 2n ** 63n - 1n];
    case BigUint64Array:
      return [0n, 2n ** 64n - 1n];
    default:
      throw invalidType(
        'type',
        'one of Int32Array, Uint32Array, BigInt64Array and BigUint64Array',
        type,
      );
  }
}

/**
 * A word of 32 or 64 bits in a map, shared by all threads and processes that map the same file. It
 * does what JavaScript's `Atomics` do, with waiting that works between processes.
 *
 * A waiter names the value that it saw, and sleeps only while the word still has it. So change the
 * word first, then {@link notify}. A waiter may return without a notification when the word has
 * changed, and (rarely) when it has not: it should look again and wait on. On Windows and on
 * macOS before 14.4 waiters look at the word every 0.1 to 16 ms, and so does what serves promises on
 * every macOS: a notification alone wakes none of them, and a change that is undone by then is missed.
 *
 * Every method throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED` or `ERR_MMAP_IO` where the
 * map is closed, or has lost bytes.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 *
 * using map = MmapMut.anonymous(4096);
 * const counter = map.atomic(0);
 * counter.add(1); // => 0
 * counter.load(); // => 1
 * ```
 */
export class Atomic<Type extends AtomicArrayConstructor = Int32ArrayConstructor> {
  readonly #memory: Memory<NativeMutableMap>;
  readonly #type: Type;
  readonly #offset: number;
  readonly #limits: [number, number] | [bigint, bigint];
  #words: AtomicArray;
  #generation = 0;

  /** @internal Users call {@link MmapMut.atomic}. */
  constructor(memory: Memory<NativeMutableMap>, offset: Integer, type: Type) {
    this.#memory = memory;
    this.#type = type;
    this.#limits = limits(type);
    memory.assertUsable();
    const most = memory.length - type.BYTES_PER_ELEMENT;
    this.#offset = checkInteger(offset, 'offset', 0, Math.max(0, most));
    this.#words = this.#locate();
  }

  #locate(): AtomicArray {
    this.#words = view(this.#memory, this.#type, this.#offset, 1);
    this.#generation = this.#memory.generation;
    return this.#words;
  }

  /** An array of the one word, located again after the map was resized or refreshed. */
  get #word(): AtomicArray {
    // A SharedArrayBuffer is not detached when its map closes, so the length says too little.
    return this.#words.length !== 0 && this.#memory.generation === this.#generation
      ? this.#words
      : this.#locate();
  }

  /** Runs an operation of Atomics. TypeScript does not know that its types belong together. */
  #apply(
    operation: (word: never, index: number, ...values: never[]) => number | bigint,
    ...values: AtomicValue<Type>[]
  ): AtomicValue<Type> {
    for (const value of values) this.#check(value);
    const result = operation(this.#word as never, 0, ...(values as never[])) as AtomicValue<Type>;
    // The access itself is what faults: then it was a private page that it read or changed.
    this.#memory.assertUsable();
    return result;
  }

  #check(value: number | bigint): void {
    const [min, max] = this.#limits;
    if (typeof value !== typeof min) throw invalidType('value', `a ${typeof min}`, value);
    if (typeof value === 'number') checkInteger(value, 'value', Number(min), Number(max));
    else if (value < min || value > max) {
      // Says what is allowed.
      checkInteger(value, 'value', min as number, max as number);
    }
  }

  /** Returns the value. */
  load(): AtomicValue<Type> {
    return this.#apply(Atomics.load);
  }

  /** Sets the value, and returns it. */
  store(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.store, value);
  }

  /** Adds to the value, wrapping around as the type does. Returns the old value. */
  add(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.add, value);
  }

  /** Subtracts from the value, wrapping around as the type does. Returns the old value. */
  sub(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.sub, value);
  }

  /** Clears the bits that `value` does not have. Returns the old value. */
  and(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.and, value);
  }

  /** Sets the bits that `value` has. Returns the old value. */
  or(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.or, value);
  }

  /** Flips the bits that `value` has. Returns the old value. */
  xor(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.xor, value);
  }

  /** Sets the value, and returns the old one. */
  exchange(value: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.exchange, value);
  }

  /** Sets the value to `replacement` if it is `expected`. Returns the old value either way. */
  compareExchange(expected: AtomicValue<Type>, replacement: AtomicValue<Type>): AtomicValue<Type> {
    return this.#apply(Atomics.compareExchange, expected, replacement);
  }

  #wait(expected: AtomicValue<Type>): Wait {
    if (typeof expected === 'number') return new Wait(this.#offset, expected);
    const bits = BigInt.asUintN(64, expected);
    return new Wait(this.#offset, Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }

  /**
   * Blocks this thread until it is notified, if the word has the value `expected`.
   *
   * @param expected - The value that the word had when the caller looked.
   * @param options - How long to wait at most.
   * @returns `'ok'` after a notification or a change, `'not-equal'` at once where the word has
   * another value, `'timed-out'`.
   * @throws TypeError, RangeError.
   */
  wait(expected: AtomicValue<Type>, options?: WaitOptions): 'ok' | 'not-equal' | 'timed-out' {
    const timeout = checkTimeout(checkOptions(options).timeout);
    this.#check(expected);
    if (this.load() !== expected) return 'not-equal';
    const memory = this.#memory;
    const wait = this.#wait(expected);
    const deadline = performance.now() + timeout;
    while (!waitSlice(memory, wait, deadline, false)) {
      if (performance.now() >= deadline) return 'timed-out';
    }
    return 'ok';
  }

  /**
   * As {@link wait}, without blocking. The pending promise keeps the process alive.
   *
   * @param expected - The value that the word had when the caller looked.
   * @param options - How long to wait at most, and how to abort it.
   * @throws TypeError, RangeError. The promise rejects with an AbortError; with MmapError
   * `ERR_MMAP_CLOSED` or `ERR_MMAP_CHANGED` where the map is closed, becomes shorter or is
   * mapped afresh meanwhile.
   */
  async waitAsync(
    expected: AtomicValue<Type>,
    options?: WaitAsyncOptions,
  ): Promise<'ok' | 'not-equal' | 'timed-out'> {
    const given = checkOptions(options);
    const timeout = checkTimeout(given.timeout);
    const signal = checkSignal(given.signal);
    this.#check(expected);
    if (signal?.aborted) throw abortError(signal);
    if (this.load() !== expected) return 'not-equal';
    const memory = this.#memory;
    const { generation } = memory;
    const outcome = await waitAsync(memory, this.#wait(expected), timeout, signal);
    if (outcome === 'timed-out') return outcome;
    if (outcome === 'aborted' && signal) throw abortError(signal);
    if (outcome === 'closed' || outcome === 'moved') memory.assertUnchanged(generation);
    memory.assertUsable();
    return 'ok';
  }

  /**
   * Wakes waiters of this word, in this and in other processes.
   *
   * @param count - The number of waiters at most, 0 to 2^31 - 1. More may wake. Default: all.
   * @returns The number of threads that were asleep. One thread may sleep for the promises of a
   * whole process. Those that look by themselves are not counted: on Windows the answer is 0.
   * @throws TypeError, RangeError.
   */
  notify(count?: Integer): number {
    const most = count === undefined ? ALL_WAITERS : checkInteger(count, 'count', 0, ALL_WAITERS);
    return wake(this.#memory, this.#offset, most);
  }
}
