/**
 * Searching a range in windows, several at a time.
 *
 * Where a window's first match may begin is known only once the window before it was searched: a
 * match may reach over the border. So windows are searched ahead as if none did, and most often
 * that is so. Where one did, a short search compares what was found with what is to be found
 * (`reconcile` in `src/search/scan.rs`). The borders lie where they lie whatever is found: so the
 * answer is the same on any number of threads.
 */
import type * as Binding from '../base/binding';
import type { NativeMap } from '../base/native';
import type { JobOptions, JobRunner } from '../memory/jobs';
import type { Span } from '../memory/memory';
import { type Droppable, lane } from '../memory/threads';
import { isExpression, type Prepared } from './pattern';

/** The fewest bytes of a window: some milliseconds of work, unless the disk is slow. */
const LITERAL_WINDOW = 16 * 2 ** 20;
const EXPRESSION_WINDOW = 8 * 2 ** 20;
const MOST_WINDOW = 32 * 2 ** 20;

/**
 * How many windows a long range has: enough for many threads, and few since each costs a turn of the event
 * loop. Only the range decides on that: matches longer than those that are surely found may end with their
 * window.
 */
const WINDOWS = 64;

/** The most matches that one job lists: 8 or 16 MiB of them. */
const MOST_AT_ONCE = 2 ** 20;

/** After so many windows in a row that had to be searched again, none is searched ahead. */
const MOST_FAILURES = 2;

/** What is searched for, and how. */
export interface Wanted extends Pick<JobOptions, 'onProgress'> {
  prepared: Prepared;
  /** What is listed of each match; nothing for `'count'`. */
  record: 'count' | 'offset' | 'needle' | 'groups';
  /** The most matches that a window is searched for ahead. Default: any number. */
  most?: number | undefined;
  /** How many windows are searched at the same time. */
  concurrency: number;
  /** The bytes of a window, of which tests take fewer. */
  size?: number | undefined;
}

/** A window that is searched from its first byte on, perhaps before its turn. */
interface Guess extends Droppable {
  from: number;
  to: number;
  /** Set where nobody needs it any more. */
  isDropped: boolean;
  /** What was found, in order, and where to go on. */
  result: Promise<{ parts: Binding.Found[]; next: number }>;
}

class WindowedSearch {
  readonly #runner: JobRunner<NativeMap>;
  readonly #start: number;
  readonly #end: number;
  readonly #wanted: Wanted;
  readonly #most: number;
  readonly #size: number;
  readonly #lane: Binding.Lane;
  /** How many windows are begun with before they are decided. */
  #ahead: number;
  #guesses: Guess[] = [];
  /** Where the search has come to: all before is decided. */
  #position: number;
  #failures = 0;

  constructor(runner: JobRunner<NativeMap>, [start, end]: Span, wanted: Wanted) {
    this.#runner = runner;
    this.#start = start;
    this.#end = end;
    this.#wanted = wanted;
    this.#most = wanted.most ?? Number.MAX_SAFE_INTEGER;
    const isLiteral = !isExpression(wanted.prepared);
    const fewest = isLiteral ? LITERAL_WINDOW : EXPRESSION_WINDOW;
    const size = Math.min(MOST_WINDOW, Math.max(fewest, Math.ceil((end - start) / WINDOWS)));
    this.#size = wanted.size ?? size;
    this.#lane = lane(wanted.concurrency);
    // Each thread has a window that waits for it. One alone searches each in its turn.
    this.#ahead = wanted.concurrency === 1 ? 1 : 2 * wanted.concurrency;
    this.#position = start;
  }

  /** The matches in order, some at a time. */
  async *found(): AsyncGenerator<Binding.Found, void, undefined> {
    const { onProgress } = this.#wanted;
    try {
      while (this.#position <= this.#end) {
        const parts = await this.#next();
        // A window searched ahead may have settled long ago.
        this.#runner.check();
        onProgress?.(Math.min(this.#position, this.#end) - this.#start, this.#end - this.#start);
        yield* parts;
      }
    } finally {
      this.#dropAll();
    }
  }

  /** The end of the window that has the position. */
  #windowEnd(position: number): number {
    const before = Math.floor((position - this.#start) / this.#size);
    return Math.min(this.#start + (before + 1) * this.#size, this.#end);
  }

  /** Goes on with one window. */
  async #next(): Promise<Binding.Found[]> {
    const position = this.#position;
    const to = this.#windowEnd(position);
    while (this.#guesses[0] && this.#guesses[0].to < to) this.#drop(this.#guesses.shift());
    // The first of this window, or what a guess that had to stop early has left of it.
    if (this.#guesses[0]?.to !== to) this.#guesses.unshift(this.#guess(position, to));
    this.#fill();
    const guess = this.#guesses[0];
    if (guess === undefined) return [];
    const { parts, next } = await guess.result;
    this.#guesses.shift();
    if (guess.from === position) {
      this.#position = next;
      return parts;
    }
    return this.#reconciled(guess, parts, next);
  }

  /** The matches of a window in which the first may begin later than was guessed. */
  async #reconciled(
    { from, to }: Guess,
    parts: Binding.Found[],
    next: number,
  ): Promise<Binding.Found[]> {
    const { prepared, record } = this.#wanted;
    const position = this.#position;
    const answer = await this.#runner.runOnThread((open, _, id) =>
      open.reconcile(this.#lane, id, prepared.pattern, from, to, this.#end, record, position),
    );
    const { found, skipped, agrees } = answer as Binding.Reconciled;
    const guessed = parts.reduce((sum, { count }) => sum + count, 0);
    // Where the window was guessed up to some match only, the searches may agree after that.
    const isOfUse = agrees && skipped <= guessed;
    this.#position = isOfUse ? Math.max(found.next, next) : found.next;
    this.#failures = isOfUse || found.next >= to ? 0 : this.#failures + 1;
    if (this.#failures >= MOST_FAILURES) {
      this.#ahead = 1;
      this.#dropAll();
    }
    return isOfUse ? [found, ...without(parts, skipped)] : [found];
  }

  /** Begins with as many windows as may be searched before they are decided. */
  #fill(): void {
    let border = this.#guesses.at(-1)?.to ?? this.#end;
    while (border < this.#end && this.#guesses.length < this.#ahead) {
      const to = this.#windowEnd(border);
      this.#guesses.push(this.#guess(border, to));
      border = to;
    }
  }

  #guess(from: number, to: number): Guess {
    const guess: Guess = {
      from,
      to,
      isDropped: false,
      result: Promise.resolve({ parts: [], next: from }),
    };
    guess.result = this.#search(guess);
    // The one that awaits the result is told.
    guess.result.catch(() => {});
    return guess;
  }

  /** Searches a window, job by job. */
  async #search(guess: Guess): Promise<{ parts: Binding.Found[]; next: number }> {
    const { from, to } = guess;
    const { prepared, record } = this.#wanted;
    const parts: Binding.Found[] = [];
    let next = from;
    let left = this.#most;
    // At the end an empty match may still begin.
    while (next < to || (next === to && to === this.#end)) {
      const [begin, most] = [next, Math.min(left, MOST_AT_ONCE)];
      const answer = await this.#runner.runOnThread(
        (open, _, id) =>
          open.find(this.#lane, id, prepared.pattern, begin, to, this.#end, record, most),
        guess,
      );
      if (guess.isDropped) break;
      const found = answer as Binding.Found;
      parts.push(found);
      next = found.next;
      left -= found.count;
      if (left <= 0) break;
    }
    return { parts, next };
  }

  #drop(guess: Guess | undefined): void {
    if (guess === undefined) return;
    guess.isDropped = true;
    guess.drop?.();
  }

  #dropAll(): void {
    for (const guess of this.#guesses.splice(0)) this.#drop(guess);
  }
}

/** The parts without their first matches. */
function without(parts: Binding.Found[], skipped: number): Binding.Found[] {
  let left = skipped;
  return parts.map((part) => {
    const drop = Math.min(left, part.count);
    left -= drop;
    if (drop === 0) return part;
    const width = part.matches.length / part.count;
    return {
      next: part.next,
      count: part.count - drop,
      matches: part.matches.subarray(drop * width),
      which: part.which.subarray(drop),
    };
  });
}

/** The matches in a range in order, some at a time. */
export function found(
  runner: JobRunner<NativeMap>,
  range: Span,
  wanted: Wanted,
): AsyncGenerator<Binding.Found, void, undefined> {
  return new WindowedSearch(runner, range, wanted).found();
}
