/** Finding bytes in a map: the first, the last, how many, all of them. */
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  clampPosition,
  type Integer,
} from '../base/arguments';
import { MmapError } from '../base/errors';
import type { NativeMap } from '../base/native';
import { checkJobOptions, type JobOptions, JobRunner } from '../memory/jobs';
import type { Memory, Span } from '../memory/memory';
import { type Needle, needleBytes, type Pattern, type Prepared, preparePattern } from './pattern';

/** The part of a map that is searched. */
export interface RangeOptions {
  /** The first byte at which a match may begin. Default 0. */
  start?: Integer | undefined;
  /** The byte after the last that a match may have. Default: the end of the map. */
  end?: Integer | undefined;
}

/** How to search for a pattern. */
export interface SearchOptions extends RangeOptions {
  /** How to encode needles that are strings. Default `'utf8'`. */
  encoding?: BufferEncoding | undefined;
}

/** How to list matches. */
export interface FindOptions extends SearchOptions {
  /** The most matches to list. Default: as many as memory allows (8 bytes a match). */
  limit?: Integer | undefined;
  /** Whether to list also which of several needles each match is. Default false. */
  which?: boolean | undefined;
}

/** The matches that `findAll` lists with `which: true`. */
export interface Finds {
  /** The offsets of the matches in bytes from the start of the map. */
  offsets: Float64Array;
  /** The index of each match's needle in the array of needles. */
  which: Uint32Array;
}

/** The bytes that one job off the main thread searches: some milliseconds, unless the disk is slow. */
const LITERAL_CHUNK = 16 * 2 ** 20;
const EXPRESSION_CHUNK = 8 * 2 ** 20;

/** The most matches that one job lists: 8 or 16 MiB of them. */
const MAX_BATCH = 2 ** 20;

const EVERY = Number.MAX_SAFE_INTEGER;

/** The options of a search, read and checked as far as they can be without the map. */
export interface ReadSearch extends JobOptions {
  start: Integer | undefined;
  end: Integer | undefined;
  prepared: Prepared;
}

/** Reads what to search for and where, once, before the map's state is looked at. */
export function readSearch(
  what: unknown,
  options: (SearchOptions & JobOptions) | undefined,
  path: string | null,
): ReadSearch {
  const { start, end, encoding } = checkOptions(options);
  const job = checkJobOptions(options);
  return { ...job, start, end, prepared: preparePattern(what, encoding, path) };
}

/**
 * Searches a range window by window, each in a job off the main thread. A job answers where the
 * next window begins, which is how matches across borders are found once.
 */
export async function* windows<Answer extends { next: number }>(
  runner: JobRunner<NativeMap>,
  [start, end]: Span,
  { prepared, onProgress }: ReadSearch,
  job: (open: NativeMap, from: number, to: number) => Promise<Answer>,
): AsyncGenerator<Answer, void, undefined> {
  const size = prepared.lengths.length === 0 ? EXPRESSION_CHUNK : LITERAL_CHUNK;
  let from = start;
  do {
    const to = Math.min(from + size, end);
    const answer = await runner.run((open) => job(open, from, to));
    from = answer.next;
    onProgress?.(Math.min(from, end) - start, end - start);
    yield answer;
  } while (from <= end);
}

export function indexOf(
  memory: Memory,
  needle: Needle,
  start?: Integer | BufferEncoding,
  encoding?: BufferEncoding,
): number {
  const [from, named] = typeof start === 'string' ? [undefined, start] : [start, encoding];
  const bytes = needleBytes(needle, named, 'needle');
  memory.assertUsable();
  const { length } = memory;
  const first = from === undefined ? 0 : clampPosition(from, 'start', length);
  return memory.call((open) => open.indexOf(bytes, first, length));
}

export function lastIndexOf(
  memory: Memory,
  needle: Needle,
  start?: Integer | BufferEncoding,
  encoding?: BufferEncoding,
): number {
  const [from, named] = typeof start === 'string' ? [undefined, start] : [start, encoding];
  const bytes = needleBytes(needle, named, 'needle');
  memory.assertUsable();
  const { length } = memory;
  const last = from === undefined ? length : clampPosition(from, 'start', length);
  // As in Buffer: a start before the first byte finds nothing, except an empty needle.
  if (from !== undefined && from < -length && bytes.length > 0) return -1;
  return memory.call((open) => open.lastIndexOf(bytes, 0, Math.min(last + bytes.length, length)));
}

export async function count(
  memory: Memory,
  pattern: Pattern,
  options: (SearchOptions & JobOptions) | undefined,
): Promise<number> {
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  let total = 0;
  for await (const { matches } of windows(runner, range, search, (open, from, to) =>
    open.count(search.prepared.pattern, from, to, range[1]),
  )) {
    total += matches;
  }
  return total;
}

export function countSync(
  memory: Memory,
  pattern: Pattern,
  options: SearchOptions | undefined,
): number {
  const { prepared, start, end } = readSearch(pattern, options, memory.path);
  const [from, to] = memory.range(start, end, 'options.');
  return memory.call((open) => open.countSync(prepared.pattern, from, to));
}

export async function findAll(
  memory: Memory,
  pattern: Pattern,
  options: (FindOptions & JobOptions) | undefined,
): Promise<Float64Array | Finds> {
  const { limit, which } = readFind(options);
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  const batches: Float64Array[] = [];
  const numbers = which ? 2 : 1;
  let left = limit;
  if (left === 0) return finds(new Float64Array(), which);
  for await (const { matches } of windows(runner, range, search, (open, from, to) =>
    open.find(
      search.prepared.pattern,
      from,
      to,
      range[1],
      which ? 'needle' : 'offset',
      Math.min(left, MAX_BATCH),
    ),
  )) {
    if (matches.length > 0) batches.push(matches);
    left -= matches.length / numbers;
    if (left === 0) break;
  }
  return finds(joined(batches, memory.path), which);
}

export function findAllSync(
  memory: Memory,
  pattern: Pattern,
  options: FindOptions | undefined,
): Float64Array | Finds {
  const { limit, which } = readFind(options);
  const { prepared, start, end } = readSearch(pattern, options, memory.path);
  const [from, to] = memory.range(start, end, 'options.');
  if (limit === 0) return finds(new Float64Array(), which);
  const record = which ? 'needle' : 'offset';
  const { matches } = memory.call((open) =>
    open.findSync(prepared.pattern, from, to, record, limit),
  );
  return finds(matches, which);
}

/** The options that only `findAll` has. */
function readFind(options: FindOptions | undefined): { limit: number; which: boolean } {
  const { limit, which } = checkOptions(options);
  return {
    limit: limit === undefined ? EVERY : checkInteger(limit, 'options.limit'),
    which: checkBoolean(which, 'options.which', false),
  };
}

/** The result of `findAll` for the numbers that the native core lists. */
function finds(numbers: Float64Array, which: boolean): Float64Array | Finds {
  if (!which) return numbers;
  const count = numbers.length / 2;
  return {
    offsets: Float64Array.from({ length: count }, (_, index) => numbers[index * 2] ?? 0),
    which: Uint32Array.from({ length: count }, (_, index) => numbers[index * 2 + 1] ?? 0),
  };
}

/** The lists of several jobs as one. */
function joined(batches: Float64Array[], path: string | null): Float64Array {
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  let all: Float64Array;
  try {
    all = new Float64Array(length);
  } catch {
    const need = `a list of ${length} numbers is more than there is memory for`;
    throw new MmapError('ENOMEM', `${need}; give a limit, or use scan()`, path);
  }
  let at = 0;
  for (const batch of batches) {
    all.set(batch, at);
    at += batch.length;
  }
  return all;
}
