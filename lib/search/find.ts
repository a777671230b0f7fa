/** Finding bytes in a map: the first, the last, how many, all of them. */
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkRange,
  clampPosition,
  type Integer,
} from '../base/arguments';
import type * as Binding from '../base/binding';
import { MmapError } from '../base/errors';
import type { NativeMap } from '../base/native';
import { checkJobOptions, type JobOptions, JobRunner } from '../memory/jobs';
import type { Memory, Span } from '../memory/memory';
import {
  isExpression,
  type Needle,
  needleBytes,
  type Pattern,
  type Prepared,
  readPattern,
  type Uncompiled,
} from './pattern';

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
  pattern: Uncompiled;
}

/** Reads what to search for and where, once, before the map's state is looked at. */
export function readSearch(
  what: unknown,
  options: (SearchOptions & JobOptions) | undefined,
  path: string | null,
): ReadSearch {
  const { start, end, encoding } = checkOptions(options);
  const job = checkJobOptions(options);
  return { ...job, start, end, pattern: readPattern(what, encoding, path) };
}

/**
 * Searches a range window by window, each in a job off the main thread. A job answers where the
 * next window begins, which is how matches across borders are found once.
 */
export async function* windows<Answer extends { next: number }>(
  runner: JobRunner<NativeMap>,
  [start, end]: Span,
  { onProgress }: ReadSearch,
  prepared: Prepared,
  job: (open: NativeMap, from: number, to: number) => Promise<Answer>,
): AsyncGenerator<Answer, void, undefined> {
  const size = isExpression(prepared) ? EXPRESSION_CHUNK : LITERAL_CHUNK;
  let from = start;
  do {
    const to = Math.min(from + size, end);
    const answer = await runner.run((open) => job(open, from, to));
    from = answer.next;
    onProgress?.(Math.min(from, end) - start, end - start);
    yield answer;
  } while (from <= end);
}

/** The second argument of `indexOf` and its like: a position as Buffer's methods take it, or a range. */
export type PositionOrRange = Integer | BufferEncoding | SearchOptions;

/** The bytes that `indexOf` and its like look for, and where. */
interface NeedleSearch {
  bytes: Uint8Array;
  position?: Integer | undefined;
  range?: RangeOptions;
}

/**
 * Reads the arguments of `indexOf`, `lastIndexOf` and `includes`. They are Buffer's, for which an
 * object as the second has no meaning: so that is where a range is given.
 */
function readNeedleSearch(
  needle: unknown,
  where: PositionOrRange | undefined,
  encoding: unknown,
): NeedleSearch {
  if (typeof where === 'string') return { bytes: needleBytes(needle, where, 'needle') };
  if (typeof where !== 'object' || where === null) {
    return { bytes: needleBytes(needle, encoding, 'needle'), position: where };
  }
  const { start, end, encoding: named = encoding } = checkOptions(where);
  return { bytes: needleBytes(needle, named, 'needle'), range: { start, end } };
}

export function indexOf(
  memory: Memory,
  needle: Needle,
  where?: PositionOrRange,
  encoding?: BufferEncoding,
): number {
  const { bytes, position, range } = readNeedleSearch(needle, where, encoding);
  memory.assertUsable();
  const { length } = memory;
  const [from, to] = range
    ? checkRange(range.start, range.end, length)
    : [position === undefined ? 0 : clampPosition(position, 'start', length), length];
  return memory.call((open) => open.indexOf(bytes, from, to));
}

export function lastIndexOf(
  memory: Memory,
  needle: Needle,
  where?: PositionOrRange,
  encoding?: BufferEncoding,
): number {
  const search = readNeedleSearch(needle, where, encoding);
  memory.assertUsable();
  const range = lastRange(search, memory.length);
  return range === null ? -1 : memory.call((open) => open.lastIndexOf(search.bytes, ...range));
}

/** The range in which `lastIndexOf` looks for the last match; null where Buffer finds nothing. */
function lastRange(search: NeedleSearch, length: number): Span | null {
  const { bytes, position, range } = search;
  if (range !== undefined) return checkRange(range.start, range.end, length);
  if (position === undefined) return [0, length];
  const last = clampPosition(position, 'start', length);
  // A start before the first byte finds nothing, except an empty needle.
  if (position < -length && bytes.length > 0) return null;
  return [0, Math.min(last + bytes.length, length)];
}

export async function count(
  memory: Memory,
  pattern: Pattern,
  options: (SearchOptions & JobOptions) | undefined,
): Promise<number> {
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  const prepared = await search.pattern.compile();
  let total = 0;
  for await (const { matches } of windows(runner, range, search, prepared, (open, from, to) =>
    open.count(prepared.pattern, from, to, range[1]),
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
  const { pattern: read, start, end } = readSearch(pattern, options, memory.path);
  const prepared = read.compileSync();
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
  const batches: List[] = [];
  let left = limit;
  if (left === 0) return finds(emptyList(), which);
  const prepared = await search.pattern.compile();
  for await (const found of windows(runner, range, search, prepared, (open, from, to) =>
    open.find(
      prepared.pattern,
      from,
      to,
      range[1],
      which ? 'needle' : 'offset',
      Math.min(left, MAX_BATCH),
    ),
  )) {
    if (found.matches.length > 0) batches.push(found);
    left -= found.matches.length;
    if (left === 0) break;
  }
  return finds(await joined(batches, runner, memory.path), which);
}

export function findAllSync(
  memory: Memory,
  pattern: Pattern,
  options: FindOptions | undefined,
): Float64Array | Finds {
  const { limit, which } = readFind(options);
  const { pattern: read, start, end } = readSearch(pattern, options, memory.path);
  const prepared = read.compileSync();
  const [from, to] = memory.range(start, end, 'options.');
  if (limit === 0) return finds(emptyList(), which);
  const record = which ? 'needle' : 'offset';
  const found = memory.call((open) => open.findSync(prepared.pattern, from, to, record, limit));
  return finds(found, which);
}

/** The options that only `findAll` has. */
function readFind(options: FindOptions | undefined): { limit: number; which: boolean } {
  const { limit, which } = checkOptions(options);
  return {
    limit: limit === undefined ? EVERY : checkInteger(limit, 'options.limit'),
    which: checkBoolean(which, 'options.which', false),
  };
}

/** The matches that a job lists. */
type List = Pick<Binding.Found, 'matches' | 'which'>;

const emptyList = (): List => ({ matches: new Float64Array(), which: new Uint32Array() });

/** The result of `findAll` for a list of matches. */
function finds({ matches, which }: List, wanted: boolean): Float64Array | Finds {
  return wanted ? { offsets: matches, which } : matches;
}

/** The lists of several jobs as one. The event loop runs after each that is copied. */
async function joined(
  batches: List[],
  runner: JobRunner<NativeMap>,
  path: string | null,
): Promise<List> {
  if (batches.length === 1 && batches[0]) return batches[0];
  const length = batches.reduce((sum, { matches }) => sum + matches.length, 0);
  const named = batches.reduce((sum, { which }) => sum + which.length, 0);
  let all: List;
  try {
    all = { matches: new Float64Array(length), which: new Uint32Array(named) };
  } catch {
    const need = `a list of ${length} numbers is more than there is memory for`;
    throw new MmapError('ENOMEM', `${need}; give a limit, or use scan()`, path);
  }
  let at = 0;
  for (const { matches, which } of drained(batches)) {
    all.matches.set(matches, at);
    if (named > 0) all.which.set(which, at);
    at += matches.length;
    await new Promise((resolve) => setImmediate(resolve));
    runner.check();
  }
  return all;
}

/** The items of an array, each of which leaves it: what was copied is not kept. */
function* drained<T extends object>(items: T[]): Generator<T, void, undefined> {
  items.reverse();
  for (let item = items.pop(); item !== undefined; item = items.pop()) yield item;
}
