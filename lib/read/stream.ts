/** A map as a stream of bytes. */
import { Readable } from 'node:stream';
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import type { Memory } from '../memory/memory';
import type { RangeOptions } from '../search/find';

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
  const [first, to] = memory.range(start, end, 'options.');
  const { generation } = memory;
  let from = first;
  const next = (): Buffer | null => {
    memory.assertUnchanged(generation);
    memory.assertUsable();
    if (from === to) return null;
    const part = memory.bytes(from, Math.min(from + size, to));
    from += part.length;
    return part;
  };
  return new Readable({
    highWaterMark: size,
    read() {
      try {
        this.push(next());
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
