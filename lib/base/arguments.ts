/**
 * The checks that every argument passes before the native core sees it. Nothing is coerced: a
 * number is a safe integer or a bigint in range, or the call throws.
 */
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { invalidType, invalidValue, outOfRange } from './errors';

/** An offset or a length in bytes: a safe integer or a bigint. */
export type Integer = number | bigint;

/** What names a file. A FileHandle or descriptor is borrowed: memmap never closes it. */
export type FileLike =
  | string
  | Uint8Array
  | URL
  | number
  | {
      /** The open descriptor, as a FileHandle has it. */
      readonly fd: number;
    };

/** What the native core opens, and what errors call it. */
export interface FileSource {
  source: string | Uint8Array | number;
  path: string | null;
}

/** `value` as a number, if it is an integer from `min` to `max`. */
export function checkInteger(
  value: unknown,
  name: string,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= min && value <= max) return value + 0;
  } else if (typeof value === 'bigint') {
    if (value >= min && value <= max) return Number(value);
  } else {
    throw invalidType(name, 'an integer (number or bigint)', value);
  }
  throw outOfRange(name, `an integer >= ${min} and <= ${max}`, value);
}

/**
 * The range from `start` (0 if undefined) to `end` (`length` if undefined), which must exist.
 *
 * @param prefix - What precedes the names of the two in errors, such as `'options.'`.
 */
export function checkRange(
  start: unknown,
  end: unknown,
  length: number,
  prefix = '',
): [number, number] {
  const from = start === undefined ? 0 : checkInteger(start, `${prefix}start`, 0, length);
  const to = end === undefined ? length : checkInteger(end, `${prefix}end`, from, length);
  return [from, to];
}

/**
 * A position as Buffer's methods take it: counted from the end where it is negative, moved to the
 * nearest end of the map where it lies outside.
 */
export function clampPosition(value: unknown, name: string, length: number): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw invalidType(name, 'an integer (number or bigint)', value);
  }
  if (Number.isNaN(value) || (Number.isFinite(value) && !Number.isInteger(value))) {
    throw outOfRange(name, 'an integer', value);
  }
  if (value >= length) return length;
  if (value >= 0) return Number(value) + 0;
  return value <= -length ? 0 : length + Number(value);
}

/** An options object, or an empty one for undefined. */
export function checkOptions<T extends object>(
  options: T | undefined,
  name = 'options',
): Partial<T> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidType(name, 'an object', options);
  }
  return options;
}

/** A boolean option, or its default for undefined. */
export function checkBoolean(value: unknown, name: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean') throw invalidType(name, 'a boolean', value);
  return value;
}

/** A function, or undefined. */
export function checkFunction<T>(value: T | undefined, name: string): T | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw invalidType(name, 'a function', value);
  }
  return value;
}

/** Whether a value is an AbortSignal, be it of another realm or a library's own. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  return (
    typeof Reflect.get(value, 'aborted') === 'boolean' &&
    typeof Reflect.get(value, 'addEventListener') === 'function' &&
    typeof Reflect.get(value, 'removeEventListener') === 'function'
  );
}

/** An AbortSignal, or undefined. */
export function checkSignal(value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined || isSignal(value)) return value;
  throw invalidType('options.signal', 'an AbortSignal', value);
}

/** The longest time that a timer takes, in ms: 24.8 days. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** A time in ms, fractions allowed; Infinity for undefined. */
export function checkTimeout(value: unknown): number {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'number') throw invalidType('options.timeout', 'a number of ms', value);
  if (value >= 0 && value <= LONGEST_TIMEOUT) return value;
  throw outOfRange('options.timeout', `>= 0 and <= ${LONGEST_TIMEOUT} ms, or Infinity`, value);
}

/** The name of an encoding of strings. */
export function checkEncoding(value: unknown): BufferEncoding {
  if (value === undefined) return 'utf8';
  if (typeof value !== 'string') throw invalidType('encoding', 'a string', value);
  if (!Buffer.isEncoding(value)) {
    throw invalidValue('encoding', 'must be an encoding that Buffer knows', value);
  }
  return value;
}

/** Bytes to be read: any view of an ArrayBuffer. */
export function viewedBytes(value: unknown): Uint8Array | undefined {
  if (types.isUint8Array(value)) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return undefined;
}

function checkPath<T extends string | Uint8Array>(path: T): T {
  const hasNull = typeof path === 'string' ? path.includes('\0') : path.includes(0);
  if (hasNull) throw invalidValue('file', 'must be a path without null bytes', path);
  return path;
}

/** What a path may be: as in Node's `fs`. */
export function checkFilePath(file: unknown): { source: string | Uint8Array; path: string } {
  if (typeof file === 'string') return { source: checkPath(file), path: file };
  if (file instanceof URL) {
    const path = checkPath(fileURLToPath(file));
    return { source: path, path };
  }
  if (types.isUint8Array(file)) {
    // A copy: the caller may change or detach the bytes, or override what looks for null bytes.
    const bytes = checkPath(Buffer.from(file));
    return { source: bytes, path: bytes.toString() };
  }
  throw invalidType('file', 'a string, Buffer or file: URL', file);
}

function isFileHandle(value: unknown): value is { readonly fd: unknown } {
  return typeof value === 'object' && value !== null && value.constructor?.name === 'FileHandle';
}

/** A path, descriptor or FileHandle. */
export function checkFile(file: unknown): FileSource {
  if (typeof file === 'string') return { source: checkPath(file), path: file };
  if (typeof file === 'number') {
    return { source: checkInteger(file, 'file', 0, 0x7fff_ffff), path: null };
  }
  if (isFileHandle(file)) {
    const { fd } = file;
    // A closed FileHandle says -1, which the system answers with EBADF.
    if (typeof fd === 'number')
      return { source: checkInteger(fd, 'file.fd', -1, 0x7fff_ffff), path: null };
  }
  if (file instanceof URL || types.isUint8Array(file)) return checkFilePath(file);
  throw invalidType('file', 'a string, Buffer, file: URL, descriptor or FileHandle', file);
}
