/** A position in a map that moves as it is read or written: what a file handle is for a file. */
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import { invalidValue, outOfRange } from '../base/errors';
import type { NativeMap, NativeWritableMap } from '../base/native';
import type { Memory } from '../memory/memory';
import { write } from '../memory/writing';
import { indexOf } from '../search/find';
import { type Needle, needleBytes } from '../search/pattern';
import { type LineOptions, lines } from './lines';

/** Where the offset of {@link Cursor.seek} is counted from. */
export type Whence = 'start' | 'current' | 'end';

/** How {@link Cursor.readLine} gives a line. */
export type CursorLineOptions = Pick<LineOptions, 'encoding' | 'keepEnds'>;

/**
 * A position in a map that moves as it is read. A read is never partial and never copies: Buffers
 * show the map's own bytes. Several cursors of one map are independent of each other.
 *
 * A cursor outlives a resize or refresh of its map. Where the map has become shorter than the
 * position, nothing remains.
 *
 * Every method that reads throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED` or `ERR_MMAP_IO`
 * where the map is closed, or has lost bytes.
 *
 * ```js
 * import { Mmap } from 'memmap';
 *
 * using map = Mmap.open('data.bin');
 * const cursor = map.cursor();
 * const header = cursor.read(4);
 * cursor.position; // => 4
 * ```
 */
export class Cursor {
  readonly #memory: Memory<NativeMap>;
  #position = 0;

  /** @internal Made by {@link MemoryMap.cursor}. */
  constructor(memory: Memory<NativeMap>, position: Integer = 0) {
    this.#memory = memory;
    this.seek(position);
  }

  /** Where the next byte is read or written, in bytes from the start of the map. */
  get position(): number {
    return this.#position;
  }

  /** The number of bytes between the position and the end of the map; 0 once it is closed. */
  get remaining(): number {
    return Math.max(0, this.#memory.length - this.#position);
  }

  /**
   * Moves the position.
   *
   * @param offset - In bytes, may be negative; the new position must lie within the map.
   * @param whence - Where the offset is counted from. Default `'start'`.
   * @returns The new position.
   * @throws TypeError; RangeError where the map has no such position.
   */
  seek(offset: Integer, whence: Whence = 'start'): number {
    const distance = checkInteger(offset, 'offset', Number.MIN_SAFE_INTEGER);
    if (whence !== 'start' && whence !== 'current' && whence !== 'end') {
      throw invalidValue('whence', "must be 'start', 'current' or 'end'", whence);
    }
    this.#memory.assertUsable();
    const { length } = this.#memory;
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
   * Reads the next bytes, without a copy.
   *
   * @param length - The number of bytes, at most {@link remaining}. Default: all that remain.
   * @throws TypeError; RangeError where fewer remain: then nothing is read.
   */
  read(length?: Integer): Buffer {
    return this.#take(this.#endOf(length));
  }

  /**
   * Reads the next byte.
   *
   * @throws RangeError where none remains.
   */
  readByte(): number {
    const end = this.#endOf(1);
    const [byte = 0] = this.#memory.transient(this.#position, end);
    this.#memory.assertUsable();
    this.#position = end;
    return byte;
  }

  /**
   * Reads the next line, as `lines()` gives it. Blocks until its end is found.
   *
   * @param options - How to give the line.
   * @returns null where nothing remains.
   * @throws TypeError.
   */
  readLine(options: CursorLineOptions & { encoding: BufferEncoding }): string | null;
  readLine(options?: CursorLineOptions & { encoding?: undefined }): Buffer | null;
  readLine(options?: CursorLineOptions): Buffer | string | null {
    const { encoding, keepEnds } = checkOptions(options);
    this.#memory.assertUsable();
    const { length } = this.#memory;
    if (this.#position >= length) return null;
    const feed = indexOf(this.#memory, 10, this.#position);
    const end = feed < 0 ? length : feed + 1;
    const [line] = lines(this.#memory, { start: this.#position, end, encoding, keepEnds });
    this.#position = end;
    return line ?? null;
  }

  /**
   * Reads the bytes up to and with a delimiter. Blocks until it is found.
   *
   * @param delimiter - A string, bytes or one byte; not empty.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns null where the delimiter does not come; then the position stays.
   * @throws TypeError, RangeError.
   */
  readUntil(delimiter: Needle, encoding?: BufferEncoding): Buffer | null {
    const bytes = needleBytes(delimiter, encoding, 'delimiter');
    if (bytes.length === 0) throw invalidValue('delimiter', 'must not be empty', delimiter);
    this.#memory.assertUsable();
    if (this.#position >= this.#memory.length) return null;
    const found = indexOf(this.#memory, bytes, this.#position);
    return found < 0 ? null : this.#take(found + bytes.length);
  }

  /** The position after the next `length` bytes, or after all that remain. */
  #endOf(length: Integer | undefined): number {
    const wanted = length === undefined ? undefined : checkInteger(length, 'length');
    this.#memory.assertUsable();
    const count = wanted ?? this.remaining;
    if (count > this.remaining) {
      throw outOfRange('length', `<= ${this.remaining}, the bytes that remain`, count);
    }
    return this.#position + count;
  }

  #take(end: number): Buffer {
    const bytes = this.#memory.bytes(this.#position, end);
    this.#position = end;
    return bytes;
  }
}

/**
 * A {@link Cursor} that can also write.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 *
 * using map = MmapMut.create('records.bin', 4096);
 * const cursor = map.cursor();
 * cursor.write('name\n'); // => 5
 * cursor.writeByte(0xff);
 * cursor.position; // => 6
 * ```
 */
export class WritableCursor extends Cursor {
  readonly #memory: Memory<NativeWritableMap>;

  /** @internal Made by {@link WritableMap.cursor}. */
  constructor(memory: Memory<NativeWritableMap>, position?: Integer) {
    super(memory, position);
    this.#memory = memory;
  }

  /**
   * Writes bytes or a string at the position and moves behind them; all of it or nothing.
   *
   * @param data - As for {@link WritableMap.write}.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The number of bytes written.
   * @throws TypeError; RangeError where they do not fit: a cursor never makes its map longer.
   */
  write(data: NodeJS.ArrayBufferView | string, encoding?: BufferEncoding): number {
    const written = write(this.#memory, data, this.position, encoding);
    this.seek(written, 'current');
    return written;
  }

  /**
   * Writes one byte (0 to 255) at the position and moves behind it.
   *
   * @throws TypeError, RangeError.
   */
  writeByte(byte: number): void {
    this.write(Uint8Array.of(checkInteger(byte, 'byte', 0, 255)));
  }
}
