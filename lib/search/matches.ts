/** Matches one by one, with their groups. */
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import type { Found } from '../base/binding';
import type { NativeMap } from '../base/native';
import { JobRunner } from '../memory/jobs';
import type { Memory, Span } from '../memory/memory';
import type { ThreadedJobOptions } from './concurrency';
import { type RangeOptions, type ReadSearch, readSearch, type SearchOptions } from './find';
import { isExpression, type Pattern, type Prepared, prepareExpression } from './pattern';
import { found } from './windows';

/** The bytes of a group: the first, and the one after the last. */
export type Indices = [start: number, end: number];

/** How to scan. */
export interface ScanOptions extends SearchOptions, ThreadedJobOptions {
  /**
   * The most matches that one thread collects before it hands them over. More means fewer jobs, and
   * more memory where there are many matches. Default 1024.
   */
  batch?: Integer | undefined;
}

/** The indices of a match's groups, as those of a RegExp with the `d` flag. */
export type MatchIndices = Array<Indices | undefined> & {
  /** The indices of the named groups; undefined where the pattern has none. */
  groups?: Record<string, Indices | undefined>;
};

/**
 * One match: where it is, and where its groups are.
 *
 * ```js
 * import { Mmap } from 'memmap';
 *
 * using map = Mmap.open('access.log');
 * const match = map.exec(/GET (?<path>\S+)/);
 * match?.index; // where it begins, in bytes
 * match?.bytes('path'); // a Buffer over the map
 * ```
 */
export class Match {
  /** Where the match begins, in bytes from the start of the map. */
  readonly index: number;
  /** The byte after its last. */
  readonly end: number;
  /** The index of the needle among several; 0 otherwise. */
  readonly which: number;
  /** The indices of the whole match, of group 1, ...; undefined for groups that took no part. */
  readonly indices: MatchIndices;
  readonly #memory: Memory;
  readonly #generation: number;

  /** @internal */
  constructor(memory: Memory, indices: MatchIndices, which: number) {
    const [start, end] = indices[0] ?? [0, 0];
    this.#memory = memory;
    this.#generation = memory.generation;
    this.index = start;
    this.end = end;
    this.which = which;
    this.indices = indices;
  }

  /**
   * The bytes of a group, without a copy, as the map has them now.
   *
   * @param group - A group's number or name. Default 0: the whole match.
   * @returns undefined for a group that took no part in the match, or does not exist.
   * @throws MmapError `ERR_MMAP_CLOSED`; `ERR_MMAP_CHANGED` once the map became shorter, or was mapped
   * afresh; or as {@link MemoryMap.subarray}.
   */
  bytes(group: number | string = 0): Buffer | undefined {
    const span = typeof group === 'number' ? this.indices[group] : this.indices.groups?.[group];
    if (span === undefined) return undefined;
    this.#memory.assertUnchanged(this.#generation);
    return this.#memory.bytes(span[0], span[1]);
  }

  /**
   * The whole match as a string.
   *
   * @param encoding - Default `'utf8'`.
   * @throws As {@link bytes}.
   */
  toString(encoding?: BufferEncoding): string {
    this.#memory.assertUnchanged(this.#generation);
    return this.#memory.text(this.index, this.end, encoding);
  }
}

/** The most matches that one call of `matchAll`'s iterator fetches. */
const MAX_FETCH = 256;

/** The matches that the native core lists as the indices of their groups. */
function* expressionMatches(
  memory: Memory,
  { matches: numbers }: Found,
  { pattern, names }: Prepared,
): Generator<Match, void, undefined> {
  const width = pattern.groups * 2;
  for (let at = 0; at < numbers.length; at += width) {
    const indices: MatchIndices = [];
    for (let slot = at; slot < at + width; slot += 2) {
      const start = numbers[slot] ?? -1;
      const end = numbers[slot + 1] ?? -1;
      indices.push(start < 0 || end < 0 ? undefined : [start, end]);
    }
    if (names.length > 0) {
      const groups: Record<string, Indices | undefined> = Object.create(null);
      for (const [name, group] of names) groups[name] ??= indices[group];
      indices.groups = groups;
    }
    yield new Match(memory, indices, 0);
  }
}

/** The matches of needles, listed as their offsets and the numbers of their needles. */
function* needleMatches(
  memory: Memory,
  { matches: offsets, which: needles }: Found,
  { lengths }: Prepared,
): Generator<Match, void, undefined> {
  for (let at = 0; at < offsets.length; at++) {
    const start = offsets[at] ?? 0;
    const which = needles[at] ?? 0;
    yield new Match(memory, [[start, start + (lengths[which] ?? 0)]], which);
  }
}

export function exec(
  memory: Memory,
  pattern: RegExp | string,
  start: Integer | undefined,
): Match | null {
  const prepared = prepareExpression(pattern, memory.path);
  const from = start === undefined ? 0 : checkInteger(start, 'start');
  const [first, end] = memory.range(from, undefined);
  const found = memory.call((open) => open.findSync(prepared.pattern, first, end, 'groups', 1));
  for (const match of expressionMatches(memory, found, prepared)) return match;
  return null;
}

export function matchAll(
  memory: Memory,
  pattern: RegExp | string,
  options: RangeOptions | undefined,
): IterableIterator<Match> {
  const prepared = prepareExpression(pattern, memory.path);
  const { start, end } = checkOptions(options);
  return iterate(memory, prepared, memory.range(start, end, 'options.'));
}

function* iterate(
  memory: Memory,
  prepared: Prepared,
  [start, end]: Span,
): Generator<Match, void, undefined> {
  const { generation } = memory;
  let fetch = 1;
  for (let from = start; from <= end; fetch = Math.min(fetch * 2, MAX_FETCH)) {
    memory.assertUnchanged(generation);
    const most = fetch;
    const found = memory.call((open) => open.findSync(prepared.pattern, from, end, 'groups', most));
    from = found.next;
    for (const match of expressionMatches(memory, found, prepared)) {
      yield match;
      memory.assertUnchanged(generation);
    }
  }
}

export function scan(
  memory: Memory,
  pattern: Pattern,
  options: ScanOptions | undefined,
): AsyncGenerator<Match, void, undefined> {
  const { batch } = checkOptions(options);
  const most = batch === undefined ? 1024 : checkInteger(batch, 'options.batch', 1);
  const search = readSearch(pattern, options, memory.path);
  const runner = new JobRunner(memory, search.signal);
  const range = memory.range(search.start, search.end, 'options.');
  return iterateAsync(memory, runner, range, search, most);
}

async function* iterateAsync(
  memory: Memory,
  runner: JobRunner<NativeMap>,
  range: Span,
  search: ReadSearch,
  most: number,
): AsyncGenerator<Match, void, undefined> {
  const prepared = await search.pattern.compile();
  const [read, record] = isExpression(prepared)
    ? ([expressionMatches, 'groups'] as const)
    : ([needleMatches, 'needle'] as const);
  for await (const some of found(runner, range, { ...search, prepared, record, most })) {
    for (const match of read(memory, some, prepared)) {
      yield match;
      runner.check();
    }
  }
}
