/**
 * The two ways of waiting until something can be had, for all primitives: each of them only says
 * how to try once, and what to wait for where that fails.
 */
import { checkOptions, checkSignal, checkTimeout } from '../base/arguments';
import { abortError, closedError, timeoutError } from '../base/errors';
import type { NativeMutableMap } from '../base/native';
import type { Memory } from '../memory/memory';
import { type Outcome, until, Wait, waitAsync, waitSlice, wake } from '../memory/waiting';
import { Try } from './holder';

/** How long a blocking call may wait. */
export interface SyncOptions {
  /** The longest time to wait in ms, 0 to 2^31 - 1 or Infinity. Default: for ever. */
  timeout?: number | undefined;
}

/** How long a promise may wait. */
export interface AsyncOptions extends SyncOptions {
  /** Ends the wait when aborted: the promise is rejected with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** Tries once. Answers what was wanted, or what to wait for before the next try. */
export type Attempt<T> = (effort: Try) => T | Wait;

/** What is wanted, and how to get it. */
export interface Wanted<T> {
  memory: Memory<NativeMutableMap>;
  /** What errors call it. */
  name: string;
  attempt: Attempt<T>;
  /** Takes back what a waiter has left behind, where it gives up. */
  giveUp?: () => void;
}

/** Reads the options of a blocking call: the longest time in ms. */
export function syncTimeout(options: SyncOptions | undefined): number {
  return checkTimeout(checkOptions(options).timeout);
}

/** Reads the options of a promise. */
export function asyncLimits(options: AsyncOptions | undefined): Limits {
  const { timeout, signal } = checkOptions(options);
  return { timeout: checkTimeout(timeout), signal: checkSignal(signal) };
}

/** The checked options of a promise. */
export interface Limits {
  timeout: number;
  signal: AbortSignal | undefined;
}

/** Blocks until it is to be had. */
export function acquireSync<T>(wanted: Wanted<T>, timeout: number, first: T | Wait): T {
  const { memory, name, attempt, giveUp } = wanted;
  let got = first;
  const deadline = performance.now() + timeout;
  try {
    for (let round = 0; got instanceof Wait; round++) {
      if (performance.now() >= deadline) {
        got = attempt(Try.Thoroughly);
        if (got instanceof Wait) throw timeoutError(name, timeout, memory.path);
        return got;
      }
      const changed = waitSlice(memory, got, deadline, round === 0);
      got = attempt(changed ? Try.Again : Try.Thoroughly);
    }
    return got;
  } catch (error) {
    giveUp?.();
    throw error;
  }
}

/**
 * Those of this JavaScript thread who want the same thing, in the order in which they came. Only
 * the first of them waits for the word: else a thousand would wake, try and wait again each time.
 */
class Line {
  readonly #waiting = new Set<(outcome: Outcome) => void>();
  #occupied = false;

  /** Makes the caller the first, if nobody is. */
  enter(): boolean {
    if (this.#occupied) return false;
    this.#occupied = true;
    return true;
  }

  /** Waits to be made the first. */
  wait(memory: Memory<NativeMutableMap>, timeout: number, signal?: AbortSignal): Promise<Outcome> {
    return until(memory, timeout, signal, (settle) => {
      this.#waiting.add(settle);
      return () => this.#waiting.delete(settle);
    });
  }

  /** Lets the next one go first. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#occupied = false;
    else {
      this.#waiting.delete(next);
      next('changed');
    }
  }
}

const lines = new WeakMap<Memory<NativeMutableMap>, Map<number, Line>>();

/** The line for what is at `offset` of a map. */
function lineFor(memory: Memory<NativeMutableMap>, offset: number): Line {
  let lineAt = lines.get(memory);
  if (lineAt === undefined) {
    lineAt = new Map();
    lines.set(memory, lineAt);
  }
  let line = lineAt.get(offset);
  if (line === undefined) {
    line = new Line();
    lineAt.set(offset, line);
  }
  return line;
}

/** Throws what an outcome stands for, unless it is worth trying again. */
function check(
  outcome: Outcome,
  { memory, name }: Wanted<unknown>,
  { timeout, signal }: Limits,
): void {
  if (outcome === 'aborted' && signal) throw abortError(signal);
  if (outcome === 'timed-out') throw timeoutError(name, timeout, memory.path);
  // A map that was resized or refreshed goes on with the same file.
  if (outcome === 'let-go' && memory.closed) throw closedError(memory.path);
}

/** Resolves when it is to be had. */
export async function acquire<T>(
  wanted: Wanted<T>,
  limits: Limits,
  deadline: number = performance.now() + limits.timeout,
): Promise<T> {
  const { memory, attempt, giveUp } = wanted;
  const { signal } = limits;
  let last: Wait | undefined;
  try {
    if (signal?.aborted) throw abortError(signal);
    let got = attempt(Try.First);
    while (got instanceof Wait) {
      last = got;
      const left = Math.max(0, deadline - performance.now());
      const outcome = await waitAsync(memory, got, left, signal);
      if (outcome === 'timed-out') {
        got = attempt(Try.Thoroughly);
        if (!(got instanceof Wait)) return got;
      }
      check(outcome, wanted, limits);
      got = attempt(outcome === 'lost-holder' ? Try.Thoroughly : Try.Again);
    }
    return got;
  } catch (error) {
    giveUp?.();
    // The wake that was meant for this waiter may be on its way: it goes to the next one.
    if (last !== undefined && !memory.closed) wake(memory, last.offset, 1);
    throw error;
  }
}

/**
 * As {@link acquire}, for what one of this thread has at a time: in the order of the calls.
 *
 * @param offset - What stands for the thing among all of the map.
 */
export async function acquireInTurn<T>(
  wanted: Wanted<T>,
  limits: Limits,
  offset: number,
): Promise<T> {
  const { memory } = wanted;
  const { timeout, signal } = limits;
  const line = lineFor(memory, offset);
  const deadline = performance.now() + timeout;
  while (!line.enter()) {
    if (signal?.aborted) throw abortError(signal);
    const left = Math.max(0, deadline - performance.now());
    const outcome = await line.wait(memory, left, signal);
    check(outcome, wanted, limits);
    if (outcome === 'changed') break;
  }
  try {
    return await acquire(wanted, limits, deadline);
  } finally {
    line.leave();
  }
}
