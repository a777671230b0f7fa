import { checkInteger, checkOptions, checkSignal, checkTimeout, type Integer } from './arguments';
import type * as Binding from './binding';
import { abortError, closedError, invalidType } from './errors';
import { memoryOf } from './memory-map';
import { EVERYBODY, Wait, waitAsync, waitSlice, wake } from './waiting';
import { WritableMap } from './writable-map';

/** The arrays whose elements can be an {@link Atomic}. */
export type AtomicArray = Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

/** The constructors of {@link AtomicArray}s. */
export type AtomicArrayConstructor =
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor;

/** The type of an element. */
export type AtomicValue<Type extends AtomicArrayConstructor> = InstanceType<Type>[number];

/** How long to wait for a word. */
export interface WaitOptions {
  /** The longest time to wait in ms. Default: for ever. */
  timeout?: number | undefined;
}

/** How long to wait for a word without blocking. */
export interface WaitAsyncOptions extends WaitOptions {
  /** Ends the wait when aborted: the promise is rejected with an `AbortError`. */
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
 * A word of 32 or 64 bits in a map, for all threads and processes that map the same file: what
 * JavaScript's `Atomics` does, with waiting that works between processes.
 *
 * Whoever waits names the value that it saw, and sleeps only while the word still has it. So change
 * the word first, then {@link notify}: waiters may return without a notification when the word has
 * changed, and (rarely) when it has not; they should look again and wait on.
 */
export class Atomic<Type extends AtomicArrayConstructor = Int32ArrayConstructor> {
  readonly #map: AtomicMap;
  readonly #type: Type;
  readonly #offset: number;
  readonly #limits: [number, number] | [bigint, bigint];
  #words: AtomicArray;
  #generation = 0;

  /** @internal Users call {@link AtomicMap.atomic}. */
  constructor(map: AtomicMap, offset: Integer, type: Type) {
    this.#map = map;
    this.#type = type;
    this.#limits = limits(type);
    memoryOf(map).use();
    const most = map.length - type.BYTES_PER_ELEMENT;
    this.#offset = checkInteger(offset, 'offset', 0, Math.max(0, most));
    this.#words = this.#take();
  }

  #take(): AtomicArray {
    const memory = memoryOf(this.#map);
    memory.use();
    this.#words = this.#map.view(this.#type, this.#offset, 1);
    this.#generation = memory.generation;
    return this.#words;
  }

  /** An array of the one word, anew after the map was moved. */
  get #word(): AtomicArray {
    // A map over a SharedArrayBuffer is not detached when it closes, so the length says too little.
    const { generation } = memoryOf(this.#map);
    return this.#words.length !== 0 && generation === this.#generation ? this.#words : this.#take();
  }

  /** Does an operation of Atomics, whose types TypeScript does not know to belong together. */
  #apply(
    operation: (word: never, index: number, ...values: never[]) => number | bigint,
    ...values: AtomicValue<Type>[]
  ): AtomicValue<Type> {
    for (const value of values) this.#check(value);
    return operation(this.#word as never, 0, ...(values as never[])) as AtomicValue<Type>;
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

  /** The value. */
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

  /** Keeps the bits that `value` has, too. Returns the old value. */
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

  /** Sets the value if it is `expected`. Returns the old value either way. */
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
   * @param options - For how long.
   * @returns `'ok'` after a notification or a change, `'not-equal'` at once where the word has
   * another value, `'timed-out'`.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  wait(expected: AtomicValue<Type>, options?: WaitOptions): 'ok' | 'not-equal' | 'timed-out' {
    const timeout = checkTimeout(checkOptions(options).timeout);
    this.#check(expected);
    if (this.load() !== expected) return 'not-equal';
    const memory = memoryOf(this.#map);
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
   * @throws TypeError, RangeError; rejects with an AbortError, or MmapError `ERR_MMAP_CLOSED` also
   * where the map is closed, resized or refreshed meanwhile.
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
    const memory = memoryOf(this.#map);
    const outcome = await waitAsync(memory, this.#wait(expected), timeout, signal);
    if (outcome === 'timed-out') return outcome;
    if (outcome === 'aborted' && signal) throw abortError(signal);
    if (outcome === 'let-go') throw closedError(memory.path);
    return 'ok';
  }

  /**
   * Wakes those who wait for this word, in this and in other processes.
   *
   * @param count - How many at most. Default: everybody. More may wake.
   * @returns How many threads were asleep. A process whose promises wait sleeps in one thread for
   * many of them.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  notify(count?: Integer): number {
    const most = count === undefined ? EVERYBODY : checkInteger(count, 'count', 0, EVERYBODY);
    return wake(memoryOf(this.#map), this.#offset, most);
  }
}

/** What a map has whose changes other processes see. */
export abstract class AtomicMap extends WritableMap<Binding.MmapMut> {
  /**
   * A word of the map for atomic operations, and for waiting until another thread or process
   * changes it.
   *
   * @param offset - Where it begins, in bytes. `map.offset + offset` must be a multiple of its size.
   * @param type - `Int32Array` (the default), `Uint32Array`, `BigInt64Array` or `BigUint64Array`.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  atomic<Type extends AtomicArrayConstructor = Int32ArrayConstructor>(
    offset: Integer,
    type?: Type,
  ): Atomic<Type> {
    return new Atomic(this, offset, type === undefined ? (Int32Array as Type) : type);
  }
}
