/** A map as one of Node's streams of bytes. */
import { Readable } from 'node:stream';
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import type { Memory } from '../memory/memory';
import type { RangeOptions } from '../search/find';
import { ReadAhead } from './read-ahead';

/** How to stream a map. */
export interface ReadStreamOptions extends RangeOptions {
  /** The bytes of each chunk, and what the stream buffers at most: 1 to 2^30. Default 65536. */
  highWaterMark?: Integer | undefined;
}

export function createReadStream(memory: Memory, options: ReadStreamOptions | undefined): Readable {
  const { start, end, highWaterMark } = checkOptions(options);
  const size =
    highWaterMark === undefined
      ? 2 ** 16
      : checkInteger(highWaterMark, 'options.highWaterMark', 1, 2 ** 30);
  const pieces = new ReadAhead(memory, memory.range(start, end, 'options.'));
  const next = async (): Promise<Buffer | null> => {
    const piece = await pieces.next(size);
    // A consumer such as zlib reads its chunks later, when their bytes may be lost.
    return piece && memory.copy(...piece);
  };
  return new Readable({
    highWaterMark: size,
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error) => this.destroy(error),
      );
    },
  });
}
