import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkRange,
  clampPosition,
  type Integer,
} from './arguments';
import { checkJobOptions, type JobOptions, Watch } from './chunks';
import { DescribedMap } from './descriptor';
import { MmapError } from './errors';
import { memoryOf } from './memory-map';
import type { NativeMap } from './native';
import { type Needle, needleBytes, type Pattern, type Prepared, preparePattern } from './pattern';

/** What part of a map is searched. */
export interface RangeOptions {
  /** The first byte at which a match may begin. Default 0. */
  start?: Integer;
  /** The byte after the last that a match may have. Default: the end of the map. */
  end?: Integer;
}

/** How to search for a pattern. */
export interface SearchOptions extends RangeOptions {
  /** How to encode needles that are strings. Default `'utf8'`. */
  encoding?: BufferEncoding;
}

/** How to list matches. */
export interface FindOptions extends SearchOptions {
  /** The most matches to list. Default: no limit but the memory there is (8 bytes a match). */
  limit?: Integer;
  /** Whether to tell which of several needles each match is. Default false. */
  which?: boolean;
}

/** Where the matches are, and which needles. */
export interface Finds {
  /** The offsets of the matches in bytes from the start of the map. */
  offsets: Float64Array;
  /** The index of each match's needle in the array of needles. */
  which: Uint32Array;
}

/** What one job off the main thread searches: some milliseconds, unless the disk is slow. */
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
export async function* windows<Native extends NativeMap, Answer extends { next: number }>(
  watch: Watch<Native>,
  [start, end]: [number, number],
  { prepared, onProgress }: ReadSearch,
  job: (open: Native, from: number, to: number) => Promise<Answer>,
): AsyncGenerator<Answer, void, undefined> {
  const size = prepared.lengths.length === 0 ? EXPRESSION_CHUNK : LITERAL_CHUNK;
  let from = start;
  do {
    const to = Math.min(from + size, end);
    const answer = await watch.run((open) => job(open, from, to));
    from = answer.next;
    onProgress?.(Math.min(from, end) - start, end - start);
    yield answer;
  } while (from <= end);
}

/** What `findAll` reads of its options beyond the others. */
function readFind(options: FindOptions | undefined): { limit: number; which: boolean } {
  const { limit, which } = checkOptions(options);
  return {
    limit: limit === undefined ? EVERY : checkInteger(limit, 'options.limit'),
    which: checkBoolean(which, 'options.which', false),
  };
}

/** What `findAll` returns for the numbers that the native core lists. */
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

/**
 * What every map has for finding bytes. Nothing is copied, and no Buffer is needed: it works on
 * maps of any size.
 *
 * Matches never overlap: after one, the search goes on behind it (after an empty one, a byte
 * later). Of several needles the leftmost match counts; where several begin at the same place, the
 * needle that was listed first. An empty needle matches at every place, the end included; it cannot
 * be one of several.
 *
 * Bytes that another process changes during a search may be found as they were or as they are.
 */
export abstract class SearchableMap<
  Native extends NativeMap = NativeMap,
> extends DescribedMap<Native> {
  /**
   * The first place where bytes are found, as `Buffer.indexOf`. Blocks while it searches: some
   * gigabytes a second in memory, or as fast as the disk reads.
   *
   * With the encoding `'utf16le'` Buffer looks at even offsets only; this looks at all of them.
   *
   * @param needle - A string, bytes, or one byte (0 to 255: others are not wrapped).
   * @param start - Where to begin; negative counts from the end, outside the map is moved to its
   * nearest end. Default 0. May be left out before `encoding`.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The offset, or -1.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`.
   */
  indexOf(needle: Needle, start?: Integer | BufferEncoding, encoding?: BufferEncoding): number {
    const memory = memoryOf(this);
    const [from, named] = typeof start === 'string' ? [undefined, start] : [start, encoding];
    const bytes = needleBytes(needle, named, 'needle');
    memory.use();
    const { length } = memory;
    const first = from === undefined ? 0 : clampPosition(from, 'start', length);
    return memory.run((open) => open.indexOf(bytes, first, length));
  }

  /**
   * The last place where bytes are found, as `Buffer.lastIndexOf`; see {@link indexOf}.
   *
   * @param start - The last offset at which they may begin; negative counts from the end. Default:
   * the end of the map.
   */
  lastIndexOf(needle: Needle, start?: Integer | BufferEncoding, encoding?: BufferEncoding): number {
    const memory = memoryOf(this);
    const [from, named] = typeof start === 'string' ? [undefined, start] : [start, encoding];
    const bytes = needleBytes(needle, named, 'needle');
    memory.use();
    const { length } = memory;
    const last = from === undefined ? length : clampPosition(from, 'start', length);
    // As in Buffer: a start before the first byte finds nothing, unless nothing is looked for.
    if (from !== undefined && from < -length && bytes.length > 0) return -1;
    return memory.run((open) => open.lastIndexOf(bytes, 0, Math.min(last + bytes.length, length)));
  }

  /** Whether bytes are found, as `Buffer.includes`; see {@link indexOf}. */
  includes(needle: Needle, start?: Integer | BufferEncoding, encoding?: BufferEncoding): boolean {
    return SearchableMap.prototype.indexOf.call(this, needle, start, encoding) !== -1;
  }

  /**
   * How many matches there are. Off the main thread, in chunks of some milliseconds.
   *
   * @param pattern - A needle, several, or a RegExp (see {@link MatchingMap.exec} for which).
   * @param options - Where to look, and how to watch or abort it. A regular expression is searched
   * for in windows, as by {@link MatchingMap.scan}.
   * @throws Rejects with a TypeError, RangeError, AbortError; MmapError `ERR_MMAP_CLOSED` (also when
   * the map is closed, resized or refreshed meanwhile), `ERR_MMAP_UNSUPPORTED` for a RegExp.
   */
  async count(pattern: Pattern, options?: SearchOptions & JobOptions): Promise<number> {
    const memory = memoryOf(this);
    const search = readSearch(pattern, options, memory.path);
    const watch = new Watch(memory, search.signal);
    const range = checkRange(search.start, search.end, memory.length);
    let count = 0;
    for await (const { matches } of windows(watch, range, search, (open, from, to) =>
      open.count(search.prepared.pattern, from, to, range[1]),
    )) {
      count += matches;
    }
    return count;
  }

  /**
   * As {@link count}, at once. Blocks until all is searched.
   *
   * @throws TypeError, RangeError; MmapError as for {@link count}.
   */
  countSync(pattern: Pattern, options?: SearchOptions): number {
    const memory = memoryOf(this);
    const { prepared, start, end } = readSearch(pattern, options, memory.path);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    return memory.run((open) => open.countSync(prepared.pattern, from, to));
  }

  /**
   * The offsets of all matches. Off the main thread, in chunks of some milliseconds.
   *
   * @param pattern - As for {@link count}.
   * @param options - Where to look, how many to list, and how to watch or abort it. With
   * `which: true` the promise is for an object that also tells which needle each match is.
   * @throws As {@link count}; MmapError `ENOMEM` where the list would not fit into memory.
   */
  findAll(pattern: Pattern, options: FindOptions & JobOptions & { which: true }): Promise<Finds>;
  findAll(
    pattern: Pattern,
    options?: FindOptions & JobOptions & { which?: false },
  ): Promise<Float64Array>;
  async findAll(
    pattern: Pattern,
    options?: FindOptions & JobOptions,
  ): Promise<Float64Array | Finds> {
    const memory = memoryOf(this);
    const { limit, which } = readFind(options);
    const search = readSearch(pattern, options, memory.path);
    const watch = new Watch(memory, search.signal);
    const range = checkRange(search.start, search.end, memory.length);
    const batches: Float64Array[] = [];
    const numbers = which ? 2 : 1;
    let left = limit;
    if (left === 0) return finds(new Float64Array(), which);
    for await (const { matches } of windows(watch, range, search, (open, from, to) =>
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

  /**
   * As {@link findAll}, at once. Blocks until all is searched.
   *
   * @throws TypeError, RangeError; MmapError as for {@link findAll}.
   */
  findAllSync(pattern: Pattern, options: FindOptions & { which: true }): Finds;
  findAllSync(pattern: Pattern, options?: FindOptions & { which?: false }): Float64Array;
  findAllSync(pattern: Pattern, options?: FindOptions): Float64Array | Finds {
    const memory = memoryOf(this);
    const { limit, which } = readFind(options);
    const { prepared, start, end } = readSearch(pattern, options, memory.path);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    if (limit === 0) return finds(new Float64Array(), which);
    const record = which ? 'needle' : 'offset';
    const { matches } = memory.run((open) =>
      open.findSync(prepared.pattern, from, to, record, limit),
    );
    return finds(matches, which);
  }
}
