import { checkInteger, checkOptions, checkRange, type Integer } from './arguments';
import { type JobOptions, Watch } from './chunks';
import { closedError } from './errors';
import { type MemoryMap, memoryOf } from './memory-map';
import type { NativeMap } from './native';
import { type Pattern, type Prepared, prepareExpression } from './pattern';
import {
  type RangeOptions,
  readSearch,
  SearchableMap,
  type SearchOptions,
  windows,
} from './search';

/** The bytes of a group: from the first to the one after the last. */
export type Place = [start: number, end: number];

/** How to scan. */
export interface ScanOptions extends SearchOptions, JobOptions {
  /**
   * The most matches that one job off the main thread collects before it hands them over. More
   * means fewer jobs, and more memory where there are many matches. Default 1024.
   */
  batch?: Integer;
}

/** The places of a match's groups, as those of a RegExp with the `d` flag. */
export type Places = Array<Place | undefined> & {
  /** The places of the named groups; undefined where the pattern has none. */
  groups?: Record<string, Place | undefined>;
};

/** One match: where it is, and where its groups are. */
export class Match {
  /** Where the match begins, in bytes from the start of the map. */
  readonly index: number;
  /** The byte after its last. */
  readonly end: number;
  /** Which of several needles it is; 0 otherwise. */
  readonly which: number;
  /** The places of the whole match, of group 1, ...; undefined for groups that took no part. */
  readonly indices: Places;
  readonly #map: MemoryMap;

  /** @internal */
  constructor(map: MemoryMap, places: Places, which: number) {
    const [start, end] = places[0] ?? [0, 0];
    this.#map = map;
    this.index = start;
    this.end = end;
    this.which = which;
    this.indices = places;
  }

  /**
   * The bytes of a group, without a copy, as the map has them now.
   *
   * @param group - A group's number or name. Default 0: the whole match.
   * @returns undefined for a group that took no part in the match, or does not exist.
   * @throws MmapError `ERR_MMAP_CLOSED`, or as {@link MemoryMap.subarray}.
   */
  bytes(group: number | string = 0): Buffer | undefined {
    const place = typeof group === 'number' ? this.indices[group] : this.indices.groups?.[group];
    return place === undefined ? undefined : this.#map.subarray(place[0], place[1]);
  }

  /** The whole match as a string. */
  toString(encoding?: BufferEncoding): string {
    return this.#map.subarray(this.index, this.end).toString(encoding);
  }
}

/** The most matches that one call of {@link MatchingMap.matchAll}'s iterator fetches. */
const MAX_FETCH = 256;

/** The matches that the native core wrote down as the places of their groups. */
function* matches(
  map: MemoryMap,
  numbers: Float64Array,
  { pattern, names }: Prepared,
): Generator<Match, void, undefined> {
  const width = pattern.groups * 2;
  for (let at = 0; at < numbers.length; at += width) {
    const places: Places = [];
    for (let slot = at; slot < at + width; slot += 2) {
      const start = numbers[slot] ?? -1;
      const end = numbers[slot + 1] ?? -1;
      places.push(start < 0 || end < 0 ? undefined : [start, end]);
    }
    if (names.length > 0) {
      const groups: Record<string, Place | undefined> = Object.create(null);
      for (const [name, group] of names) groups[name] ??= places[group];
      places.groups = groups;
    }
    yield new Match(map, places, 0);
  }
}

/** The matches of needles, written down as offset and number of the needle. */
function* needleMatches(
  map: MemoryMap,
  numbers: Float64Array,
  { lengths }: Prepared,
): Generator<Match, void, undefined> {
  for (let at = 0; at < numbers.length; at += 2) {
    const start = numbers[at] ?? 0;
    const which = numbers[at + 1] ?? 0;
    yield new Match(map, [[start, start + (lengths[which] ?? 0)]], which);
  }
}

/**
 * What every map has for regular expressions, and for going through matches one by one.
 *
 * A regular expression sees the bytes of the map as characters with the same numbers (latin1): `.`
 * and `\xe9` are one byte, `é` in UTF-8 is two. The same matches and groups are found as JavaScript
 * finds in such a string. What cannot be is refused: lookaround, backreferences, repetitions of what
 * can match nothing, optional groups inside repetitions; `docs/search.md` lists them. In exchange,
 * the time of one search is always in proportion to the bytes it looks at: no pattern can hang it.
 */
export abstract class MatchingMap<
  Native extends NativeMap = NativeMap,
> extends SearchableMap<Native> {
  /**
   * The first match of a regular expression from a place on. Blocks while it searches.
   *
   * @param pattern - A RegExp, or the source of one. Keep a RegExp that is used often: it is
   * translated once. Its `lastIndex` is neither read nor written.
   * @param start - Where the match may begin. Assertions see what is before. Default 0.
   * @returns The match, or null.
   * @throws TypeError, RangeError, SyntaxError; MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_UNSUPPORTED`
   * for a pattern that is refused.
   */
  exec(pattern: RegExp | string, start?: Integer): Match | null {
    const memory = memoryOf(this);
    const prepared = prepareExpression(pattern, memory.path);
    const from = start === undefined ? 0 : checkInteger(start, 'start');
    memory.use();
    const [first, end] = checkRange(from, undefined, memory.length);
    const found = memory.run((open) => open.findSync(prepared.pattern, first, end, 'groups', 1));
    for (const match of matches(this, found.matches, prepared)) return match;
    return null;
  }

  /**
   * The matches of a regular expression one after the other, as `String.matchAll`: searched for as
   * the iterator is asked for them, a few at a time. Blocks while it searches.
   *
   * @param pattern - As for {@link exec}. It needs no `g` flag.
   * @param options - Where to look. Assertions see the bytes before `start`; for them, `end` is the
   * end of the bytes.
   * @throws As {@link exec}; the iterator throws `ERR_MMAP_CLOSED` once the map is closed, resized or
   * refreshed.
   */
  matchAll(pattern: RegExp | string, options?: RangeOptions): IterableIterator<Match> {
    const memory = memoryOf(this);
    const prepared = prepareExpression(pattern, memory.path);
    const { start, end } = checkOptions(options);
    memory.use();
    return this.#matchAll(prepared, checkRange(start, end, memory.length));
  }

  *#matchAll(
    prepared: Prepared,
    [start, end]: [number, number],
  ): Generator<Match, void, undefined> {
    const memory = memoryOf(this);
    const { generation } = memory;
    let fetch = 1;
    for (let from = start; from <= end; fetch = Math.min(fetch * 2, MAX_FETCH)) {
      const most = fetch;
      const found = memory.run((open) =>
        open.findSync(prepared.pattern, from, end, 'groups', most),
      );
      from = found.next;
      for (const match of matches(this, found.matches, prepared)) {
        yield match;
        if (memory.generation !== generation) throw closedError(memory.path);
      }
    }
  }

  /**
   * Goes through the matches while they are searched for off the main thread, in chunks. The event
   * loop stays free, and no more is searched than is asked for. Aborting ends the work within one
   * chunk (8 or 16 MiB), leaving the loop at once; closing the map ends it with `ERR_MMAP_CLOSED`.
   *
   * Needles of any length are found across the borders of chunks, each match once. A regular
   * expression sees up to 262144 bytes behind its chunk: a match of up to that many bytes is found
   * as {@link matchAll} finds it, provided that none of the pattern's other ways to match from
   * there on would be longer; longer ones may be cut short or missed.
   *
   * @param pattern - As for {@link SearchableMap.count}; a string is a needle here.
   * @param options - Where to look, and how to watch or abort it.
   * @throws TypeError, RangeError, MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_UNSUPPORTED` at once;
   * AbortError, MmapError `ERR_MMAP_CLOSED` (also when the map is resized or refreshed) on the way.
   */
  scan(pattern: Pattern, options?: ScanOptions): AsyncGenerator<Match, void, undefined> {
    const memory = memoryOf(this);
    const { batch } = checkOptions(options);
    const most = batch === undefined ? 1024 : checkInteger(batch, 'options.batch', 1);
    const search = readSearch(pattern, options, memory.path);
    const watch = new Watch(memory, search.signal);
    const range = checkRange(search.start, search.end, memory.length);
    return this.#scan(watch, range, search, most);
  }

  async *#scan(
    watch: Watch<Native>,
    range: [number, number],
    search: ReturnType<typeof readSearch>,
    most: number,
  ): AsyncGenerator<Match, void, undefined> {
    const { prepared } = search;
    const isExpression = prepared.lengths.length === 0;
    const read = isExpression ? matches : needleMatches;
    for await (const found of windows(watch, range, search, (open, from, to) =>
      open.find(prepared.pattern, from, to, range[1], isExpression ? 'groups' : 'needle', most),
    )) {
      for (const match of read(this, found.matches, prepared)) {
        yield match;
        watch.check();
      }
    }
  }
}
