/** Which processes map an object, and which threads hold locks in it, as Linux's `/proc` tells. */
import { readdirSync, readFileSync } from 'node:fs';
import { native } from '../base/native';
import type { Mmap } from '../index';

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

/**
 * The words of locks that are held. A lock that was ever used has the number of this namespace in a
 * word of its own, and its owners' signatures at fixed places around it: that is what is looked for,
 * so bytes that only look like a lock's may be listed, too.
 */
export function heldLocks(map: Mmap): Held[] {
  const namespace = native.threadNamespace();
  // 0 and 1 stand for namespaces in which signatures mean nothing.
  if (namespace === 0 || namespace === 1) return [];
  const held: Held[] = [];
  const length = map.length - (map.length % 4);
  const needle = new Uint8Array(new Uint32Array([namespace]).buffer);
  for (let at = 0; ; at += 4) {
    at = map.indexOf(needle, at);
    if (at === -1 || at >= length) return held;
    if (at % 4 !== 0) {
      at -= at % 4;
      continue;
    }
    const words = map.dataView(0, length);
    const first = at + 4 * FIRST_HOLDER;
    const holders = Array.from({ length: HOLDERS }, (_, index) => first + 4 * index);
    for (const offset of [at - 4, ...holders]) {
      if (offset < 0 || offset + 4 > length) continue;
      const word = words.getUint32(offset, true);
      if (word >>> 31 === 1 || (word & HASH) === 0 || (word & ID) === 0) continue;
      const thread = word & ID;
      const dead = native.isAbandoned(word & SIGNATURE);
      // Behind the holders may be anything; what stands before the namespaces is the lock itself.
      if (dead && offset !== at - 4) continue;
      if (held.some((other) => other.offset === offset)) continue;
      held.push({ offset, thread, dead, name: read(`/proc/${thread}/comm`)?.trim() ?? null });
    }
  }
}
