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
import { type JobOptions, JobRunner } from '../memory/jobs';
import type { Memory, Span } from '../memory/memory';
import { readThreadedJob, type ThreadedJobOptions } from './concurrency';
import { type Needle, needleBytes, type Pattern, readPattern, type Uncompiled } from './pattern';
import { found } from './windows';

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

const EVERY = Number.MAX_SAFE_INTEGER;

/** The options of a search, read and checked as far as they can be without the map. */
export interface ReadSearch extends JobOptions {
  start: Integer | undefined;
  end: Integer | undefined;
  concurrency: number;
  pattern: Uncompiled;
}

/** Reads what to search for and where, once, before the map's state is looked at. */
export function readSearch(
  what: unknown,
  options: (SearchOptions & ThreadedJobOptions) | undefined,
  path: string | null,
): ReadSearch {
  const { start, end, encoding } = checkOptions(options);
  const job = readThreadedJob(options);
  return { ...job, start, end, pattern: readPattern(what, encoding, path) };
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
  options: (SearchOptions & ThreadedJobOptions) | undefined,
): Promise<number> {
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  const prepared = await search.pattern.compile();
  let total = 0;
  for await (const { count } of found(runner, range, { ...search, prepared, record: 'count' })) {
    total += count;
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
  options: (FindOptions & ThreadedJobOptions) | undefined,
): Promise<Float64Array | Finds> {
  const { limit, which } = readFind(options);
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  const batches: List[] = [];
  let left = limit;
  if (left === 0) return finds(emptyList(), which);
  const prepared = await search.pattern.compile();
  const wanted = { ...search, prepared, record: which ? 'needle' : 'offset', most: limit } as const;
  for await (const some of found(runner, range, wanted)) {
    const { matches, which } = some;
    if (matches.length > left) {
      batches.push({ matches: matches.subarray(0, left), which: which.subarray(0, left) });
    } else if (matches.length > 0) batches.push(some);
    left -= Math.min(left, matches.length);
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
  const all = memory.call((open) => open.findSync(prepared.pattern, from, to, record, limit));
  return finds(all, which);
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
