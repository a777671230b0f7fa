import type { Integer } from '../base/arguments';
import type { NativeWritableMap } from '../base/native';
import type { JobOptions } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { type ArrayBufferOptions, arrayBuffer } from '../memory/views';
import * as writing from '../memory/writing';
import { WritableCursor } from '../read/cursor';
import { MemoryMap } from './memory-map';

/**
 * A map that can be written: {@link MmapMut} and {@link MmapCow}.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 *
 * using map = MmapMut.anonymous(4096);
 * map.write('hello');
 * map.buffer.toString('utf8', 0, 5); // => 'hello'
 * ```
 */
export abstract class WritableMap extends MemoryMap {
  readonly #memory: Memory<NativeWritableMap>;

  /** There is no public constructor: call a static method such as `open()`. */
  protected constructor();
  /** @internal */
  protected constructor(memory: Memory<NativeWritableMap>);
  protected constructor(...[memory]: [memory?: Memory<NativeWritableMap>]) {
    super(memory as Memory);
    this.#memory = memory as Memory<NativeWritableMap>;
  }

  /** As {@link MemoryMap.cursor}; this one also writes. */
  override cursor(position?: Integer): WritableCursor {
    return new WritableCursor(this.#memory, position);
  }

  /**
   * Returns a copy of a part of the map as an ArrayBuffer, for libraries that take nothing else:
   * whatever a library writes into it stays there. With `copy: false` it is the map's memory, and
   * what is written into it is written to the map. Else as {@link MemoryMap.arrayBuffer}; to read a
   * large file without a copy, open it as an {@link Mmap}.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(4096);
   * new Uint8Array(map.arrayBuffer(0, 8))[0] = 1;
   * map.buffer[0]; // => 0
   * new Uint8Array(map.arrayBuffer(0, 8, { copy: false }))[0] = 1;
   * map.buffer[0]; // => 1
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - Whether to copy. Default: a copy.
   * @throws As {@link MemoryMap.arrayBuffer}.
   */
  override arrayBuffer(start?: Integer, end?: Integer, options?: ArrayBufferOptions): ArrayBuffer {
    return arrayBuffer(this.#memory, start, end, options, true);
  }

  /**
   * Copies bytes or a string into the map; all of it or nothing.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(4096);
   * map.write('caf\u00e9', 100, 'latin1'); // => 4
   * ```
   *
   * @param data - Bytes (any typed array, Buffer or DataView, also one of this map) or a string.
   * @param offset - Where to, in bytes. Default 0.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The number of bytes written.
   * @throws TypeError; RangeError where the data does not fit between `offset` and the end of the
   * map.
   */
  write(
    data: NodeJS.ArrayBufferView | string,
    offset?: Integer,
    encoding?: BufferEncoding,
  ): number {
    return writing.write(this.#memory, data, offset, encoding);
  }

  /**
   * Fills a range with one byte, or with a string or bytes repeated until the range is full.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(4096);
   * map.fill('ab', 0, 5, 'latin1').buffer.toString('latin1', 0, 5); // => 'ababa'
   * ```
   *
   * @param value - A byte (0 to 255), or a string or bytes that are not empty.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @throws TypeError, RangeError.
   */
  fill(
    value: number | string | NodeJS.ArrayBufferView,
    start?: Integer,
    end?: Integer,
    encoding?: BufferEncoding,
  ): this {
    writing.fill(this.#memory, value, start, end, encoding);
    return this;
  }

  /**
   * As {@link fill}, off the main thread, in chunks of 16 MiB.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(2 ** 20);
   * await map.fillAsync(0xff, 0, 2 ** 20, { signal: AbortSignal.timeout(60_000) });
   * ```
   *
   * @param value - As for {@link fill}.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - The encoding of a string, and how to watch or abort it.
   * @throws Rejects with a TypeError, a RangeError or an AbortError. What was filled stays filled.
   */
  async fillAsync(
    value: number | string | NodeJS.ArrayBufferView,
    start?: Integer,
    end?: Integer,
    options?: writing.FillOptions,
  ): Promise<void> {
    return writing.fillAsync(this.#memory, value, start, end, options);
  }

  /**
   * Moves bytes within the map; the two ranges may overlap.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(4096);
   * map.write('abc');
   * map.copyWithin(1, 0, 3).buffer.toString('latin1', 0, 4); // => 'aabc'
   * ```
   *
   * @param target - Where to, in bytes.
   * @param start - The first byte to move.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError; RangeError where the bytes do not fit between `target` and the end of the
   * map.
   */
  copyWithin(target: Integer, start: Integer, end?: Integer): this {
    writing.copyWithin(this.#memory, target, start, end);
    return this;
  }

  /**
   * As {@link copyWithin}, off the main thread, in chunks of 16 MiB.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(2 ** 20);
   * map.write('abc');
   * await map.copyWithinAsync(2 ** 19, 0, 3, { signal: AbortSignal.timeout(60_000) });
   * ```
   *
   * @param target - Where to, in bytes.
   * @param start - The first byte to move.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it.
   * @throws Rejects with a TypeError, a RangeError or an AbortError. What was moved stays moved.
   */
  async copyWithinAsync(
    target: Integer,
    start: Integer,
    end?: Integer,
    options?: JobOptions,
  ): Promise<void> {
    return writing.copyWithinAsync(this.#memory, target, start, end, options);
  }
}
