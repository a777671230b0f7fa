/**
 * Waiting for words of shared memory until another thread or process changes them.
 *
 * A blocking wait sleeps in the system, in slices: between two of them a worker can be terminated,
 * and a change whose author died before waking anybody is seen. A promise is served by the waiter
 * threads of the native core (`src/sync/waiters.rs`), which look as often by themselves.
 */
import { setInterval } from 'node:timers';
import type * as Binding from '../base/binding';
import { attempt } from '../base/errors';
import { type NativeMutableMap, native } from '../base/native';
import type { Memory } from './memory';

/** The longest that a blocking wait sleeps without looking, in ms; the native core's is the same. */
const SLICE = 50;

/** Waits that are worth it are most often short, and a dead holder is found sooner. */
const FIRST_SLICE = 20;

/** A word, and the value that it has while waiting makes sense. */
export class Wait {
  /** Where the word begins in the map, in bytes. */
  readonly offset: number;
  /** The value, or its lower 32 bits. Unsigned. */
  readonly expected: number;
  /** The upper 32 bits of a 64-bit word. Unsigned. */
  readonly expectedHigh: number | undefined;
  /** The words with the signatures of those who are waited for: where, and how many. */
  readonly firstHolder: number;
  readonly holders: number;

  constructor(
    offset: number,
    expected: number,
    expectedHigh?: number,
    firstHolder = 0,
    holders = 0,
  ) {
    this.offset = offset;
    this.expected = expected >>> 0;
    this.expectedHigh = expectedHigh;
    this.firstHolder = firstHolder;
    this.holders = holders;
  }
}

/** What ended a promise's wait. */
export type Outcome =
  /** The word was changed or woken. */
  | 'changed'
  /** A holder has let go or died. */
  | 'lost-holder'
  /** The map was closed or moved. */
  | 'let-go'
  | 'aborted'
  | 'timed-out';

/** Settles the waits of this JavaScript thread. Made by the first of them. */
let waits: Binding.Waits | undefined;
const settlers = new Map<number, (lostHolder: boolean) => void>();
let lastId = 0;

/** Keeps the event loop alive while promises wait, as any other pending operation does. */
let keepAlive: NodeJS.Timeout | undefined;
let suspended = 0;

function suspend(change: 1 | -1): void {
  keepAlive ??= setInterval(() => {}, 2 ** 30);
  suspended += change;
  if (suspended === 0) keepAlive.unref();
  else if (suspended === 1) keepAlive.ref();
}

/**
 * Waits until `arm`'s callback is called, for at most `timeout` ms. Whatever ends it, nothing is
 * left behind.
 *
 * @param arm - Begins the wait, and returns what takes it back.
 */
export function until(
  memory: Memory<NativeMutableMap>,
  timeout: number,
  signal: AbortSignal | undefined,
  arm: (settle: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve('aborted');
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => end('aborted');
    const onLetGo = () => end('let-go');
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      memory.watchers.delete(onLetGo);
      suspend(-1);
      resolve(outcome);
    };
    const disarm = arm(settle);
    const end = (outcome: Outcome) => {
      disarm();
      settle(outcome);
    };
    suspend(1);
    memory.watchers.add(onLetGo);
    signal?.addEventListener('abort', onAbort);
    if (timeout !== Number.POSITIVE_INFINITY) timer = setTimeout(end, timeout, 'timed-out');
  });
}

/** Waits for a word without blocking. */
export function waitAsync(
  memory: Memory<NativeMutableMap>,
  wait: Wait,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  return until(memory, timeout, signal, (settle) => {
    waits ??= new native.Waits((id, lostHolder) => settlers.get(id)?.(lostHolder));
    const here = waits;
    const id = ++lastId;
    const pending = attempt(
      () =>
        memory
          .usable()
          .waitAsync(
            here,
            id,
            wait.offset,
            wait.expected,
            wait.expectedHigh,
            wait.firstHolder,
            wait.holders,
          ),
      memory.path,
    );
    settlers.set(id, (lostHolder) => {
      settlers.delete(id);
      settle(lostHolder ? 'lost-holder' : 'changed');
    });
    return () => {
      settlers.delete(id);
      pending.cancel();
    };
  });
}

/**
 * Blocks until the word may have changed, but for one slice at most and not after `deadline` (as
 * `performance.now()` counts).
 *
 * @returns Whether it is likely to have changed. Call it again if not.
 */
export function waitSlice(
  memory: Memory<NativeMutableMap>,
  { offset, expected, expectedHigh }: Wait,
  deadline: number,
  first: boolean,
): boolean {
  const left = Math.max(0, deadline - performance.now());
  const time = Math.min(left, first ? FIRST_SLICE : SLICE);
  return attempt(() => memory.usable().wait(offset, expected, expectedHigh, time), memory.path);
}

/** Wakes waiters of a word, in any process. Answers how many the system knew of. */
export function wake(memory: Memory<NativeMutableMap>, offset: number, count: number): number {
  return attempt(() => memory.usable().wake(offset, count), memory.path);
}

/** For {@link wake}: everybody. */
export const EVERYBODY = 0x7fff_ffff;
