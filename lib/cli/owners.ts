/** Which processes map an object, and which threads hold locks in it, as Linux's `/proc` tells. */
import { readdirSync, readFileSync, readSync } from 'node:fs';
import { native } from '../base/native';

export interface Process {
  pid: number;
  /** Its command, as far as it may be read. */
  name: string;
}

/** A word in which a thread has signed. */
export interface Held {
  /** Where the word is, in bytes. */
  offset: number;
  /** The thread's id. */
  thread: number;
  /** The command of its process; null where the thread is gone. */
  name: string | null;
  /** Whether the owner has certainly died. */
  dead: boolean;
}

/** A file of `/proc` as text, or null: the process may have ended, or belong to another user. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The processes that map the file `path`. Those of other users are left out where they are hidden. */
export function processesThatMap(path: string): Process[] {
  const found: Process[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // The path is the last column of proc_pid_maps(5).
    const maps = read(`/proc/${entry}/maps`);
    if (!maps?.split('\n').some((line) => line.endsWith(` ${path}`))) continue;
    found.push({ pid: Number(entry), name: read(`/proc/${entry}/comm`)?.trim() ?? '?' });
  }
  return found;
}

/** A signature: 22 bits of a thread's id, and 8 bits that are never all 0 (docs/synchronisation.md). */
const ID = 0x3f_ffff;
const HASH = 0xff << 22;
const SIGNATURE = 0x3fff_ffff;

/** The words of readers or permits behind the word of namespaces: how far, and how many at most. */
const FIRST_HOLDER = 3;
const HOLDERS = 60;

/** The bytes that are looked at at a time. */
const CHUNK = 4 * 2 ** 20;

/** The bytes of a lock before the word of namespaces, and those from it on. */
const BEFORE = 4;
const BEHIND = 4 * (FIRST_HOLDER + HOLDERS);

/** The places of words with this value, in bytes. */
function* placesOf(value: number, bytes: Buffer): Generator<number, void, undefined> {
  const needle = Buffer.alloc(4);
  needle.writeUInt32LE(value);
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
    if (at % 4 === 0) yield at;
  }
}

/**
 * The words of locks that are held. A lock that was ever used has the number of this namespace in a
 * word of its own, and its owners' signatures at fixed places around it: that is what is looked for,
 * so bytes that only look like a lock's may be listed, too.
 *
 * The file is read, not mapped: to touch a hole of a mapped object takes memory for it.
 *
 * @param file - A descriptor.
 * @param length - The file's size in bytes.
 */
export function heldLocks(file: number, length: number): Held[] {
  const namespace = native.threadNamespace();
  // 0 and 1 stand for namespaces in which signatures mean nothing.
  if (namespace === 0 || namespace === 1) return [];
  const held = new Map<number, Held>();
  const bytes = Buffer.alloc(Math.min(length, BEFORE + CHUNK + BEHIND));
  for (let chunk = 0; chunk < length; chunk += CHUNK) {
    const start = Math.max(0, chunk - BEFORE);
    const words = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start) & ~3);
    for (const at of placesOf(namespace, words)) {
      const offset = start + at;
      // The chunk before has looked at it, or the next one will, with all that is around it.
      if (offset < chunk || offset >= chunk + CHUNK) continue;
      for (const { place, ...owner } of ownersAround(words, at)) {
        held.set(start + place, { offset: start + place, ...owner });
      }
    }
  }
  return [...held.values()];
}

/** The owners that have signed around a word of namespaces. */
function* ownersAround(words: Buffer, at: number) {
  const first = at + 4 * FIRST_HOLDER;
  const holders = Array.from({ length: HOLDERS }, (_, index) => first + 4 * index);
  for (const place of [at - BEFORE, ...holders]) {
    if (place < 0 || place + 4 > words.length) continue;
    const word = words.readUInt32LE(place);
    if (word >>> 31 === 1 || (word & HASH) === 0 || (word & ID) === 0) continue;
    const thread = word & ID;
    const dead = native.isAbandoned(word & SIGNATURE);
    // Behind the holders may be anything; what stands before the namespaces is the lock itself.
    if (dead && place !== at - BEFORE) continue;
    yield { place, thread, dead, name: read(`/proc/${thread}/comm`)?.trim() ?? null };
  }
}
