import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { EVERYBODY, Wait, wake } from '../memory/waiting';
import {
  type AsyncOptions,
  acquire,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  type Wanted,
} from './acquire';
import { announce, signal } from './change';
import { deadlockError, notOwnerError } from './errors';
import {
  announceWaiter,
  Claim,
  claim,
  enterNamespace,
  isAbandoned,
  isMine,
  ME,
  release,
  Try,
  WAITERS,
} from './holder';
import { Place } from './place';

const WRITER = 0;
const NAMESPACE = 1;
const CHANGES = 2;
/** 1 after a writer died, until somebody has been told. */
const ABANDONED = 3;
const FIRST_READER = 4;
const READERS = 60;
const WORDS = FIRST_READER + READERS;

/** A read-write lock that is held, for reading or for writing. Works with `using`. */
export class RwLockGuard {
  /**
   * Whether a thread died while it held the lock for writing, and nobody was told before: what the
   * lock protects may be half changed.
   */
  readonly abandoned: boolean;
  readonly #lock: RwLock;
  readonly #index: number;
  #held = true;

  /** @internal Users call {@link RwLock.readSync}, {@link RwLock.writeSync} and their like. */
  constructor(lock: RwLock, index: number, abandoned: boolean) {
    this.#lock = lock;
    this.#index = index;
    this.abandoned = abandoned;
  }

  /**
   * Unlocks.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time, or in another thread.
   */
  unlock(): void {
    if (!this.#held) throw notOwnerError('the lock by this guard', null);
    this.#lock.giveBack(this.#index);
    this.#held = false;
  }

  /** Unlocks unless that was done, or the map was closed. */
  [Symbol.dispose](): void {
    if (this.#held && !this.#lock.closed) this.unlock();
  }
}

/**
 * A lock that many threads and processes can hold for reading, or one for writing. It takes 256
 * bytes of the map, which are zero before its first use.
 *
 * A writer that waits keeps new readers out, so writers are not starved. At most 60 readers hold the
 * lock at a time; more wait. Readers and writers that die leave the lock as with {@link Mutex}; the
 * next owner is told of a writer's death.
 */
export class RwLock {
  /** The bytes that a lock takes. */
  static readonly BYTES: number = 4 * WORDS;

  readonly #place: Place;
  readonly #toRead: Wanted<RwLockGuard>;

  /**
   * The lock at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 256 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#place = new Place(map, offset, WORDS, (words) => enterNamespace(words, NAMESPACE));
    this.#toRead = {
      memory: this.#place.memory,
      name: 'the lock for reading',
      attempt: (effort) => this.#read(effort),
    };
  }

  /** @internal Whether the map is closed. */
  get closed(): boolean {
    return this.#place.memory.closed;
  }

  /** Takes the duty of telling that a writer died. */
  #wasAbandoned(words: Int32Array): boolean {
    return (
      Atomics.load(words, ABANDONED) === 1 && Atomics.compareExchange(words, ABANDONED, 1, 0) === 1
    );
  }

  /** Frees the lock of a dead writer, and sees to it that the next owner is told. */
  #buryWriter(words: Int32Array, found: number): void {
    Atomics.store(words, ABANDONED, 1);
    if (Atomics.compareExchange(words, WRITER, found, 0) === found) this.#wakeAll();
  }

  #wakeAll(): void {
    wake(this.#place.memory, this.#place.offsetOf(WRITER), EVERYBODY);
  }

  #slot(effort: Try): number | undefined {
    const { words } = this.#place;
    for (let index = FIRST_READER; index < WORDS; index++) {
      if (claim(words, index, NAMESPACE, ME, effort) !== Claim.Refused) return index;
    }
    return undefined;
  }

  /** Locks for reading unless there is a writer, or every place is taken. */
  #tryRead(effort: Try): RwLockGuard | null {
    const { words } = this.#place;
    for (;;) {
      const writer = Atomics.load(words, WRITER);
      if (writer !== 0) {
        if (effort !== Try.Thoroughly || !isAbandoned(words, NAMESPACE, writer)) return null;
        this.#buryWriter(words, writer);
        continue;
      }
      let index = this.#slot(Try.First);
      if (index === undefined && effort === Try.Thoroughly) index = this.#slot(effort);
      if (index === undefined) return null;
      // A writer that came meanwhile may not have seen this reader: it goes first.
      if (Atomics.load(words, WRITER) === 0) {
        return new RwLockGuard(this, index, this.#wasAbandoned(words));
      }
      this.giveBack(index);
    }
  }

  /** As {@link #tryRead}; says what to wait for. */
  #read(effort: Try): RwLockGuard | Wait {
    const place = this.#place;
    for (;;) {
      const got = this.#tryRead(effort);
      if (got !== null) return got;
      const forWriter = announceWaiter(place, WRITER);
      if (forWriter !== undefined) return forWriter;
      const forReaders = announce(place, CHANGES, { first: FIRST_READER, count: READERS });
      const late = this.#tryRead(Try.First);
      if (late !== null) return late;
      if (Atomics.load(place.words, WRITER) === 0) return forReaders;
    }
  }

  /** How to get the lock for writing: first as a mutex, then the readers have to leave. */
  #toWrite(): Wanted<RwLockGuard> {
    let signed = false;
    let inherited = false;
    const attempt = (effort: Try): RwLockGuard | Wait => {
      const { words } = this.#place;
      while (!signed) {
        const signature = effort === Try.First ? ME : ME | WAITERS;
        const got = claim(words, WRITER, NAMESPACE, signature, effort);
        signed = got !== Claim.Refused;
        inherited ||= got === Claim.Inherited;
        const wait = signed ? undefined : announceWaiter(this.#place, WRITER);
        if (wait !== undefined) return wait;
      }
      const wait = this.#readersLeft(effort);
      if (wait !== undefined) return wait;
      return new RwLockGuard(this, WRITER, this.#wasAbandoned(words) || inherited);
    };
    const giveUp = () => {
      if (!signed || this.closed) return;
      if (inherited) Atomics.store(this.#place.words, ABANDONED, 1);
      this.giveBack(WRITER);
      signed = false;
    };
    return { memory: this.#place.memory, name: 'the lock for writing', attempt, giveUp };
  }

  /** What to wait for until the readers have left; undefined where none is left. */
  #readersLeft(effort: Try): Wait | undefined {
    const { words } = this.#place;
    for (let index = FIRST_READER; index < WORDS; index++) {
      for (;;) {
        const reader = Atomics.load(words, index);
        if (reader === 0) break;
        if (effort === Try.Thoroughly && isAbandoned(words, NAMESPACE, reader)) {
          Atomics.compareExchange(words, index, reader, 0);
          continue;
        }
        const wait = announce(this.#place, CHANGES, { first: index, count: 1 });
        if (Atomics.load(words, index) === reader) return wait;
      }
    }
    return undefined;
  }

  /** Whether this thread holds the lock for writing, or waits for it. */
  #isWriter(): boolean {
    return isMine(Atomics.load(this.#place.words, WRITER));
  }

  /** Whether this thread holds the lock for reading. */
  #isReader(): boolean {
    return this.#place.words.subarray(FIRST_READER).some(isMine);
  }

  #deadlock(): Error {
    return deadlockError('the lock', this.#place.memory.path);
  }

  /** Locks for reading if no writer holds the lock or waits for it: a guard, or null. */
  tryRead(): RwLockGuard | null {
    return this.#tryRead(Try.Thoroughly);
  }

  /**
   * Locks for reading, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock for writing; `ERR_MMAP_CLOSED`.
   */
  readSync(options?: SyncOptions): RwLockGuard {
    const timeout = syncTimeout(options);
    const got = this.#read(Try.First);
    if (got instanceof Wait && this.#isWriter()) throw this.#deadlock();
    return acquireSync(this.#toRead, timeout, got);
  }

  /**
   * Locks for reading as soon as it can.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async read(options?: AsyncOptions): Promise<RwLockGuard> {
    return acquire(this.#toRead, asyncLimits(options));
  }

  /** Locks for writing if nobody holds the lock: a guard, or null. */
  tryWrite(): RwLockGuard | null {
    const { attempt, giveUp } = this.#toWrite();
    const { words } = this.#place;
    const writer = Atomics.load(words, WRITER);
    if (writer !== 0 && !isAbandoned(words, NAMESPACE, writer)) return null;
    const got = attempt(Try.Thoroughly);
    if (!(got instanceof Wait)) return got;
    giveUp?.();
    return null;
  }

  /**
   * Locks for writing, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock, be it for reading; `ERR_MMAP_CLOSED`.
   */
  writeSync(options?: SyncOptions): RwLockGuard {
    const timeout = syncTimeout(options);
    if (this.#isWriter()) throw this.#deadlock();
    const wanted = this.#toWrite();
    const got = wanted.attempt(Try.First);
    if (got instanceof Wait && this.#isReader()) {
      wanted.giveUp?.();
      throw this.#deadlock();
    }
    return acquireSync(wanted, timeout, got);
  }

  /**
   * Locks for writing as soon as it can. Calls of one thread get the lock in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`.
   */
  async write(options?: AsyncOptions): Promise<RwLockGuard> {
    return acquireInTurn(this.#toWrite(), asyncLimits(options), this.#place.offset);
  }

  /** @internal Gives back what a guard holds. */
  giveBack(index: number): void {
    const { words, memory } = this.#place;
    const waited = release(words, index);
    if (waited === undefined) throw notOwnerError('the lock', memory.path);
    if (index !== WRITER) signal(this.#place, CHANGES);
    else if (waited) this.#wakeAll();
  }
}
