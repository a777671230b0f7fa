/**
 * Words that count changes, for what cannot be waited for by its own word. The lowest bit says that
 * somebody waits; without it a change costs no system call.
 *
 * Waiters announce themselves, look again, and then wait: whoever changes something in between
 * finds the bit.
 */

import { EVERYBODY, Wait, wake } from '../memory/waiting';
import type { Place } from './place';

const WAITING = 1;

/** Says that somebody waits. Answers what to wait for, after looking again. */
export function announce(
  place: Place,
  index: number,
  holders?: { first: number; count: number },
): Wait {
  const value = Atomics.or(place.words, index, WAITING) | WAITING;
  return new Wait(
    place.offsetOf(index),
    value,
    undefined,
    holders === undefined ? 0 : place.offsetOf(holders.first),
    holders?.count,
  );
}

/** Makes a change known: to everybody who waits, or to one of them, who then announces the rest. */
export function signal(place: Place, index: number, count: number = EVERYBODY): void {
  const { words } = place;
  for (;;) {
    const value = Atomics.load(words, index);
    if ((value & WAITING) === 0) return;
    // An odd number and 1: the bit goes, the rest counts up.
    if (Atomics.compareExchange(words, index, value, (value + 1) | 0) !== value) continue;
    wake(place.memory, place.offsetOf(index), count);
    return;
  }
}

/** Whether somebody of a number of words agrees with the others on a constant of the primitive. */
export function agree(words: Int32Array, index: number, value: number): number {
  const found = Atomics.compareExchange(words, index, 0, value);
  return found === 0 ? value : found;
}
