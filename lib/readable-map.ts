import { Readable } from 'node:stream';
import { checkInteger, checkOptions, checkRange, type Integer } from './arguments';
import { Cursor } from './cursor';
import { closedError } from './errors';
import { LinedMap } from './lines';
import { memoryOf } from './memory-map';
import type { NativeMap } from './native';
import type { RangeOptions } from './search';

/** How to stream a map. */
export interface ReadStreamOptions extends RangeOptions {
  /** The bytes of each part, and what the stream buffers at most. Default 65536. */
  highWaterMark?: Integer;
}

/** What every map has for reading it as one reads a file. */
export abstract class ReadableMap<Native extends NativeMap = NativeMap> extends LinedMap<Native> {
  /**
   * A cursor: a place in the map that moves as one reads.
   *
   * @param position - Where it begins, in bytes. Default 0.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  cursor(position?: Integer): Cursor {
    return new Cursor(this, position);
  }

  /**
   * A stream of the map's bytes, for what wants a stream. Its parts are Buffers that show the map's
   * own bytes: do not write to them, and copy what is kept.
   *
   * @param options - Which part of the map; `end` is the byte after the last here, unlike in
   * `fs.createReadStream`.
   * @returns A stream that fails with `ERR_MMAP_CLOSED` where the map is closed, resized or
   * refreshed before the end was read. Parts that others still hold then are detached: close the
   * map when the stream's consumer has finished.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  createReadStream(options?: ReadStreamOptions): Readable {
    const memory = memoryOf(this);
    const { start, end, highWaterMark } = checkOptions(options);
    const size =
      highWaterMark === undefined
        ? 2 ** 16
        : checkInteger(highWaterMark, 'options.highWaterMark', 1, 2 ** 30);
    memory.use();
    const { generation } = memory;
    const [first, to] = checkRange(start, end, memory.length);
    let from = first;
    const read = (): Buffer | null => {
      if (memory.generation !== generation) throw closedError(memory.path);
      memory.use();
      if (from === to) return null;
      const part = this.subarray(from, Math.min(from + size, to));
      from += part.length;
      return part;
    };
    return new Readable({
      highWaterMark: size,
      read() {
        try {
          this.push(read());
        } catch (error) {
          this.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
  }
}
