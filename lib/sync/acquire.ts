/**
 * Blocking and waiting, for all primitives: each of them only says how to try once, and what to wait
 * for where that fails.
 */
import { checkOptions, checkSignal, checkTimeout } from '../base/arguments';
import { abortError, closedError, timeoutError } from '../base/errors';
import { type Outcome, Wait, waitAsync, waitSlice, wake } from '../memory/waiting';
import { deadlockError } from './errors';
import { Effort } from './owner';
import type { SyncPrimitive } from './primitive';
import { queueFor } from './queue';

/** How long a blocking call may wait. */
export interface SyncOptions {
  /** The longest time to wait in ms, 0 to 2^31 - 1 or Infinity. Default: for ever. */
  timeout?: number | undefined;
}

/** How long a promise may wait. */
export interface AsyncOptions extends SyncOptions {
  /** Ends the wait when aborted: the promise rejects with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** One call that acquires something, and how. */
export interface Acquisition<T> {
  primitive: SyncPrimitive;
  /** What errors call it. */
  name: string;
  /** Tries once. Returns the result, or what to wait for before the next try. */
  attempt: (effort: Effort) => T | Wait;
  /** Whether a change wakes one waiter: one that ends its wait then wakes the next. */
  exclusive?: boolean;
  /** Where promises stand in line, in bytes of the map. Default: at the primitive's offset. */
  turnAt?: number;
  /**
   * After so many ms a promise tries again though the word is the same: for changes whose author may
   * have died before it counted them. Default: never.
   */
  patience?: number;
  /** Releases a result that the caller never gets. */
  release?: (result: T) => void;
  /**
   * Takes back what waiting has announced; called once or more often, whatever ended the wait.
   * Returns the result where it is too late for that. `closing`: the map is about to be closed.
   */
  cancel?: (closing: boolean) => Late<T> | undefined;
  /** Looks for a result for a while before a promise waits. */
  early?: ((deadline: number, signal?: AbortSignal) => Promise<T | undefined>) | undefined;
  /** Says what this thread holds itself, where a blocking call would wait for that for ever. */
  selfBlocked?: () => string | undefined;
}

/** A result that came while its wait was being cancelled. */
export interface Late<T> {
  result: T;
}

/** The checked options of a promise. */
export interface Limits {
  timeout: number;
  signal: AbortSignal | undefined;
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

/** Does what follows another error, and must not hide it. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // The other error is the one to report.
    return undefined;
  }
}

/** Tries once; a result got from lost bytes is none, and is released. */
function attempt<T>({ primitive, attempt, release }: Acquisition<T>, effort: Effort): T | Wait {
  const result = attempt(effort);
  try {
    primitive.verify();
  } catch (error) {
    if (!(result instanceof Wait)) quietly(() => release?.(result));
    throw error;
  }
  return result;
}

/** Tries once, and waits for nothing: the result, or null. */
export function tryOnce<T>(acquisition: Acquisition<T>): T | null {
  let result: T | Wait;
  try {
    result = attempt(acquisition, Effort.Thorough);
  } catch (error) {
    quietly(() => acquisition.cancel?.(false));
    throw error;
  }
  if (!(result instanceof Wait)) return result;
  acquisition.cancel?.(false);
  return null;
}

/** Blocks until an attempt succeeds. */
export function acquireSync<T>(acquisition: Acquisition<T>, timeout: number): T {
  const { primitive, name, cancel, selfBlocked } = acquisition;
  const deadline = performance.now() + timeout;
  try {
    let result = attempt(acquisition, Effort.First);
    const held = result instanceof Wait ? selfBlocked?.() : undefined;
    if (held !== undefined) throw deadlockError(held, primitive.path);
    for (let round = 0; result instanceof Wait; round++) {
      if (performance.now() >= deadline) {
        result = attempt(acquisition, Effort.Thorough);
        if (result instanceof Wait) throw timeoutError(name, timeout, primitive.path);
        break;
      }
      const changed = waitSlice(primitive.memory, result, deadline, round === 0);
      result = attempt(acquisition, changed ? Effort.Again : Effort.Thorough);
    }
    return result;
  } catch (error) {
    const late = quietly(() => cancel?.(false));
    if (late !== undefined) return late.result;
    throw error;
  }
}

/** Throws what an outcome stands for, unless it is worth trying again. */
function check(
  outcome: Outcome,
  { primitive, name }: Pick<Acquisition<never>, 'primitive' | 'name'>,
  { timeout, signal }: Limits,
): void {
  if (outcome === 'aborted' && signal) throw abortError(signal);
  if (outcome === 'timed-out') throw timeoutError(name, timeout, primitive.path);
  // A map that was resized or refreshed goes on with the same file.
  if (outcome === 'closed') throw closedError(primitive.path);
}

/** Resolves when an attempt succeeds. */
export async function acquire<T>(
  acquisition: Acquisition<T>,
  limits: Limits,
  deadline: number = performance.now() + limits.timeout,
): Promise<T> {
  const { memory } = acquisition.primitive;
  const { patience = Number.POSITIVE_INFINITY } = acquisition;
  const { signal } = limits;
  let last: Wait | undefined;
  let late: Late<T> | undefined;
  let granted: Late<T> | undefined;
  // Closing the map takes back what was announced while the words can still be reached.
  const watcher = memory.watchers.add((closing) => {
    if (!closing) return;
    if (granted === undefined) late ??= quietly(() => acquisition.cancel?.(true));
    else quietly(() => granted && acquisition.release?.(granted.result));
  });
  try {
    if (signal?.aborted) throw abortError(signal);
    const { early } = acquisition;
    let result: T | Wait | undefined = early && (await early(deadline, signal));
    result ??= attempt(acquisition, Effort.First);
    while (result instanceof Wait) {
      last = result;
      const left = Math.max(0, deadline - performance.now());
      const outcome = await waitAsync(memory, result, Math.min(left, patience), signal);
      if (outcome === 'timed-out') {
        result = attempt(acquisition, Effort.Thorough);
        if (!(result instanceof Wait)) break;
        if (left > patience) continue;
      }
      check(outcome, acquisition, limits);
      result = attempt(acquisition, outcome === 'owner-gone' ? Effort.Thorough : Effort.Again);
    }
    granted = { result };
    // The caller gets the result a few microtasks later; a map that is closed before releases it.
    setImmediate(() => watcher.remove());
    return result;
  } catch (error) {
    watcher.remove();
    late ??= quietly(() => acquisition.cancel?.(false));
    if (late !== undefined) return late.result;
    // The wake that was meant for this waiter may be on its way: it goes to the next one.
    const { offset } = last ?? {};
    if (acquisition.exclusive && offset !== undefined) quietly(() => wake(memory, offset, 1));
    throw error;
  }
}

/** As {@link acquire}, for what one of this thread has at a time: in the order of the calls. */
export async function acquireInTurn<T>(acquisition: Acquisition<T>, limits: Limits): Promise<T> {
  const { memory, offset } = acquisition.primitive;
  const { timeout, signal } = limits;
  const queue = queueFor(memory, acquisition.turnAt ?? offset);
  const deadline = performance.now() + timeout;
  while (!queue.enter()) {
    if (signal?.aborted) throw abortError(signal);
    const left = Math.max(0, deadline - performance.now());
    const outcome = await queue.wait(memory, left, signal);
    check(outcome, acquisition, limits);
    if (outcome === 'changed') break;
  }
  try {
    return await acquire(acquisition, limits, deadline);
  } finally {
    queue.leave();
  }
}
