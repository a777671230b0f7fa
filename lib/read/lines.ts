/** A map as lines. */
import {
  checkBoolean,
  checkEncoding,
  checkInteger,
  checkOptions,
  type Integer,
} from '../base/arguments';
import { inParallel, JobRunner } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { lane } from '../memory/threads';
import { readThreadedJob, type ThreadedJobOptions } from '../search/concurrency';
import { count, countSync, type RangeOptions } from '../search/find';
import { LineIndex } from './line-index';
import { LineIterator } from './line-iterator';
import { type IndexSettings, LINE_FEED, type LineSettings, lineFeed } from './line-settings';

/** Which lines to give, and how. */
export interface LineOptions extends RangeOptions {
  /** Gives strings of this encoding. Default: Buffers over the map. */
  encoding?: BufferEncoding | undefined;
  /** Whether a line keeps the `\n` or `\r\n` that ends it. Default false. */
  keepEnds?: boolean | undefined;
}

/** The most bytes that are counted at once. */
const CHUNK = 2 ** 24;

/** How an index is built. */
export interface LineIndexOptions extends LineOptions {
  /**
   * For how many bytes of the map the index has an entry, which takes 8 bytes: 1,024 to 2^24. Fewer
   * make {@link LineIndex.line} faster and the index larger. Default 4,096.
   */
  every?: Integer | undefined;
}

/** With an encoding, lines are strings. */
export type StringLineOptions = LineOptions & {
  /** How the bytes of a line become a string. */
  encoding: BufferEncoding;
};

/** The options of lines, read and checked once. */
function readLineOptions(
  options: LineOptions | undefined,
): LineSettings & { start: Integer | undefined; end: Integer | undefined } {
  const { start, end, encoding, keepEnds } = checkOptions(options);
  return {
    start,
    end,
    encoding: encoding === undefined ? undefined : checkEncoding(encoding),
    keepEnds: checkBoolean(keepEnds, 'options.keepEnds', false),
  };
}

/** As {@link readLineOptions}, for an index. */
function readIndexOptions(
  options: LineIndexOptions | undefined,
): IndexSettings & { start: Integer | undefined; end: Integer | undefined } {
  const { every } = checkOptions(options);
  return {
    ...readLineOptions(options),
    every: every === undefined ? 4096 : checkInteger(every, 'options.every', 1024, CHUNK),
  };
}

export function lines(
  memory: Memory,
  options: LineOptions | undefined,
): IterableIterator<Buffer | string> {
  const { start, end, ...settings } = readLineOptions(options);
  const [from, to] = memory.range(start, end, 'options.');
  return new LineIterator(memory, from, to, settings);
}

export async function lineCount(
  memory: Memory,
  options: (RangeOptions & ThreadedJobOptions) | undefined,
): Promise<number> {
  const { start, end } = checkOptions(options);
  const job = readThreadedJob(options);
  const [from, to] = memory.range(start, end, 'options.');
  const ended = await count(memory, LINE_FEED, { start: from, end: to, ...job });
  return ended + unended(memory, from, to);
}

export function lineCountSync(memory: Memory, options: RangeOptions | undefined): number {
  const { start, end } = checkOptions(options);
  const [from, to] = memory.range(start, end, 'options.');
  const ended = countSync(memory, LINE_FEED, { start: from, end: to });
  return ended + unended(memory, from, to);
}

/** 1 where the range ends with a line that no line feed ends. */
function unended(memory: Memory, start: number, end: number): number {
  if (start === end) return 0;
  const last = memory.call((open) => open.findSync(lineFeed, end - 1, end, 'offset', 1));
  return last.matches.length === 0 ? 1 : 0;
}

export async function lineIndex(
  memory: Memory,
  options: (LineIndexOptions & ThreadedJobOptions) | undefined,
): Promise<LineIndex> {
  const { start, end, ...settings } = readIndexOptions(options);
  const { concurrency, signal, onProgress } = readThreadedJob(options);
  const range = memory.range(start, end, 'options.');
  const runner = new JobRunner(memory, signal);
  const chunk = CHUNK - (CHUNK % settings.every);
  const counts: Float64Array[] = [];
  const here = lane(concurrency);
  // Each thread has a chunk that waits for it.
  await inParallel(runner, range, chunk, 2 * concurrency, onProgress, async (from, to) => {
    const answer = await runner.runOnThread((open, _, id) =>
      open.countLines(here, id, from, to, settings.every),
    );
    counts[(from - range[0]) / chunk] = answer as Float64Array;
  });
  return new LineIndex(memory, range, settings, counts, unended(memory, ...range) === 1);
}

export function lineIndexSync(memory: Memory, options: LineIndexOptions | undefined): LineIndex {
  const { start, end, ...settings } = readIndexOptions(options);
  const range = memory.range(start, end, 'options.');
  const counts = memory.call((open) => open.countLinesSync(...range, settings.every));
  return new LineIndex(memory, range, settings, [counts], unended(memory, ...range) === 1);
}
