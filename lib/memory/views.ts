/** A map's bytes: typed views of them without a copy, and copies. */
import { types } from 'node:util';
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  clampPosition,
  type Integer,
} from '../base/arguments';
import { invalidType, outOfRange } from '../base/errors';
import { ALIGNMENT, canExport, checkBufferLength } from './buffers';
import type { Memory } from './memory';

/** How to make an ArrayBuffer of a map's bytes. */
export interface ArrayBufferOptions {
  /**
   * True for a copy in any case. False for none in any case: the ArrayBuffer is the map's memory, or
   * the call throws. Default: as {@link MemoryMap.arrayBuffer} and {@link WritableMap.arrayBuffer}
   * say.
   */
  copy?: boolean | undefined;
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

export function subarray(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
): Buffer {
  const { length } = memory;
  const from = start === undefined ? 0 : clampPosition(start, 'start', length);
  const to = Math.max(from, end === undefined ? length : clampPosition(end, 'end', length));
  return memory.bytes(from, to);
}

export function view<Type extends TypedArrayConstructor>(
  memory: Memory,
  type: Type,
  offset: Integer | undefined,
  length: Integer | undefined,
): InstanceType<Type> {
  if (!TYPED_ARRAYS.has(type)) throw invalidType('type', 'a typed array constructor', type);
  memory.assertUsable();
  const size = type.BYTES_PER_ELEMENT;
  const from = offset === undefined ? 0 : checkInteger(offset, 'offset', 0, memory.length);
  const most = Math.floor((memory.length - from) / size);
  const count = length === undefined ? most : checkInteger(length, 'length', 0, most);
  if ((memory.offset + from) % size !== 0) {
    throw outOfRange(
      'offset',
      `such that the position in the file (${memory.offset} + offset) is a multiple of ${size}, ` +
        'the size of an element',
      offset ?? 0,
    );
  }
  const { arrayBuffer, byteOffset } = memory.locate(from, from + count * size);
  // The constructors take both kinds of buffers; their types tell them apart, so one is named.
  return new type(arrayBuffer as ArrayBuffer, byteOffset, count) as InstanceType<Type>;
}

export function dataView(
  memory: Memory,
  offset: Integer | undefined,
  length: Integer | undefined,
): DataView {
  memory.assertUsable();
  const from = offset === undefined ? 0 : checkInteger(offset, 'offset', 0, memory.length);
  const rest = memory.length - from;
  const count = length === undefined ? rest : checkInteger(length, 'length', 0, rest);
  const { arrayBuffer, byteOffset } = memory.locate(from, from + count);
  return new DataView(arrayBuffer, byteOffset, count);
}

/**
 * An ArrayBuffer that begins at `start`: the map's memory, or a copy.
 *
 * @param writable - Whether what is written into the map's memory changes the map.
 */
export function arrayBuffer(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: ArrayBufferOptions | undefined,
  writable: boolean,
): ArrayBuffer {
  const { copy } = checkOptions(options);
  if (copy !== undefined) checkBoolean(copy, 'options.copy', false);
  const [from, to] = memory.range(start, end);
  const aligned = from === to || (memory.offset + from) % ALIGNMENT === 0;
  if (copy ?? (writable || !aligned || !canExport)) {
    checkBufferLength(to - from, memory.path);
    const bytes = new Uint8Array(to - from);
    memory.call((open) => open.copyOut(bytes, 0, from, to));
    return bytes.buffer;
  }
  if (!aligned) {
    throw outOfRange(
      'start',
      `such that the position in the file (${memory.offset} + start) is a multiple of ` +
        `${ALIGNMENT}; without \`copy: false\` this part is copied`,
      start ?? 0,
    );
  }
  return memory.own(from, to);
}

/** Copies bytes as `Buffer.copy` does; the native core is what copies, so that no ArrayBuffer is made. */
export function copy(
  memory: Memory,
  target: Uint8Array,
  targetStart: Integer | undefined,
  start: Integer | undefined,
  end: Integer | undefined,
): number {
  if (!types.isUint8Array(target)) throw invalidType('target', 'a Buffer or Uint8Array', target);
  const at = targetStart === undefined ? 0 : checkInteger(targetStart, 'targetStart');
  const until = end === undefined ? undefined : checkInteger(end, 'end');
  memory.assertUsable();
  const { length } = memory;
  const from = start === undefined ? 0 : checkInteger(start, 'start', 0, length);
  const available = Math.min(until ?? length, length) - from;
  const count = Math.min(available, target.length - at);
  if (count <= 0) return 0;
  memory.call((open) => open.copyOut(target, at, from, from + count));
  return count;
}
