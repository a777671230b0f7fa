/**
 * Words that count changes, for what cannot be waited for by its own word. The lowest bit says that
 * there are waiters; without it a change costs no system call.
 *
 * Waiters announce themselves, look again, and then wait: a change in between finds the bit.
 */
import { ALL_WAITERS, Wait, wake } from '../memory/waiting';
import type { SyncPrimitive } from './primitive';

const WAITING = 1;

/** Announces a waiter. Returns what to wait for, after looking again. */
export function announce(
  primitive: SyncPrimitive,
  index: number,
  owners?: { first: number; count: number },
): Wait {
  const value = Atomics.or(primitive.words, index, WAITING) | WAITING;
  return new Wait(
    primitive.offsetOf(index),
    value,
    undefined,
    owners === undefined ? 0 : primitive.offsetOf(owners.first),
    owners?.count,
  );
}

/** Makes a change known: to all waiters, or to one of them, which then announces the rest. */
export function signal(primitive: SyncPrimitive, index: number, count: number = ALL_WAITERS): void {
  const { words } = primitive;
  for (;;) {
    const value = Atomics.load(words, index);
    if ((value & WAITING) === 0) return;
    // An odd number and 1: the bit goes, the rest counts up.
    if (Atomics.compareExchange(words, index, value, (value + 1) | 0) !== value) continue;
    wake(primitive.memory, primitive.offsetOf(index), count);
    return;
  }
}
