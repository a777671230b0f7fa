/**
 * What the fault guard has survived, as JavaScript learns of it: by a word of flags per map that is
 * read before and after every call, and by a wake-up of the event loop for those who want to know
 * at once.
 */
import { attempt, MmapError } from './errors';
import { type NativeMap, native } from './native';

/** What has happened to a map since it was opened or last refreshed. */
export interface Faults {
  /** Whether bytes of the map are no longer in its file, because somebody cut the file. */
  readonly truncated: boolean;
  /** The first byte of the map that the file has lost; null where none is. */
  readonly lostFrom: number | null;
  /** The range of bytes that the disk could not read or write; null where there is none. */
  readonly io: { readonly start: number; readonly end: number } | null;
  /**
   * How many pages of a read-only map were written to. Each such page is private since then. After
   * some hundred pages they are made private several at a time, so that this is the least number.
   */
  readonly strayWrites: number;
}

/** Is told of faults, on the event loop of the thread that opened the map. */
export type FaultListener = (faults: Faults) => void;

const TRUNCATED = 1;
const IO = 2;
const STRAY_WRITE = 4;

/**
 * The flags of every guarded map of the process, at its slot. Written by signal handlers. Behind
 * them are the flags that were ever raised, and those that the process was warned of.
 */
const flags = new Uint32Array(native.faultFlags());
const EVER = flags.length - 2;
const WARNED = flags.length - 1;

/** The maps of this thread that want to be told, by slot. */
const listeners = new Map<number, WeakRef<FaultWatch>>();

const WARNINGS: ReadonlyArray<readonly [flag: number, code: string, message: string]> = [
  [
    TRUNCATED,
    'ERR_MMAP_TRUNCATED',
    'a mapped file was cut by another process; what it has lost reads as zeros',
  ],
  [IO, 'ERR_MMAP_IO', 'a page of a mapped file could not be read or written; it reads as zeros'],
  [
    STRAY_WRITE,
    'ERR_MMAP_READ_ONLY',
    'something wrote to the Buffer of a read-only map; the file is unchanged, the page is private now',
  ],
];

/** The fault guard's view of one native map. */
export class FaultWatch {
  readonly #native: NativeMap;
  readonly #slot: number | null;
  readonly #path: string | null;
  readonly #onFault: FaultListener | undefined;
  /** What the listener was told last. */
  #told = '';

  constructor(nativeMap: NativeMap, path: string | null, onFault: FaultListener | undefined) {
    this.#native = nativeMap;
    this.#slot = nativeMap.slot;
    this.#path = path;
    this.#onFault = onFault;
    if (this.#slot === null) return;
    listen();
    if (onFault !== undefined) listeners.set(this.#slot, new WeakRef(this));
  }

  /** Whether anything happened that the next call must report. */
  get raised(): boolean {
    return this.#slot !== null && flags[this.#slot] !== 0;
  }

  /** What has happened so far. */
  get faults(): Faults {
    const {
      lostFrom = null,
      ioStart = null,
      ioEnd = null,
      strayWrites = 0,
    } = this.#native.faults() ?? {};
    const io = ioStart === null || ioEnd === null ? null : { start: ioStart, end: ioEnd };
    return { truncated: lostFrom !== null, lostFrom, io, strayWrites };
  }

  /** Throws what has happened: losses every time, stray writes once. */
  report(): void {
    const { lostFrom, io, strayWrites } = this.faults;
    if (lostFrom !== null) {
      const size = attempt(() => this.#native.fileSize(), this.#path);
      throw new MmapError(
        'ERR_MMAP_TRUNCATED',
        `the file${this.#path === null ? '' : ` '${this.#path}'`} was cut: it has ${size} bytes now, ` +
          `and the map of ${this.#native.length} bytes lost those from ${lostFrom} on. Call ` +
          'refresh() to map the file as it is now',
        this.#path,
      );
    }
    if (io !== null) {
      throw new MmapError(
        'ERR_MMAP_IO',
        `the bytes ${io.start} to ${io.end} could not be read from the disk, or not be written for ` +
          'want of room; what was written there is lost. Call refresh() to go on with the map',
        this.#path,
      );
    }
    if (this.#slot !== null && (flags[this.#slot] ?? 0) & STRAY_WRITE) {
      this.#native.acknowledgeStrayWrites();
      throw new MmapError(
        'ERR_MMAP_READ_ONLY',
        `something wrote to the Buffer of this read-only map (${strayWrites} pages so far); the ` +
          'file is unchanged. Use MmapMut to change the file, MmapCow for private changes',
        this.#path,
      );
    }
  }

  /** Tells the map's owner if anything has happened since the last time. */
  tell(): void {
    const { faults } = this;
    const told = JSON.stringify(faults);
    if (told === this.#told || (!faults.truncated && !faults.io && !faults.strayWrites)) return;
    this.#told = told;
    this.#onFault?.(faults);
  }

  /** Ends the watch, before the native map is closed. */
  end(): void {
    if (this.#slot !== null && this.#onFault !== undefined) listeners.delete(this.#slot);
  }
}

/** Called on this thread's event loop after a fault anywhere in the process. */
function noticeFaults(): void {
  for (const [flag, code, message] of WARNINGS) {
    if (((flags[EVER] ?? 0) & flag) !== 0 && (Atomics.or(flags, WARNED, flag) & flag) === 0) {
      process.emitWarning(`memmap: ${message}`, { type: 'MmapWarning', code });
    }
  }
  for (const [slot, listener] of [...listeners]) {
    const watch = listener.deref();
    if (watch === undefined) listeners.delete(slot);
    else watch.tell();
  }
}

let isListening = false;

/** Has this thread told of faults. The first call of the process starts a thread for that. */
function listen(): void {
  if (isListening) return;
  native.listenForFaults(noticeFaults);
  isListening = true;
}
