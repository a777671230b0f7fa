import type { Integer } from '../base/arguments';
import type { MmapMut } from '../map/mmap-mut';
import { ALL_WAITERS, type Wait, wake } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquire,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type SyncOptions,
  syncTimeout,
  tryOnce,
} from './acquire';
import { announce, signal } from './changes';
import { deadlockError, notOwnerError } from './errors';
import { Guard } from './guard';
import { Claim, claim, Effort, isAbandoned, isMine, ME, release, WAITERS } from './owner';
import { SyncPrimitive } from './primitive';

const WRITER = 0;
const NAMESPACE = 1;
const CHANGES = 2;
/** 1 after a writer died, until an owner was told. */
const ABANDONED = 3;
const FIRST_READER = 4;
const READERS = 60;
const WORDS = FIRST_READER + READERS;

/**
 * A {@link RwLock} that is held, for reading or for writing. It is abandoned where a thread died
 * while it held the lock for writing, and no owner was told before.
 */
export type RwLockGuard = Guard;

/**
 * A lock that many threads hold for reading, or one for writing. It takes 256 bytes of the map,
 * which are zero before its first use.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { RwLock } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const lock = new RwLock(map, 0);
 * {
 *   using reading = lock.readSync(); // together with other readers
 *   map.buffer[256]; // => 0
 * }
 * using writing = await lock.write({ timeout: 1000 }); // alone
 * map.buffer[256] += 1;
 * ```
 *
 * A writer that waits goes before new readers. At most 60 readers at a time; more wait. Death is
 * treated as by a {@link Mutex}; not recursive either.
 */
export class RwLock {
  /** The bytes that a lock takes. */
  static readonly BYTES: number = 4 * WORDS;

  /** @internal */
  readonly guardedAs = 'the lock';
  readonly #primitive: SyncPrimitive;
  readonly #reading: Acquisition<RwLockGuard>;

  /**
   * The lock at an offset of a map.
   *
   * @param map - A MmapMut or SharedMemory.
   * @param offset - Where its 256 bytes begin; `map.offset + offset` must be a multiple of 4.
   * @throws As {@link Mutex}'s constructor.
   */
  constructor(map: MmapMut, offset: Integer) {
    this.#primitive = new SyncPrimitive(map, offset, { words: WORDS, namespace: NAMESPACE });
    this.#reading = {
      primitive: this.#primitive,
      name: 'the lock for reading',
      attempt: (effort) => this.#read(effort),
      release: (guard) => guard[Symbol.dispose](),
      selfBlocked: () => this.#blocksOwnReading(),
    };
  }

  /** @internal The path that errors name. */
  get path(): string | null {
    return this.#primitive.path;
  }

  /** @internal Whether the map is closed. */
  get closed(): boolean {
    return this.#primitive.closed;
  }

  /** Takes the duty to tell that a writer died. */
  #wasAbandoned(words: Int32Array): boolean {
    return (
      Atomics.load(words, ABANDONED) === 1 && Atomics.compareExchange(words, ABANDONED, 1, 0) === 1
    );
  }

  /** Releases the lock of a dead writer, and marks it abandoned for the next owner. */
  #releaseDeadWriter(words: Int32Array, found: number): void {
    Atomics.store(words, ABANDONED, 1);
    if (Atomics.compareExchange(words, WRITER, found, 0) === found) this.#wakeAll();
  }

  #wakeAll(): void {
    wake(this.#primitive.memory, this.#primitive.offsetOf(WRITER), ALL_WAITERS);
  }

  #slot(effort: Effort): number | undefined {
    const { words } = this.#primitive;
    for (let index = FIRST_READER; index < WORDS; index++) {
      if (claim(words, index, NAMESPACE, ME, effort) !== Claim.Refused) return index;
    }
    return undefined;
  }

  /** Locks for reading unless there is a writer, or every slot is taken. */
  #tryRead(effort: Effort): RwLockGuard | null {
    const { words } = this.#primitive;
    for (;;) {
      const writer = Atomics.load(words, WRITER);
      if (writer !== 0) {
        if (effort !== Effort.Thorough || !isAbandoned(words, NAMESPACE, writer)) return null;
        this.#releaseDeadWriter(words, writer);
        continue;
      }
      let index = this.#slot(Effort.First);
      if (index === undefined && effort === Effort.Thorough) index = this.#slot(effort);
      if (index === undefined) return null;
      // A writer that came meanwhile may not have seen this reader: it goes first.
      if (Atomics.load(words, WRITER) === 0) {
        return new Guard(this, index, this.#wasAbandoned(words));
      }
      this.releaseHold(index);
    }
  }

  /** As {@link #tryRead}; says what to wait for. */
  #read(effort: Effort): RwLockGuard | Wait {
    const primitive = this.#primitive;
    for (;;) {
      const result = this.#tryRead(effort);
      if (result !== null) return result;
      const forWriter = primitive.announceWaiter(WRITER);
      if (forWriter !== undefined) return forWriter;
      const forReaders = announce(primitive, CHANGES, { first: FIRST_READER, count: READERS });
      const late = this.#tryRead(Effort.First);
      if (late !== null) return late;
      if (Atomics.load(primitive.words, WRITER) === 0) return forReaders;
    }
  }

  /** How to lock for writing: first as a mutex, then the readers have to leave. */
  #writing(): Acquisition<RwLockGuard> {
    let signed = false;
    let inherited = false;
    const attempt = (effort: Effort): RwLockGuard | Wait => {
      const { words } = this.#primitive;
      while (!signed) {
        const signature = effort === Effort.First ? ME : ME | WAITERS;
        const result = claim(words, WRITER, NAMESPACE, signature, effort);
        signed = result !== Claim.Refused;
        inherited ||= result === Claim.Inherited;
        const wait = signed ? undefined : this.#primitive.announceWaiter(WRITER);
        if (wait !== undefined) return wait;
      }
      const wait = this.#readersLeft(effort);
      if (wait !== undefined) return wait;
      signed = false;
      return new Guard(this, WRITER, this.#wasAbandoned(words) || inherited);
    };
    const cancel = () => {
      if (!signed) return undefined;
      signed = false;
      if (inherited) Atomics.store(this.#primitive.words, ABANDONED, 1);
      this.releaseHold(WRITER);
      return undefined;
    };
    return {
      primitive: this.#primitive,
      name: 'the lock for writing',
      attempt,
      exclusive: true,
      release: (guard) => guard[Symbol.dispose](),
      cancel,
      selfBlocked: () => (this.#isReader() ? 'the lock for reading' : undefined),
    };
  }

  /** What to wait for until the readers have left; undefined where none is left. */
  #readersLeft(effort: Effort): Wait | undefined {
    const { words } = this.#primitive;
    for (let index = FIRST_READER; index < WORDS; index++) {
      for (;;) {
        const reader = Atomics.load(words, index);
        if (reader === 0) break;
        if (effort === Effort.Thorough && isAbandoned(words, NAMESPACE, reader)) {
          Atomics.compareExchange(words, index, reader, 0);
          continue;
        }
        const wait = announce(this.#primitive, CHANGES, { first: index, count: 1 });
        if (Atomics.load(words, index) === reader) return wait;
      }
    }
    return undefined;
  }

  /** Whether this thread holds the lock for writing, or waits for it. */
  #isWriter(): boolean {
    return isMine(Atomics.load(this.#primitive.words, WRITER));
  }

  /** Whether this thread holds the lock for reading. */
  #isReader(): boolean {
    return this.#primitive.words.subarray(FIRST_READER).some(isMine);
  }

  /** What this thread holds that keeps it from reading. */
  #blocksOwnReading(): string | undefined {
    const { words } = this.#primitive;
    const writer = Atomics.load(words, WRITER);
    if (isMine(writer)) return 'the lock for writing';
    if (words.subarray(FIRST_READER).every(isMine)) return `all ${READERS} places of readers`;
    // The writer waits for this thread to leave, and this thread for the writer.
    if (writer === 0 || !this.#isReader() || isAbandoned(words, NAMESPACE, writer))
      return undefined;
    return 'the lock for reading, for which a writer waits,';
  }

  /**
   * Locks for reading unless a writer holds the lock or waits for it.
   *
   * @returns A guard, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  tryRead(): RwLockGuard | null {
    return tryOnce({
      primitive: this.#primitive,
      name: this.#reading.name,
      attempt: () => this.#tryRead(Effort.Thorough),
      release: (guard) => guard?.[Symbol.dispose](),
    });
  }

  /**
   * Locks for reading, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock for writing, all 60 places of readers, or one of them while a writer
   * waits; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  readSync(options?: SyncOptions): RwLockGuard {
    return acquireSync(this.#reading, syncTimeout(options));
  }

  /**
   * Locks for reading as soon as it can.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async read(options?: AsyncOptions): Promise<RwLockGuard> {
    return acquire(this.#reading, asyncLimits(options));
  }

  /**
   * Locks for writing if the lock is free.
   *
   * @returns A guard, or null.
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  tryWrite(): RwLockGuard | null {
    const { words } = this.#primitive;
    const writer = Atomics.load(words, WRITER);
    this.#primitive.verify();
    if (writer !== 0 && !isAbandoned(words, NAMESPACE, writer)) return null;
    return tryOnce(this.#writing());
  }

  /**
   * Locks for writing, blocking this thread until it can.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` where this
   * thread holds the lock, be it for reading; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`,
   * `ERR_MMAP_IO`.
   */
  writeSync(options?: SyncOptions): RwLockGuard {
    const timeout = syncTimeout(options);
    if (this.#isWriter()) throw deadlockError('the lock for writing', this.path);
    return acquireSync(this.#writing(), timeout);
  }

  /**
   * Locks for writing as soon as it can. Calls of one thread get the lock in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`,
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  async write(options?: AsyncOptions): Promise<RwLockGuard> {
    return acquireInTurn(this.#writing(), asyncLimits(options));
  }

  /** @internal Releases the reader or writer `index`. */
  releaseHold(index: number): void {
    const { words, path } = this.#primitive;
    const waited = release(words, index);
    this.#primitive.verify();
    if (waited === undefined) throw notOwnerError(this.guardedAs, path);
    if (index !== WRITER) signal(this.#primitive, CHANGES);
    else if (waited) this.#wakeAll();
  }
}
