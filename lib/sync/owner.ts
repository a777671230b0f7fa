/**
 * Words that carry the signature of their owner (`src/sys/thread/`): 22 bits of a thread's id, 8 bits of
 * a hash of its start time, and one bit that says that there are waiters. 0 is free.
 *
 * Taking and signing is one atomic step, so a thread cannot die between them and leave a lock
 * without a known owner.
 */
import { native } from '../base/native';

/** The signature of this thread. */
export const ME = native.threadSignature();

/** The bit that says that unlocking has to wake a waiter. */
export const WAITERS = 1 << 30;

const SIGNATURE = WAITERS - 1;

/** The namespaces in which this thread's signature means something; 0 where it does in none. */
const NAMESPACE = native.threadNamespace() | 0;

/** What the second word of every primitive says once threads of different namespaces have met. */
const MIXED = 1;

/**
 * Enters this thread's namespace into the word at `index`, before the thread signs anything there.
 * Once threads of different namespaces have met, the word says so for ever: the ids of another
 * container mean nothing here, so nothing is ever taken from an owner then.
 */
export function enterNamespace(words: Int32Array, index: number): void {
  const mine = NAMESPACE === 0 ? MIXED : NAMESPACE;
  const found = Atomics.compareExchange(words, index, 0, mine);
  if (found !== 0 && found !== mine) Atomics.store(words, index, MIXED);
}

/** Whether the thread that signed `word`, which was read before, is certainly gone. */
export function isAbandoned(words: Int32Array, namespaceIndex: number, word: number): boolean {
  // The namespace is read last: the owner entered its own before it signed.
  return NAMESPACE > MIXED || NAMESPACE < 0
    ? native.isAbandoned(word) && Atomics.load(words, namespaceIndex) === NAMESPACE
    : false;
}

/** Whether this thread has signed the word. */
export function isMine(word: number): boolean {
  return (word & SIGNATURE) === ME;
}

/** How thoroughly to try: only the last looks whether an owner has died, which takes 10 us. */
export enum Effort {
  /** For the first time. */
  First,
  /** After a wait. There may be other waiters. */
  Again,
  /** After a wait that nothing ended, or where there will be no wait. */
  Thorough,
}

/** What became of trying to sign a word. */
export enum Claim {
  Refused,
  Granted,
  /** Granted, but its owner before died while it held it. */
  Inherited,
}

/**
 * Signs the word at `index` if it is free, or if its owner has died.
 *
 * @param signature - What to write: {@link ME}, with {@link WAITERS} if there may be waiters.
 */
export function claim(
  words: Int32Array,
  index: number,
  namespaceIndex: number,
  signature: number,
  effort: Effort,
): Claim {
  for (;;) {
    const found = Atomics.compareExchange(words, index, 0, signature);
    if (found === 0) return Claim.Granted;
    if (effort !== Effort.Thorough || !isAbandoned(words, namespaceIndex, found)) {
      return Claim.Refused;
    }
    const inherited = signature | (found & WAITERS);
    if (Atomics.compareExchange(words, index, found, inherited) === found) return Claim.Inherited;
  }
}

/**
 * Frees a word that this thread has signed.
 *
 * @returns Whether there are waiters to wake; undefined where the word is another owner's.
 */
export function release(words: Int32Array, index: number): boolean | undefined {
  const found = Atomics.compareExchange(words, index, ME, 0);
  if (found === ME) return false;
  if (found !== (ME | WAITERS)) return undefined;
  // Only the owner clears the word, and WAITERS is already set, so a plain store cannot lose an
  // update.
  Atomics.store(words, index, 0);
  return true;
}
