/**
 * How JavaScript learns what the fault guard has survived: by a word of flags per map, which is read
 * before and after every call, and by a callback on the event loop for listeners.
 */
import { attempt, MmapError } from '../base/errors';
import { faultFlags, type NativeMap, native } from '../base/native';

/** The faults of a map that were survived since it was opened or last refreshed. */
export interface Faults {
  /** Whether bytes of the map are no longer in its file, because it was truncated. */
  readonly truncated: boolean;
  /** The first byte of the map that the file has lost; null where none is. */
  readonly lostFrom: number | null;
  /** The range of bytes that the disk could not read or write; null where there is none. */
  readonly io: {
    /** The first byte. */
    readonly start: number;
    /** The byte after the last. */
    readonly end: number;
  } | null;
  /**
   * The number of pages of a read-only map that were written to. Each is private since then. After
   * some hundred pages they are made private several at a time: then this is the least number.
   */
  readonly strayWrites: number;
}

/** Called with the faults of a map, on the event loop of the thread that opened it. */
export type FaultListener = (faults: Faults) => void;

const TRUNCATED = 1;
const IO = 2;
const STRAY_WRITE = 4;

const flags = faultFlags === null ? null : new Uint32Array(faultFlags);

/** Whether anything has happened to any map of this process. */
export function everRaised(): boolean {
  return flags === null || flags[flags.length - 2] !== 0;
}

/** The flags of the map at that slot. */
function raisedAt(slot: number): number {
  return flags === null ? native.raised(slot) : (flags[slot] ?? 0);
}

/** The flags of a map that is not guarded, or in whose memory no lock can be. */
const NO_FLAGS = new Uint32Array(1);

/** The monitors of this thread's maps that have a listener, by slot. */
const listeners = new Map<number, WeakRef<FaultMonitor>>();

/** What the process is warned of once for each flag; `name` is the file's, if that is known. */
const WARNINGS = new Map<number, { code: string; message: (name: string) => string }>([
  [
    TRUNCATED,
    {
      code: 'ERR_MMAP_TRUNCATED',
      message: (name) =>
        `a mapped file${name} was truncated by another process; the lost bytes read as zeros`,
    },
  ],
  [
    IO,
    {
      code: 'ERR_MMAP_IO',
      message: (name) =>
        `a page of a mapped file${name} could not be read or written; it reads as zeros`,
    },
  ],
  [
    STRAY_WRITE,
    {
      code: 'ERR_MMAP_READ_ONLY',
      message: (name) =>
        `something wrote to the Buffer of a read-only map of a file${name}; the file is unchanged, ` +
        'the page is private now',
    },
  ],
]);

/** The fault guard's view of one native map. */
export class FaultMonitor {
  readonly #native: NativeMap;
  readonly #slot: number | null;
  readonly #path: string | null;
  readonly #onFault: FaultListener | undefined;
  /** The last report that the listener got. */
  #reported = '';

  constructor(nativeMap: NativeMap, path: string | null, onFault: FaultListener | undefined) {
    this.#native = nativeMap;
    this.#slot = nativeMap.slot;
    this.#path = path;
    this.#onFault = onFault;
    if (this.#slot === null) return;
    listen();
    if (onFault !== undefined) listeners.set(this.#slot, new WeakRef(this));
  }

  /** The map's word of flags, an array of one. */
  get flags(): Uint32Array {
    if (this.#slot === null || flags === null) return NO_FLAGS;
    return flags.subarray(this.#slot, this.#slot + 1);
  }

  /** Whether anything happened that the next call must report. */
  get raised(): boolean {
    return this.#slot !== null && raisedAt(this.#slot) !== 0;
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

  /** Throws what has happened: losses every time, stray writes once. `length` is the public map's. */
  report(length: number): void {
    const { lostFrom, io, strayWrites } = this.faults;
    if (lostFrom !== null) {
      const size = attempt(() => this.#native.fileSize(), this.#path);
      throw new MmapError(
        'ERR_MMAP_TRUNCATED',
        `the file${this.#path === null ? '' : ` '${this.#path}'`} was truncated to ${size} bytes; the ` +
          `map covers ${length}, and those from byte ${lostFrom} on are lost. Call ` +
          'refresh() to map the file at its current size',
        this.#path,
      );
    }
    if (io !== null) {
      throw new MmapError(
        'ERR_MMAP_IO',
        `the bytes ${io.start} to ${io.end} could not be read from the disk, or not be written ` +
          'because it is full; what was written there is lost. Call refresh() to go on with the map, ' +
          'or open the file again',
        this.#path,
      );
    }
    if (this.#slot !== null && raisedAt(this.#slot) & STRAY_WRITE) {
      this.#native.acknowledgeStrayWrites();
      throw new MmapError(
        'ERR_MMAP_READ_ONLY',
        `something wrote to the Buffer of this read-only map (${strayWrites} pages so far); the ` +
          'file is unchanged. Use MmapMut to change the file, MmapCow for private changes',
        this.#path,
      );
    }
  }

  /** Calls the listener if anything has happened since the last time. */
  notify(): void {
    const { faults } = this;
    const report = JSON.stringify(faults);
    if (report === this.#reported || (!faults.truncated && !faults.io && !faults.strayWrites))
      return;
    this.#reported = report;
    this.#onFault?.(faults);
  }

  /** Stops reporting, before the native map is closed. */
  stop(): void {
    if (this.#slot !== null && this.#onFault !== undefined) listeners.delete(this.#slot);
  }
}

/** Called on this thread's event loop after a fault anywhere in the process. */
function notifyListeners(): void {
  for (const { flag, path } of native.firstFaults()) {
    const warning = WARNINGS.get(flag);
    if (warning === undefined) continue;
    const { code, message } = warning;
    const name = path === undefined ? '' : ` '${path}'`;
    process.emitWarning(`memmap: ${message(name)}`, { type: 'MmapWarning', code });
  }
  for (const [slot, listener] of [...listeners]) {
    const monitor = listener.deref();
    if (monitor === undefined) listeners.delete(slot);
    else notify(monitor);
  }
}

/** Calls a map's listener. One that throws must not keep the others from being called. */
function notify(monitor: FaultMonitor): void {
  try {
    monitor.notify();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

let isListening = false;

/** Has the core call this thread after faults. The process's first call starts a thread for that. */
function listen(): void {
  if (isListening) return;
  native.listenForFaults(notifyListeners);
  isListening = true;
}
