/** A map as lines. */
import { checkBoolean, checkEncoding, checkOptions, type Integer } from '../base/arguments';
import { checkJobOptions, inChunks, type JobOptions } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { count, countSync, type RangeOptions } from '../search/find';
import { LINE_FEED, LineIndex, type LineSettings, lineFeed } from './line-index';
import { LineIterator } from './line-iterator';

/** Which lines to give, and how. */
export interface LineOptions extends RangeOptions {
  /** Gives strings of this encoding. Default: Buffers over the map. */
  encoding?: BufferEncoding | undefined;
  /** Whether a line keeps the `\n` or `\r\n` that ends it. Default false. */
  keepEnds?: boolean | undefined;
}

/** With an encoding, lines are strings. */
export type StringLineOptions = LineOptions & { encoding: BufferEncoding };

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
  options: (RangeOptions & JobOptions) | undefined,
): Promise<number> {
  const { start, end } = checkOptions(options);
  const job = checkJobOptions(options);
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
  options: (LineOptions & JobOptions) | undefined,
): Promise<LineIndex> {
  const { start, end, ...settings } = readLineOptions(options);
  const job = checkJobOptions(options);
  const range = memory.range(start, end, 'options.');
  const counts: Float64Array[] = [];
  await inChunks(memory, range, {
    ...job,
    chunk: LineIndex.CHUNK,
    work: async (open, from, to) => {
      counts.push(await open.countLines(from, to, LineIndex.BLOCK));
    },
  });
  return new LineIndex(memory, range, settings, counts, unended(memory, ...range) === 1);
}

export function lineIndexSync(memory: Memory, options: LineOptions | undefined): LineIndex {
  const { start, end, ...settings } = readLineOptions(options);
  const range = memory.range(start, end, 'options.');
  const counts = memory.call((open) => open.countLinesSync(...range, LineIndex.BLOCK));
  return new LineIndex(memory, range, settings, [counts], unended(memory, ...range) === 1);
}
