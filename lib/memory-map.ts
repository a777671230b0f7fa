import { type InspectOptions, inspect } from 'node:util';
import {
  checkFile,
  checkInteger,
  checkOptions,
  clampPosition,
  type FileLike,
  type Integer,
} from './arguments';
import { attempt, invalidType, outOfRange } from './errors';
import type { Faults } from './faults';
import type { Memory } from './memory';
import { checkMemoryOptions, type MemoryOptions, makeMemory } from './memory-options';
import type { NativeMap } from './native';

/** Which part of a file to map, and how. */
export interface OpenOptions extends MemoryOptions {
  /** Where the map begins in the file, in bytes: any byte, no page border is needed. Default 0. */
  offset?: Integer;
  /**
   * How many bytes to map. Default: up to the end of the file as it is now. More than the file has
   * from `offset` on is a RangeError: a map never reaches past its file.
   */
  length?: Integer;
}

/** The constructors whose arrays {@link MemoryMap.view} can make. */
export type TypedArrayConstructor =
  | Int8ArrayConstructor
  | Uint8ArrayConstructor
  | Uint8ClampedArrayConstructor
  | Int16ArrayConstructor
  | Uint16ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor;

const TYPED_ARRAYS: ReadonlySet<unknown> = new Set([
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...Object.values({ Float16Array: Reflect.get(globalThis, 'Float16Array') }).filter(Boolean),
]);

/** Whoever constructs a map holds this; users do not, and call `open` instead. */
export const CONSTRUCT = Symbol('construct');

/** The memory of a map, for the modules beside this one. */
export let memoryOf: <Native extends NativeMap>(map: MemoryMap<Native>) => Memory<Native>;

/**
 * What every map can do, however it was opened.
 *
 * A map that is no longer referenced is unmapped when it and every Buffer made from it have been
 * garbage collected; until then it holds one file descriptor. Call {@link close}, or declare the
 * map with `using`, to let go at once.
 *
 * @typeParam Native - internal
 */
export abstract class MemoryMap<Native extends NativeMap = NativeMap> {
  readonly #memory: Memory<Native>;
  /** The length asked for at open, null for "to the end of the file". */
  #wanted: number | null;

  static {
    memoryOf = (map) => map.#memory;
  }

  /** Users call a static method such as `open`. */
  protected constructor(token: symbol, memory: Memory<Native>, wanted: number | null) {
    if (token !== CONSTRUCT) {
      throw invalidType('token', 'left to memmap: call a static method such as open()', token);
    }
    this.#memory = memory;
    this.#wanted = wanted;
  }

  /** The number of bytes; 0 once the map is closed. */
  get length(): number {
    return this.#memory.length;
  }

  /** Where the map begins in its file, in bytes. */
  get offset(): number {
    return this.#memory.offset;
  }

  /** The path that the map was opened with; null if it was a descriptor or is no file at all. */
  get path(): string | null {
    return this.#memory.path;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#memory.closed;
  }

  /**
   * What the fault guard has survived since the map was opened or last refreshed. Looking at it
   * throws nothing; while bytes are lost every method but {@link close} and {@link refresh} throws.
   */
  get faults(): Faults {
    return this.#memory.faults;
  }

  /**
   * The whole map as a Buffer: no copy, and the same object every time. It is made on first use;
   * for V8 its length then counts as memory, so that a first use may set off a garbage collection.
   *
   * The address of its first byte is aligned as `offset` is in the file: where `offset` is not a
   * multiple of eight, `buffer.byteOffset` is `offset % 8`, not 0.
   *
   * Closing, resizing or refreshing the map detaches it: its length is 0 from then on.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`; `ERR_MMAP_UNSUPPORTED` where the map is longer than a
   * Buffer of this runtime can be (4 GiB on Node.js 20 and Bun): use {@link subarray} there.
   */
  get buffer(): Buffer {
    return this.#memory.buffer;
  }

  /**
   * A part of the map as a Buffer, without a copy. As with `Buffer.subarray`, negative positions
   * count from the end and positions outside the map are moved to its nearest end.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError for what is no integer; MmapError `ERR_MMAP_CLOSED`,
   * `ERR_MMAP_UNSUPPORTED` where the part is longer than a Buffer of this runtime can be.
   */
  subarray(start?: Integer, end?: Integer): Buffer {
    const { length } = this.#memory;
    const from = start === undefined ? 0 : clampPosition(start, 'start', length);
    const to = Math.max(from, end === undefined ? length : clampPosition(end, 'end', length));
    const { arrayBuffer, byteOffset } = this.#memory.locate(from, to);
    return Buffer.from(arrayBuffer, byteOffset, to - from);
  }

  /**
   * A part of the map as a typed array, without a copy. Elements have the machine's byte order
   * (little-endian on every platform that Node.js runs on).
   *
   * @param type - The typed array's constructor, such as `Float64Array`.
   * @param offset - Where it begins in the map, in bytes. `map.offset + offset` must be a multiple
   * of the element's size. Default 0.
   * @param length - How many elements. Default: as many whole ones as fit.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  view<Type extends TypedArrayConstructor>(
    type: Type,
    offset?: Integer,
    length?: Integer,
  ): InstanceType<Type> {
    if (!TYPED_ARRAYS.has(type)) throw invalidType('type', 'a typed array constructor', type);
    this.#memory.use();
    const size = type.BYTES_PER_ELEMENT;
    const available = this.#memory.length;
    const from = offset === undefined ? 0 : checkInteger(offset, 'offset', 0, available);
    const most = Math.floor((available - from) / size);
    const count = length === undefined ? most : checkInteger(length, 'length', 0, most);
    if ((this.#memory.offset + from) % size !== 0) {
      throw outOfRange(
        'offset',
        `such that the position in the file (${this.#memory.offset} + offset) is a multiple of ` +
          `${size}, the size of an element`,
        offset ?? 0,
      );
    }
    const { arrayBuffer, byteOffset } = this.#memory.locate(from, from + count * size);
    // The constructors take both kinds; their types tell them apart, and so need one named.
    return new type(arrayBuffer as ArrayBuffer, byteOffset, count) as InstanceType<Type>;
  }

  /**
   * A part of the map as a DataView, without a copy.
   *
   * @param offset - Where it begins in the map, in bytes. Default 0.
   * @param length - How many bytes. Default: up to the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  dataView(offset?: Integer, length?: Integer): DataView {
    this.#memory.use();
    const available = this.#memory.length;
    const from = offset === undefined ? 0 : checkInteger(offset, 'offset', 0, available);
    const rest = available - from;
    const count = length === undefined ? rest : checkInteger(length, 'length', 0, rest);
    const { arrayBuffer, byteOffset } = this.#memory.locate(from, from + count);
    return new DataView(arrayBuffer, byteOffset, count);
  }

  /**
   * Maps the file anew at the size that it has now: for a log that grew, or a file that was cut. A
   * map opened with a `length` never becomes longer than that. Also the way to go on after a fault
   * or a failed flush: the map is made anew in any case then, both are cleared, and pages that were
   * lost or private show the file again.
   *
   * @returns Whether the map changed. If so, all Buffers made from it before are detached, and
   * changes to a copy-on-write map are gone; if not, everything stays as it is.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_IN_USE` where the size has changed and a
   * SharedArrayBuffer was made of the map, or what the system refused; the old map stays then.
   */
  refresh(): boolean {
    const memory = this.#memory;
    const open = memory.reachable();
    return attempt(() => {
      const size = open.fileSize();
      if (size === null) return false;
      const available = Math.max(0, size - memory.offset);
      const length = Math.min(available, this.#wanted ?? available);
      const { truncated, io, strayWrites } = memory.faults;
      const whole = !memory.lost && !truncated && io === null && strayWrites === 0;
      if (length === memory.length && whole) return false;
      memory.assertReplaceable();
      memory.replace(open.again(length) as Native);
      return true;
    }, memory.path);
  }

  /** Goes on with another native map; one that was opened with a length now has this one. */
  protected replaceMemory(fresh: Native): void {
    this.#memory.replace(fresh);
    if (this.#wanted !== null) this.#wanted = this.#memory.length;
  }

  /**
   * Closes the map: every Buffer, typed array and DataView made from it is detached (has length 0
   * from now on), the file is let go, promises still running on the map are rejected with
   * `ERR_MMAP_CLOSED`, and so ends every later call. What others still read or write at the old
   * addresses (a pending `fs.read`, a transferred ArrayBuffer) touches zero pages, not the file. So
   * do Buffers over a SharedArrayBuffer (option `shared`): they keep their length and show zeros.
   * Bun detaches no Buffer that a pending operation uses: there it keeps its length and shows zeros.
   *
   * Let asynchronous operations on a map's Buffers end before you close it: Node.js itself does not
   * expect their Buffer to go, and Node.js 20 aborts where a zlib job comes back to a detached one.
   *
   * Changes that were made to a file reach it all the same; only {@link MmapMut.flush} says when.
   * Never throws; closing twice is allowed.
   */
  close(): void {
    this.#memory.close();
  }

  /** As {@link close}: `using map = Mmap.open(...)` closes the map at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal What `console.log` and `util.inspect` print. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { path, offset, length, closed } = this;
    return `${this.constructor.name} ${inspect({ path, offset, length, closed }, options)}`;
  }
}

/** Opens a file with a native class: what the three `open` methods share. */
export function openFile<Native extends NativeMap>(
  nativeClass: new (
    source: string | Uint8Array | number,
    offset: number,
    length: number | undefined,
    guarded: boolean,
  ) => Native,
  file: FileLike,
  options: OpenOptions | undefined,
): [token: symbol, memory: Memory<Native>, wanted: number | null] {
  const { source, path } = checkFile(file);
  const given = checkOptions(options);
  const { offset, length } = given;
  const from = offset === undefined ? 0 : checkInteger(offset, 'options.offset');
  const wanted = length === undefined ? null : checkInteger(length, 'options.length');
  const memoryOptions = checkMemoryOptions(given);
  const { guard } = memoryOptions;
  const opened = attempt(() => new nativeClass(source, from, wanted ?? undefined, guard), path);
  return [CONSTRUCT, makeMemory(opened, path, from, memoryOptions), wanted];
}
