/**
 * Waiting for words of shared memory until another thread or process changes them.
 *
 * A blocking wait sleeps in the system, in slices: between two of them a worker can be terminated,
 * and a change is seen whose author died before it woke the waiters. A promise is served by the
 * waiter threads of the native core (`src/sync/waiters.rs`), which look as often by themselves.
 */
import { setInterval } from 'node:timers';
import type * as Binding from '../base/binding';
import { attempt, fromNative } from '../base/errors';
import { type NativeMutableMap, native } from '../base/native';
import { Callbacks } from './callbacks';
import type { Memory } from './memory';
import { Settlers } from './settlers';

/** The longest that a blocking wait sleeps without looking, in ms; the native core's is the same. */
const SLICE = 50;

/** Waits that are worth it are most often short, and a dead owner is found sooner. */
const FIRST_SLICE = 20;

/** A word, and the value that it has while waiting makes sense. */
export class Wait {
  /** Where the word begins in the map, in bytes. */
  readonly offset: number;
  /** The value, or its lower 32 bits. Unsigned. */
  readonly expected: number;
  /** The upper 32 bits of a 64-bit word. Unsigned. */
  readonly expectedHigh: number | undefined;
  /** The words with the signatures of the owners that are waited for: where, and how many. */
  readonly firstOwner: number;
  readonly owners: number;

  constructor(offset: number, expected: number, expectedHigh?: number, firstOwner = 0, owners = 0) {
    this.offset = offset;
    this.expected = expected >>> 0;
    this.expectedHigh = expectedHigh;
    this.firstOwner = firstOwner;
    this.owners = owners;
  }
}

/** What ended a promise's wait. */
export type Outcome =
  /** The word was changed or woken. */
  | 'changed'
  /** An owner has released its word or died. */
  | 'owner-gone'
  /** The map is being closed. */
  | 'closed'
  /** The map becomes shorter or is mapped afresh: what waits can go on with its new memory. */
  | 'moved'
  | 'aborted'
  | 'timed-out';

/** Settles the waits of this JavaScript thread. Made by the first of them. */
let made: Binding.Waits | undefined;
const settlers = new Settlers<(ownerGone: boolean) => void>();

/** What settles them. Its callback stays for good, so it is made where no map is known. */
function waits(): Binding.Waits {
  made ??= new native.Waits((id, ownerGone) => settlers.take(id)?.(ownerGone));
  return made;
}

let keepAlive: NodeJS.Timeout | undefined;
let suspended = 0;

/** Keeps the event loop alive while promises wait, as any other pending operation does. */
export function suspend(change: 1 | -1): void {
  keepAlive ??= setInterval(() => {}, 2 ** 30);
  suspended += change;
  if (suspended === 0) keepAlive.unref();
  else if (suspended === 1) keepAlive.ref();
}

/** What an aborted signal calls: one listener for all, however many wait with the signal. */
interface AbortWatch {
  callbacks: Callbacks<void>;
  listener: () => void;
}

const aborts = new WeakMap<AbortSignal, AbortWatch>();

/** The watch of a signal. It lives as long as the signal, so it is made where no map is known. */
function watchOf(signal: AbortSignal): AbortWatch {
  const known = aborts.get(signal);
  if (known !== undefined) return known;
  const callbacks = new Callbacks<void>();
  const listener = () => callbacks.callAll();
  const watch = { callbacks, listener };
  aborts.set(signal, watch);
  return watch;
}

/** Has `onAbort` called once the signal is aborted. Returns what takes that back. */
export function whenAborted(signal: AbortSignal, onAbort: () => void): () => void {
  const { callbacks, listener } = watchOf(signal);
  if (callbacks.first === undefined) signal.addEventListener('abort', listener);
  const callback = callbacks.add(onAbort);
  return () => {
    if (!callback.remove() || callbacks.first !== undefined) return;
    signal.removeEventListener('abort', listener);
  };
}

/** Resolves after `time` ms, or once the signal is aborted. */
export function pause(time: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      stopListening?.();
      resolve();
    }, time);
    const stopListening =
      signal &&
      whenAborted(signal, () => {
        clearTimeout(timer);
        stopListening?.();
        resolve();
      });
  });
}

/**
 * Waits until `arm`'s callback is called, for at most `timeout` ms. Whatever ends it, nothing is
 * left behind.
 *
 * @param arm - Begins the wait, and returns what takes it back.
 */
export function until(
  memory: Pick<Memory, 'watchers'>,
  timeout: number,
  signal: AbortSignal | undefined,
  arm: (settle: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve('aborted');
    let timer: NodeJS.Timeout | undefined;
    let stopListening: (() => void) | undefined;
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      stopListening?.();
      watcher.remove();
      suspend(-1);
      resolve(outcome);
    };
    const disarm = arm(settle);
    const end = (outcome: Outcome) => {
      disarm();
      settle(outcome);
    };
    suspend(1);
    const watcher = memory.watchers.add((closing) => end(closing ? 'closed' : 'moved'));
    if (signal) stopListening = whenAborted(signal, () => end('aborted'));
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
    const here = waits();
    const open = memory.usable();
    const { offset, expected, expectedHigh, firstOwner, owners } = wait;
    const id = settlers.add((ownerGone) => settle(ownerGone ? 'owner-gone' : 'changed'));
    try {
      const pending = open.waitAsync(here, id, offset, expected, expectedHigh, firstOwner, owners);
      return () => {
        settlers.take(id);
        pending.cancel();
      };
    } catch (error) {
      settlers.take(id);
      throw fromNative(error, memory.path);
    }
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

/** Wakes waiters of a word, in any process. Returns how many the system knew of. */
export function wake(memory: Memory<NativeMutableMap>, offset: number, count: number): number {
  return attempt(() => memory.usable().wake(offset, count), memory.path);
}

/** For {@link wake}: all waiters. */
export const ALL_WAITERS = 0x7fff_ffff;
