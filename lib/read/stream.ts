/** A map as a stream of bytes. */
import { Readable } from 'node:stream';
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import { JobRunner } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import type { RangeOptions } from '../search/find';

/** How to stream a map. */
export interface ReadStreamOptions extends RangeOptions {
  /** The bytes of each chunk, and what the stream buffers at most: 1 to 2^30. Default 65536. */
  highWaterMark?: Integer | undefined;
}

/** The bytes that one job off the main thread reads from the disk. */
const READ_AHEAD = 2 ** 20;

export function createReadStream(memory: Memory, options: ReadStreamOptions | undefined): Readable {
  const { start, end, highWaterMark } = checkOptions(options);
  const size =
    highWaterMark === undefined
      ? 2 ** 16
      : checkInteger(highWaterMark, 'options.highWaterMark', 1, 2 ** 30);
  const [first, last] = memory.range(start, end, 'options.');
  const runner = new JobRunner(memory, undefined);
  let from = first;
  let readAhead = first;
  const next = async (): Promise<Buffer | null> => {
    runner.check();
    if (from === last) return null;
    const to = Math.min(from + size, last);
    if (to > readAhead) {
      readAhead = Math.min(Math.max(to, from + READ_AHEAD), last);
      await runner.run((open) => open.prefetch(from, readAhead));
    }
    // A consumer such as zlib reads its chunks later, when their bytes may be lost.
    const chunk = memory.copy(from, to);
    from = to;
    return chunk;
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
