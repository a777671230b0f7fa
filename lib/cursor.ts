import { checkInteger, checkOptions, type Integer } from './arguments';
import { invalidValue, outOfRange } from './errors';
import type { LineOptions } from './lines';
import { memoryOf } from './memory-map';
import { type Needle, needleBytes } from './pattern';
import type { ReadableMap } from './readable-map';
import type { WritableMap } from './writable-map';

/** What the offset of {@link Cursor.seek} is counted from. */
export type Whence = 'start' | 'current' | 'end';

/** How to give a line. */
export type CursorLineOptions = Pick<LineOptions, 'encoding' | 'keepEnds'>;

/**
 * A place in a map that moves as one reads: what a file handle is for a file. What is read is never
 * partial and never copied: Buffers show the map's own bytes. Several cursors of one map are
 * independent of each other.
 *
 * A cursor outlives a resize or refresh of its map; where the map has become shorter than its
 * position, nothing remains.
 */
export class Cursor<Mapped extends ReadableMap = ReadableMap> {
  /** @internal */
  protected readonly map: Mapped;
  #position = 0;

  /** @internal Made by {@link ReadableMap.cursor}. */
  constructor(map: Mapped, position: Integer = 0) {
    this.map = map;
    this.seek(position);
  }

  /** Where the next byte is read or written, in bytes from the start of the map. */
  get position(): number {
    return this.#position;
  }

  /** How many bytes are left between the position and the end of the map; 0 once it is closed. */
  get remaining(): number {
    return Math.max(0, this.map.length - this.#position);
  }

  /**
   * Moves the position.
   *
   * @param offset - In bytes, may be negative; the new position must lie within the map.
   * @param whence - What the offset is counted from. Default `'start'`.
   * @returns The new position.
   * @throws TypeError; RangeError where the map has no such position; MmapError `ERR_MMAP_CLOSED`.
   */
  seek(offset: Integer, whence: Whence = 'start'): number {
    const distance = checkInteger(offset, 'offset', Number.MIN_SAFE_INTEGER);
    if (whence !== 'start' && whence !== 'current' && whence !== 'end') {
      throw invalidValue('whence', "must be 'start', 'current' or 'end'", whence);
    }
    const { length } = this.#open();
    const base = whence === 'start' ? 0 : whence === 'end' ? length : this.#position;
    const position = base + distance;
    if (position < 0 || position > length) {
      throw outOfRange(
        'offset',
        `such that the position (${base} + offset) is >= 0 and <= ${length}`,
        offset,
      );
    }
    this.#position = position;
    return position;
  }

  /**
   * The next bytes, without a copy.
   *
   * @param length - How many, not more than {@link remaining}. Default: all that remain.
   * @throws TypeError; RangeError where fewer remain: nothing is read then; MmapError
   * `ERR_MMAP_CLOSED`.
   */
  read(length?: Integer): Buffer {
    const wanted = length === undefined ? undefined : checkInteger(length, 'length');
    this.#open();
    const count = wanted ?? this.remaining;
    if (count > this.remaining) {
      throw outOfRange('length', `<= ${this.remaining}, the bytes that remain`, count);
    }
    return this.#take(this.#position + count);
  }

  /**
   * The next byte.
   *
   * @throws RangeError where none remains; MmapError `ERR_MMAP_CLOSED`.
   */
  readByte(): number {
    return this.read(1)[0] ?? 0;
  }

  /**
   * The next line, as `lines()` gives it. Blocks until its end is found.
   *
   * @returns null where nothing remains.
   * @throws TypeError; MmapError `ERR_MMAP_CLOSED`.
   */
  readLine(options: CursorLineOptions & { encoding: BufferEncoding }): string | null;
  readLine(options?: CursorLineOptions & { encoding?: undefined }): Buffer | null;
  readLine(options?: CursorLineOptions): Buffer | string | null {
    const { encoding, keepEnds } = checkOptions(options);
    const { length } = this.#open();
    if (this.#position >= length) return null;
    const feed = this.map.indexOf(10, this.#position);
    const end = feed < 0 ? length : feed + 1;
    const [line] = this.map.lines({ start: this.#position, end, encoding, keepEnds });
    this.#position = end;
    return line ?? null;
  }

  /**
   * The bytes up to and with a delimiter. Blocks until it is found.
   *
   * @param delimiter - A string, bytes or one byte; not empty.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns null where the delimiter does not come; the position stays then.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  readUntil(delimiter: Needle, encoding?: BufferEncoding): Buffer | null {
    const bytes = needleBytes(delimiter, encoding, 'delimiter');
    if (bytes.length === 0) throw invalidValue('delimiter', 'must not be empty', delimiter);
    const { length } = this.#open();
    if (this.#position >= length) return null;
    const found = this.map.indexOf(bytes, this.#position);
    return found < 0 ? null : this.#take(found + bytes.length);
  }

  #take(end: number): Buffer {
    const bytes = this.map.subarray(this.#position, end);
    this.#position = end;
    return bytes;
  }

  /** The map, which must be open. */
  #open(): Mapped {
    memoryOf(this.map).use();
    return this.map;
  }
}

/** A cursor that can also write. */
export class WritableCursor extends Cursor<WritableMap> {
  /**
   * Writes bytes or a string at the position and moves behind them; all of it or nothing.
   *
   * @param data - As for {@link WritableMap.write}.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The number of bytes written.
   * @throws TypeError; RangeError where they do not fit: a cursor never makes its map longer;
   * MmapError `ERR_MMAP_CLOSED`.
   */
  write(data: NodeJS.ArrayBufferView | string, encoding?: BufferEncoding): number {
    const written = this.map.write(data, this.position, encoding);
    this.seek(written, 'current');
    return written;
  }

  /**
   * Writes one byte (0 to 255) at the position and moves behind it.
   *
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  writeByte(byte: number): void {
    this.write(Uint8Array.of(checkInteger(byte, 'byte', 0, 255)));
  }
}
