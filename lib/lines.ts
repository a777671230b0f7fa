import { checkBoolean, checkEncoding, checkOptions, checkRange, type Integer } from './arguments';
import { checkJobOptions, inChunks, type JobOptions } from './chunks';
import { LINE_FEED, LineIndex, type LineIndexSettings, lineFeed } from './line-index';
import { LineIterator } from './line-iterator';
import { MatchingMap } from './matches';
import { memoryOf } from './memory-map';
import type { NativeMap } from './native';
import type { RangeOptions } from './search';

/** What lines are made of, and how they are given. */
export interface LineOptions extends RangeOptions {
  /** Gives strings of this encoding; without, Buffers that show the map's own bytes. */
  encoding?: BufferEncoding;
  /** Whether a line keeps the `\n` or `\r\n` that ends it. Default false. */
  keepEnds?: boolean;
}

/** With an encoding, lines are strings. */
export type StringLineOptions = LineOptions & { encoding: BufferEncoding };

/** The options of lines, read and checked once. */
function readLineOptions(
  options: LineOptions | undefined,
): LineIndexSettings & { start: Integer | undefined; end: Integer | undefined } {
  const { start, end, encoding, keepEnds } = checkOptions(options);
  return {
    start,
    end,
    encoding: encoding === undefined ? undefined : checkEncoding(encoding),
    keepEnds: checkBoolean(keepEnds, 'options.keepEnds', false),
  };
}

/**
 * What every map has for lines. A line ends behind a `\n`; a `\r` before it belongs to the ending. A
 * `\r` alone ends no line. What follows the last `\n`, if anything, is a line, too; so a file that
 * ends with `\n` has as many lines as `\n`, and an empty file has none.
 */
export abstract class LinedMap<Native extends NativeMap = NativeMap> extends MatchingMap<Native> {
  /**
   * The lines one after the other, found as the iterator is asked for them. Blocks where it has to
   * wait for the disk, and until it has found the end of a line, however long that is.
   *
   * @param options - Where to look, and what to give. A line that begins before `start` is cut
   * there, one that ends behind `end` there.
   * @throws TypeError, RangeError, MmapError `ERR_MMAP_CLOSED`; the iterator throws
   * `ERR_MMAP_CLOSED` once the map is closed, resized or refreshed.
   */
  lines(options: StringLineOptions): IterableIterator<string>;
  lines(options?: LineOptions & { encoding?: undefined }): IterableIterator<Buffer>;
  lines(options?: LineOptions): IterableIterator<Buffer | string>;
  lines(options?: LineOptions): IterableIterator<Buffer | string> {
    const memory = memoryOf(this);
    const { start, end, encoding, keepEnds } = readLineOptions(options);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    return new LineIterator(this, from, to, { encoding, keepEnds });
  }

  /**
   * How many lines there are. Off the main thread, in chunks of some milliseconds.
   *
   * @param options - Where to look, and how to watch or abort it.
   * @throws Rejects with a TypeError, RangeError, AbortError; MmapError `ERR_MMAP_CLOSED` (also when
   * the map is closed, resized or refreshed meanwhile).
   */
  async lineCount(options?: RangeOptions & JobOptions): Promise<number> {
    const { start, end } = checkOptions(options);
    const job = checkJobOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    const ended = await this.count(LINE_FEED, { start: from, end: to, ...job });
    return ended + this.#unended(from, to);
  }

  /**
   * As {@link lineCount}, at once. Blocks until all is counted.
   *
   * @throws TypeError, RangeError, MmapError `ERR_MMAP_CLOSED`.
   */
  lineCountSync(options?: RangeOptions): number {
    const { start, end } = checkOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    return this.countSync(LINE_FEED, { start: from, end: to }) + this.#unended(from, to);
  }

  /** 1 where the range ends with a line that no line feed ends. */
  #unended(start: number, end: number): number {
    if (start === end) return 0;
    const last = memoryOf(this).run((open) => open.findSync(lineFeed, end - 1, end, 'offset', 1));
    return last.matches.length === 0 ? 1 : 0;
  }

  /**
   * An index that finds any line at once, however far into the file and however long the lines. It
   * is built off the main thread in one pass, in chunks of some milliseconds, and takes 8 bytes for
   * each 64 KiB of the map: 128 KiB for 1 GiB, 12 MiB for a billion lines of 100 bytes.
   *
   * @param options - What part to index, how to give its lines, and how to watch or abort it.
   * @throws As {@link lineCount}.
   */
  lineIndex(options: StringLineOptions & JobOptions): Promise<LineIndex<string>>;
  lineIndex(
    options?: LineOptions & { encoding?: undefined } & JobOptions,
  ): Promise<LineIndex<Buffer>>;
  async lineIndex(options?: LineOptions & JobOptions): Promise<LineIndex> {
    const { start, end, ...settings } = readLineOptions(options);
    const job = checkJobOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const range = checkRange(start, end, memory.length);
    const counts: Float64Array[] = [];
    await inChunks(memory, range, LineIndex.CHUNK, job, async (open, from, to) => {
      counts.push(await open.countLines(from, to, LineIndex.BLOCK));
    });
    return new LineIndex(this, range, settings, counts, this.#unended(...range) === 1);
  }

  /**
   * As {@link lineIndex}, at once. Blocks until all is read.
   *
   * @throws As {@link lineCountSync}.
   */
  lineIndexSync(options: StringLineOptions): LineIndex<string>;
  lineIndexSync(options?: LineOptions & { encoding?: undefined }): LineIndex<Buffer>;
  lineIndexSync(options?: LineOptions): LineIndex {
    const { start, end, ...settings } = readLineOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const range = checkRange(start, end, memory.length);
    const counts = memory.run((open) => open.countLinesSync(...range, LineIndex.BLOCK));
    return new LineIndex(this, range, settings, [counts], this.#unended(...range) === 1);
  }
}
