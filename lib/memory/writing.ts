/** Changing the bytes of a map, and writing them to the disk. */
import {
  checkEncoding,
  checkInteger,
  checkOptions,
  type Integer,
  viewedBytes,
} from '../base/arguments';
import { invalidType, invalidValue, outOfRange } from '../base/errors';
import type { NativeMutableMap, NativeWritableMap } from '../base/native';
import { checkJobOptions, inChunks, type JobOptions, overRange } from './jobs';
import type { Memory } from './memory';

/** How {@link WritableMap.fillAsync} fills. */
export interface FillOptions extends JobOptions {
  /** How to encode a string. Default `'utf8'`. */
  encoding?: BufferEncoding | undefined;
}

/** The bytes that one job of a fill or a move writes: some milliseconds in memory. */
const WRITE_CHUNK = 16 * 2 ** 20;

/** The bytes that one job of a flush writes: a fraction of a second on a slow disk. */
const FLUSH_CHUNK = 64 * 2 ** 20;

export function write(
  memory: Memory<NativeWritableMap>,
  data: NodeJS.ArrayBufferView | string,
  offset: Integer | undefined,
  encoding: BufferEncoding | undefined,
): number {
  const charset = checkEncoding(encoding);
  const bytes = typeof data === 'string' ? Buffer.from(data, charset) : viewedBytes(data);
  if (bytes === undefined) {
    throw invalidType('data', 'a string, TypedArray, Buffer or DataView', data);
  }
  const start = offset === undefined ? 0 : checkInteger(offset, 'offset', 0);
  memory.assertUsable();
  if (start > memory.length - bytes.length) {
    throw outOfRange(
      'offset',
      `such that ${bytes.length} bytes fit before the map's end at ${memory.length}`,
      start,
    );
  }
  memory.call((open) => open.write(bytes, start));
  return bytes.length;
}

export function fill(
  memory: Memory<NativeWritableMap>,
  value: number | string | NodeJS.ArrayBufferView,
  start: Integer | undefined,
  end: Integer | undefined,
  encoding: BufferEncoding | undefined,
): void {
  const pattern = fillBytes(value, encoding);
  const [from, to] = memory.range(start, end);
  memory.call((open) => open.fill(pattern, from, to));
}

function fillBytes(value: unknown, encoding: BufferEncoding | undefined): Uint8Array {
  const charset = checkEncoding(encoding);
  if (typeof value === 'number') return Uint8Array.of(checkInteger(value, 'value', 0, 255));
  const pattern = typeof value === 'string' ? Buffer.from(value, charset) : viewedBytes(value);
  if (pattern === undefined) {
    throw invalidType('value', 'a byte, string, TypedArray, Buffer or DataView', value);
  }
  if (pattern.length === 0) throw invalidValue('value', 'must not be empty', value);
  return pattern;
}

export async function fillAsync(
  memory: Memory<NativeWritableMap>,
  value: number | string | NodeJS.ArrayBufferView,
  start: Integer | undefined,
  end: Integer | undefined,
  options: FillOptions | undefined,
): Promise<void> {
  const job = checkJobOptions(options);
  // A copy: the caller may change the bytes while later chunks are filled with them.
  const pattern = Buffer.from(fillBytes(value, checkOptions(options).encoding));
  await inChunks(memory, memory.range(start, end), {
    ...job,
    // Whole repetitions, so that each chunk begins with the first byte of the pattern.
    chunk: Math.ceil(WRITE_CHUNK / pattern.length) * pattern.length,
    work: (open, from, to) => open.fillAsync(pattern, from, to),
  });
}

/** The ranges of a move, and the bytes that it moves. */
function readMove(
  memory: Memory<NativeWritableMap>,
  target: Integer,
  start: Integer,
  end: Integer | undefined,
): { to: number; first: number; last: number } {
  const to = checkInteger(target, 'target', 0);
  const from = checkInteger(start, 'start', 0);
  const [first, last] = memory.range(from, end);
  if (to > memory.length - (last - first)) {
    throw outOfRange(
      'target',
      `such that ${last - first} bytes fit before the map's end at ${memory.length}`,
      target,
    );
  }
  return { to, first, last };
}

export async function copyWithinAsync(
  memory: Memory<NativeWritableMap>,
  target: Integer,
  start: Integer,
  end: Integer | undefined,
  options: JobOptions | undefined,
): Promise<void> {
  const job = checkJobOptions(options);
  const { to, first, last } = readMove(memory, target, start, end);
  const length = last - first;
  await inChunks(memory, [0, length], {
    ...job,
    chunk: WRITE_CHUNK,
    // Of ranges that overlap, the bytes that would be overwritten first are moved first.
    work: (open, from, until) =>
      to <= first
        ? open.copyWithinAsync(to + from, first + from, first + until)
        : open.copyWithinAsync(to + length - until, last - until, last - from),
  });
}

export function copyWithin(
  memory: Memory<NativeWritableMap>,
  target: Integer,
  start: Integer,
  end: Integer | undefined,
): void {
  const { to, first, last } = readMove(memory, target, start, end);
  memory.call((open) => open.copyWithin(to, first, last));
}

export async function flush(
  memory: Memory<NativeMutableMap>,
  start: Integer | undefined,
  end: Integer | undefined,
  options: JobOptions | undefined,
): Promise<void> {
  await overRange(memory, start, end, options, {
    chunk: FLUSH_CHUNK,
    work: (open, from, to) => open.flush(from, to),
    explain: (error, from, to) => memory.rememberLoss(error, from, to),
  });
}

export function flushSync(
  memory: Memory<NativeMutableMap>,
  start: Integer | undefined,
  end: Integer | undefined,
): void {
  const [from, to] = memory.range(start, end);
  memory.callWriteBack(from, to, (open) => open.flushSync(from, to));
}

/** Flushes private memory, which has nothing to write: only the arguments are checked. */
export async function flushPrivate(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: JobOptions | undefined,
): Promise<void> {
  await overRange(memory, start, end, options, {
    chunk: Number.POSITIVE_INFINITY,
    work: async () => {},
  });
}
