import { notOwnerError } from './errors';

/** @internal What guards release: a lock with one hold or several. */
export interface Guarded {
  /** What errors call it. */
  readonly guardedAs: string;
  readonly path: string | null;
  readonly closed: boolean;
  /** Releases the hold `index`. */
  releaseHold(index: number): void;
}

const RELEASED = -1;

/**
 * What a thread holds until it releases it. `using guard = mutex.lockSync()` releases it at the end
 * of the block.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Mutex } from 'memmap/sync';
 *
 * using map = MmapMut.create('shared.bin', 4096);
 * const guard = new Mutex(map, 0).lockSync();
 * guard.abandoned; // => false
 * guard.unlock(); // or declare it with `using`
 * ```
 */
// One class for all locks: a derived one would double the time of a mutex's fast path.
export class Guard<Source = unknown> {
  readonly #source: Source & Guarded;
  /** Which of the lock's holds this is; {@link RELEASED} once it is released. */
  #index: number;
  #abandoned: boolean;

  /** @internal Users call {@link Mutex.lockSync} and its like. */
  constructor(source: Source & Guarded, index: number, abandoned: boolean) {
    this.#source = source;
    this.#index = index;
    this.#abandoned = abandoned;
  }

  /** @internal What is held; {@link MutexGuard} shows it. */
  get mutex(): Source {
    return this.#source;
  }

  /**
   * Whether the owner before died while it held this. What the lock protects may be half changed
   * then: check it, or put it in order.
   */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** @internal Goes on with the hold of another guard of the same lock, after {@link unlock}. */
  takeOver(other: Guard): void {
    this.#abandoned ||= other.#abandoned;
    this.#index = other.#index;
    other.#index = RELEASED;
  }

  /**
   * Unlocks.
   *
   * @throws MmapError `ERR_MMAP_NOT_OWNER` the second time; `ERR_MMAP_CLOSED`;
   * `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO` where bytes of the map were lost since.
   */
  unlock(): void {
    const index = this.#index;
    if (index === RELEASED) this.#refuse();
    this.#index = RELEASED;
    this.#source.releaseHold(index);
  }

  #refuse(): never {
    throw notOwnerError(`${this.#source.guardedAs} by this guard`, this.#source.path);
  }

  /** @internal {@link Permit} shows it. */
  release(): void {
    this.unlock();
  }

  /** Unlocks, unless this guard has done so or the map is closed. */
  [Symbol.dispose](): void {
    if (this.#index !== RELEASED && !this.#source.closed) this.unlock();
  }
}
