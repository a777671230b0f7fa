/**
 * Words that carry the signature of who holds something (`src/sys/thread/`): 22 bits of a thread's id,
 * 8 bits of a hash of its start time, and one bit that says that somebody waits. 0 is free.
 *
 * Since taking and signing is one atomic step, there is no moment in which a thread can die and
 * leave a lock that nobody knows the owner of.
 */
import { native } from '../base/native';
import { Wait } from '../memory/waiting';
import type { Place } from './place';

/** The signature of this thread. */
export const ME = native.threadSignature();

/** The bit that says that unlocking has to wake somebody. */
export const WAITERS = 1 << 30;

const SIGNATURE = WAITERS - 1;

/** The namespaces in which this thread's signature means something; 0 where it does in none. */
const NAMESPACE = native.threadNamespace() | 0;

/** What the second word of every primitive says once threads of different namespaces have met. */
const MIXED = 1;

/**
 * Enters this thread's namespace into the word at `index`, before the thread signs anything there.
 * Where somebody of another one was there first, it says so for ever: the ids of another container
 * mean nothing here, so nothing is ever taken from anybody then.
 */
export function enterNamespace(words: Int32Array, index: number): void {
  const mine = NAMESPACE === 0 ? MIXED : NAMESPACE;
  const found = Atomics.compareExchange(words, index, 0, mine);
  if (found !== 0 && found !== mine) Atomics.store(words, index, MIXED);
}

/** Whether the thread that signed `word`, which was read before, is certainly gone. */
export function isAbandoned(words: Int32Array, namespaceIndex: number, word: number): boolean {
  // The namespace is read last: whoever signed had entered its own before.
  return NAMESPACE > MIXED || NAMESPACE < 0
    ? native.isAbandoned(word) && Atomics.load(words, namespaceIndex) === NAMESPACE
    : false;
}

/** Whether this thread has signed the word. */
export function isMine(word: number): boolean {
  return (word & SIGNATURE) === ME;
}

/** How thoroughly to try: only the last looks whether a holder has died, which takes 10 us. */
export enum Try {
  /** For the first time. */
  First,
  /** After a wait. Others may wait, too. */
  Again,
  /** After a wait that nobody ended, or where there will be no wait. */
  Thoroughly,
}

/** What became of trying to sign a word. */
export enum Claim {
  Refused,
  Granted,
  /** Granted, but the one who held it before died while holding it. */
  Inherited,
}

/**
 * Signs the word at `index` if it is free, or if its holder has died.
 *
 * @param signature - What to write: {@link ME}, with {@link WAITERS} where others may wait.
 */
export function claim(
  words: Int32Array,
  index: number,
  namespaceIndex: number,
  signature: number,
  effort: Try,
): Claim {
  for (;;) {
    const found = Atomics.compareExchange(words, index, 0, signature);
    if (found === 0) return Claim.Granted;
    if (effort !== Try.Thoroughly || !isAbandoned(words, namespaceIndex, found)) {
      return Claim.Refused;
    }
    const inherited = signature | (found & WAITERS);
    if (Atomics.compareExchange(words, index, found, inherited) === found) return Claim.Inherited;
  }
}

/**
 * Says in the word that somebody waits. Answers what to wait for, or undefined where the word is
 * free by now.
 */
export function announceWaiter(place: Place, index: number): Wait | undefined {
  const { words } = place;
  const found = Atomics.load(words, index);
  if (found === 0) return undefined;
  const announced = found | WAITERS;
  if (found !== announced && Atomics.compareExchange(words, index, found, announced) !== found) {
    return announceWaiter(place, index);
  }
  const offset = place.offsetOf(index);
  return new Wait(offset, announced, undefined, offset, 1);
}

/**
 * Frees a word that this thread has signed.
 *
 * @returns Whether somebody waits and has to be woken; undefined where the word is another's.
 */
export function release(words: Int32Array, index: number): boolean | undefined {
  const found = Atomics.compareExchange(words, index, ME, 0);
  if (found === ME) return false;
  if (found !== (ME | WAITERS)) return undefined;
  // Only its holder frees a word, and no other bit of it can change now.
  Atomics.store(words, index, 0);
  return true;
}
