import { checkEncoding, checkInteger, checkRange, type Integer, viewedBytes } from './arguments';
import { WritableCursor } from './cursor';
import { invalidType, invalidValue, outOfRange } from './errors';
import { memoryOf } from './memory-map';
import type { NativeWritableMap } from './native';
import { ReadableMap } from './readable-map';

/** What a map that can be written has beyond reading it. */
export abstract class WritableMap<
  Native extends NativeWritableMap = NativeWritableMap,
> extends ReadableMap<Native> {
  /** As {@link ReadableMap.cursor}; this one writes, too. */
  override cursor(position?: Integer): WritableCursor {
    return new WritableCursor(this, position);
  }

  /**
   * Copies bytes or a string into the map; all of it or nothing.
   *
   * @param data - Bytes (any typed array, Buffer or DataView, also one of this map) or a string.
   * @param offset - Where to, in bytes. Default 0.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The number of bytes written.
   * @throws TypeError; RangeError where the data does not fit between `offset` and the end of the
   * map; MmapError `ERR_MMAP_CLOSED`.
   */
  write(
    data: NodeJS.ArrayBufferView | string,
    offset?: Integer,
    encoding?: BufferEncoding,
  ): number {
    const memory = memoryOf(this);
    const charset = checkEncoding(encoding);
    const bytes = typeof data === 'string' ? Buffer.from(data, charset) : viewedBytes(data);
    if (bytes === undefined) {
      throw invalidType('data', 'a string, TypedArray, Buffer or DataView', data);
    }
    const start = offset === undefined ? 0 : checkInteger(offset, 'offset', 0);
    memory.use();
    if (start > memory.length - bytes.length) {
      throw outOfRange(
        'offset',
        `such that ${bytes.length} bytes fit before the map's end at ${memory.length}`,
        start,
      );
    }
    memory.run((open) => open.write(bytes, start));
    return bytes.length;
  }

  /**
   * Fills a range with one byte, or with a string or bytes repeated until the range is full.
   *
   * @param value - A byte (0 to 255), or a string or bytes that are not empty.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  fill(
    value: number | string | NodeJS.ArrayBufferView,
    start?: Integer,
    end?: Integer,
    encoding?: BufferEncoding,
  ): this {
    const memory = memoryOf(this);
    const charset = checkEncoding(encoding);
    let pattern: Uint8Array | undefined;
    if (typeof value === 'number') pattern = Uint8Array.of(checkInteger(value, 'value', 0, 255));
    else if (typeof value === 'string') pattern = Buffer.from(value, charset);
    else pattern = viewedBytes(value);
    if (pattern === undefined) {
      throw invalidType('value', 'a byte, string, TypedArray, Buffer or DataView', value);
    }
    if (pattern.length === 0) throw invalidValue('value', 'must not be empty', value);
    const bytes = pattern;
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    memory.run((open) => open.fill(bytes, from, to));
    return this;
  }

  /**
   * Moves bytes within the map; the two ranges may overlap.
   *
   * @param target - Where to, in bytes.
   * @param start - The first byte to move.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError; RangeError where the bytes do not fit between `target` and the end of the
   * map; MmapError `ERR_MMAP_CLOSED`.
   */
  copyWithin(target: Integer, start: Integer, end?: Integer): this {
    const memory = memoryOf(this);
    const to = checkInteger(target, 'target', 0);
    const from = checkInteger(start, 'start', 0);
    memory.use();
    const [first, last] = checkRange(from, end, memory.length);
    if (to > memory.length - (last - first)) {
      throw outOfRange(
        'target',
        `such that ${last - first} bytes fit before the map's end at ${memory.length}`,
        target,
      );
    }
    memory.run((open) => open.copyWithin(to, first, last));
    return this;
  }
}
