import { checkInteger, type Integer } from '../base/arguments';
import { MmapError } from '../base/errors';
import type { Memory, Span } from '../memory/memory';
import { LineIterator } from './line-iterator';
import { CARRIAGE_RETURN, type IndexSettings, LINE_FEED, lineFeed } from './line-settings';

/**
 * Finds any line of a map: made by `lineIndex()` or `lineIndexSync()`.
 *
 * It stores the number of line feeds before each block of `every` bytes, 4 KiB by default. A line is
 * found by a binary search in that list (8 bytes a block) and a search of the one or two blocks in
 * which it begins and ends: a microsecond or two, whichever line it is and however long its
 * neighbours are.
 *
 * Every call checks that the blocks in which its line begins and ends have as many line feeds as
 * they had, and that the line has none inside; otherwise it throws `ERR_MMAP_CHANGED`. Other changes
 * of the file go unnoticed: a line keeps the number that it had when the index was built, and a line
 * feed that moved within a block moves the lines on either side of it.
 *
 * ```js
 * import { Mmap } from 'memmap';
 *
 * using map = Mmap.open('access.log');
 * const index = await map.lineIndex({ encoding: 'utf8' });
 * index.line(index.length - 1); // the last line
 * ```
 *
 * @typeParam Line - `Buffer`, or `string` where an encoding was given.
 */
export class LineIndex<Line extends Buffer | string = Buffer | string> {
  /** The number of lines. */
  readonly length: number;
  readonly #memory: Memory;
  readonly #generation: number;
  readonly #start: number;
  readonly #end: number;
  readonly #settings: IndexSettings;
  /** The number of line feeds before each block, and before the end of the last one. */
  readonly #before: Float64Array;
  /** The end of the block that was looked at last for the beginning of a line. */
  #blockEnd = 0;

  /** @internal */
  constructor(
    memory: Memory,
    [start, end]: Span,
    settings: IndexSettings,
    counts: Float64Array[],
    unended: boolean,
  ) {
    this.#memory = memory;
    this.#generation = memory.generation;
    this.#start = start;
    this.#end = end;
    this.#settings = settings;
    const blocks = counts.reduce((sum, { length }) => sum + length, 0);
    this.#before = new Float64Array(blocks + 1);
    let block = 0;
    let feeds = 0;
    for (const part of counts) {
      for (const count of part) {
        feeds += count;
        this.#before[++block] = feeds;
      }
    }
    this.length = feeds + (unended ? 1 : 0);
  }

  /** The size of the index in bytes. */
  get byteLength(): number {
    return this.#before.byteLength;
  }

  /**
   * Returns where a line begins, in bytes from the start of the map.
   *
   * @param n - The line's number, from 0 to `length - 1`.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_CHANGED` where the map
   * became shorter or was mapped afresh, or a change of the file was noticed.
   */
  offsetOf(n: number): number {
    return this.#after(checkInteger(n, 'n', 0, this.length - 1));
  }

  /**
   * Returns a line.
   *
   * @param n - The line's number, from 0 to `length - 1`.
   * @throws As {@link offsetOf}.
   */
  line(n: number): Line {
    const number = checkInteger(n, 'n', 0, this.length - 1);
    const begin = this.#after(number);
    const end = this.#endOf(number, begin);
    const { encoding } = this.#settings;
    const whole =
      encoding === undefined ? this.#memory.bytes(begin, end) : this.#memory.transient(begin, end);
    let last = whole.length;
    if (!this.#settings.keepEnds && whole[last - 1] === LINE_FEED) {
      last--;
      if (whole[last - 1] === CARRIAGE_RETURN) last--;
    }
    const line =
      encoding === undefined ? whole.subarray(0, last) : whole.toString(encoding, 0, last);
    this.#memory.assertUsable();
    return line as Line;
  }

  /**
   * Iterates over lines by their numbers, as the map's `lines()` does over all.
   *
   * @param from - The number of the first line, 0 to `length`. Default 0.
   * @param to - The number after that of the last one, `from` to `length`. Default `length`.
   * @throws As {@link offsetOf}.
   */
  lines(from?: Integer, to?: Integer): IterableIterator<Line> {
    const first = from === undefined ? 0 : checkInteger(from, 'from', 0, this.length);
    const last = to === undefined ? this.length : checkInteger(to, 'to', first, this.length);
    const begin = first === this.length ? this.#end : this.#after(first);
    const end = last === this.length ? this.#end : this.#after(last);
    const lines = new LineIterator(this.#memory, begin, Math.max(begin, end), this.#settings);
    return lines as IterableIterator<Line>;
  }

  /**
   * Returns the number of the line that a byte belongs to. The endings belong to the lines they end.
   *
   * @param offset - A position in the part of the map that was indexed, in bytes from the start of
   * the map. Its end counts as a position in the last line, or after the last line feed.
   * @throws As {@link offsetOf}.
   */
  lineAt(offset: number): number {
    const position = checkInteger(offset, 'offset', this.#start, this.#end);
    this.#check();
    const block = Math.floor((position - this.#start) / this.#settings.every);
    const [begin] = this.#checkedBlock(block);
    const within = this.#memory.call((open) => open.countSync(lineFeed, begin, position));
    return (this.#before[block] ?? 0) + within;
  }

  /** The end of a line, whose beginning was just looked for. */
  #endOf(number: number, begin: number): number {
    // Most lines end in the block that was looked at for their beginning.
    const blockEnd = this.#blockEnd;
    const found =
      begin < blockEnd ? this.#memory.call((open) => open.nthLineFeed(begin, blockEnd, 0)) : -1;
    if (found >= 0) return found + 1;
    const isEnded = number < (this.#before[this.#before.length - 1] ?? 0);
    const end = isEnded ? this.#after(number + 1) : this.#end;
    if (end < begin) throw this.#fileChanged();
    const inside = this.#memory.call((open) => open.nthLineFeed(begin, end, 0));
    if (inside >= 0 && inside < end - 1) throw this.#fileChanged();
    return end;
  }

  /** The position after the first `n` line feeds. */
  #after(n: number): number {
    this.#check();
    this.#blockEnd = this.#start;
    if (n === 0) return this.#start;
    const before = this.#before;
    // The last block before which there are fewer.
    let [low, high] = [0, before.length - 1];
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((before[middle] ?? 0) < n) low = middle;
      else high = middle;
    }
    const feeds = before[low] ?? 0;
    const count = (before[low + 1] ?? feeds) - feeds;
    const begin = this.#start + low * this.#settings.every;
    const end = Math.min(begin + this.#settings.every, this.#end);
    const found = this.#memory.call((open) => open.lineStart(begin, end, count, n - 1 - feeds));
    if (found < 0) throw this.#fileChanged();
    this.#blockEnd = end;
    return found;
  }

  /** The bytes of a block, which has as many line feeds as it had. */
  #checkedBlock(block: number): Span {
    const begin = this.#start + block * this.#settings.every;
    const end = Math.min(begin + this.#settings.every, this.#end);
    const count = this.#memory.call((open) => open.countSync(lineFeed, begin, end));
    const before = this.#before[block] ?? 0;
    if (count !== (this.#before[block + 1] ?? before) - before) throw this.#fileChanged();
    return [begin, end];
  }

  #check(): void {
    this.#memory.assertUsable();
    if (this.#memory.generation !== this.#generation) {
      throw this.#changed('the map was resized or refreshed');
    }
  }

  #fileChanged(): MmapError {
    return this.#changed('the file was changed');
  }

  #changed(what: string): MmapError {
    return new MmapError(
      'ERR_MMAP_CHANGED',
      `${what} since this line index was built; build it anew`,
      this.#memory.path,
    );
  }
}
