/**
 * The memory of one map as JavaScript sees it: which ArrayBuffers were made of it, and what becomes
 * of them when the map closes, moves or is collected.
 */
import { constants } from 'node:buffer';
import { attempt, closedError, fromNative, MmapError } from './errors';
import { type FaultListener, type Faults, FaultWatch } from './faults';
import { type NativeMap, native } from './native';

/** The runtime's limit for one Buffer, in bytes. */
const MAX_LENGTH = constants.MAX_LENGTH;

/**
 * Where a map exceeds that limit, Buffers are cut from windows of this size that begin at every
 * multiple of the stride, so that any range of up to a stride lies in one window.
 */
const WINDOW_LENGTH = Math.min(MAX_LENGTH, 2 ** 32) - 8;
const WINDOW_STRIDE = 2 ** 31;

/** So many windows stay cached though nobody uses them: making one costs a garbage collection. */
const CACHED_WINDOWS = 4;

/** The codes by which a disk says that it could not keep what was written. */
const LOSSES = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'ENXIO', 'EROFS']);

class Same {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how a private field gets onto another object
    return object;
  }
}

/**
 * Puts a reference onto an object that nothing can see or remove: a private field. An ArrayBuffer
 * holds the watch over its memory in this way, and with it the native map: so the memory outlives
 * the ArrayBuffer object, and faults in it are told though the map was dropped.
 */
class Holder extends Same {
  readonly #held: object;

  private constructor(holder: object, held: object) {
    super(holder);
    this.#held = held;
  }

  /** Keeps `held` alive for as long as `holder` is, which holds nothing yet. */
  static hold(holder: object, held: object): void {
    if (!(#held in holder)) new Holder(holder, held);
  }
}

/** A window and the first byte that it covers. */
interface Window {
  start: number;
  end: number;
  arrayBuffer: WeakRef<ArrayBufferLike>;
}

/** The memory behind one public map. */
export class Memory<Native extends NativeMap> {
  /** The path that errors name; null for descriptors and anonymous memory. */
  readonly path: string | null;
  /** Where the map begins in its file, in bytes. */
  readonly offset: number;
  /** The number of bytes; 0 once closed. */
  length: number;
  /** Whether the memory is lent as SharedArrayBuffers, which nobody can detach. */
  readonly shared: boolean;
  /** Counts up when the memory is closed or replaced, which ends the promises that run on it. */
  generation = 0;
  #native: Native | null;
  #buffer: Buffer | null = null;
  #windows: Window[] = [];
  #cached: ArrayBufferLike[] = [];
  /** Whether memory was ever lent; what is shared others may hold though this thread does not. */
  #isOut = false;
  #watch: FaultWatch;
  readonly #onFault: FaultListener | undefined;
  /** A flush that the system refused: it says so only once, we until the map is refreshed. */
  #lost: MmapError | null = null;
  /** Called when the native map is let go: what waits on it has to stop. */
  readonly watchers = new Set<() => void>();

  constructor(
    nativeMap: Native,
    path: string | null,
    offset: number,
    onFault?: FaultListener,
    shared = false,
  ) {
    this.#native = nativeMap;
    this.#onFault = onFault;
    this.#watch = new FaultWatch(nativeMap, path, onFault);
    this.path = path;
    this.offset = offset;
    this.length = nativeMap.length;
    this.shared = shared;
  }

  get closed(): boolean {
    return this.#native === null;
  }

  /** The native map for any use; throws where the map is closed or something happened to it. */
  use(): Native {
    const open = this.reachable();
    if (this.#lost !== null) throw this.#lost;
    if (this.#watch.raised) this.#watch.report();
    return open;
  }

  /**
   * Runs a native call. What happened to the memory before or during it is thrown: a result got
   * from lost pages is none.
   */
  run<T>(call: (open: Native) => T): T {
    const open = this.use();
    const result = attempt(() => call(open), this.path);
    if (this.#watch.raised) this.#watch.report();
    return result;
  }

  /** What the fault guard has survived since the map was opened or refreshed. */
  get faults(): Faults {
    return this.#watch.faults;
  }

  /** The native map for what may follow a loss: refreshing. Throws where the map is closed. */
  reachable(): Native {
    if (this.#native === null) throw closedError(this.path);
    return this.#native;
  }

  /**
   * The public error for a refusal to write `start` to `end` to the disk. Where that means that
   * bytes are lost, it is remembered.
   */
  refused(error: unknown, start: number, end: number): unknown {
    const refusal = fromNative(error, this.path);
    if (!(refusal instanceof MmapError) || !LOSSES.has(refusal.code)) return refusal;
    this.#lost = new MmapError(
      'ERR_MMAP_IO',
      `the bytes ${start} to ${end} could not be written to the file (${refusal.message}); what ` +
        'was written there since the last flush may be lost. Call refresh() to go on with the map',
      this.path,
      refusal.syscall === undefined || refusal.errno === undefined
        ? undefined
        : { syscall: refusal.syscall, errno: refusal.errno },
    );
    return this.#lost;
  }

  /** Whether writes were lost; {@link replace} forgets it. */
  get lost(): boolean {
    return this.#lost !== null;
  }

  /** The whole map as one Buffer, the same one every time. */
  get buffer(): Buffer {
    const open = this.use();
    const cached = this.#buffer;
    // Its length is 0 where JavaScript has transferred the memory away: then a new one is made.
    if (cached !== null && cached.length === this.length) return cached;
    if (!this.#fitsOneBuffer()) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        `a Buffer of this runtime holds at most ${MAX_LENGTH} bytes, the map has ${this.length}; ` +
          'use subarray(start, end) for parts of it, or Node.js 22 and later',
        this.path,
      );
    }
    const arrayBuffer = this.#lend(open, 0, this.length);
    const made = Buffer.from(arrayBuffer, arrayBuffer.byteLength - this.length, this.length);
    this.#buffer = made;
    return made;
  }

  #fitsOneBuffer(): boolean {
    return this.length + (this.offset % 8) <= MAX_LENGTH;
  }

  #lend(open: Native, start: number, end: number): ArrayBufferLike {
    if (start === end) return this.shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0);
    this.#isOut = true;
    const arrayBuffer = attempt(
      () => (this.shared ? open.lendShared(start, end) : open.lend(start, end)),
      this.path,
    );
    // The watch holds the native map.
    Holder.hold(arrayBuffer, this.#watch);
    return arrayBuffer;
  }

  /** Where the bytes `start` to `end` are to be found: an ArrayBuffer and the place in it. */
  locate(start: number, end: number): { arrayBuffer: ArrayBufferLike; byteOffset: number } {
    const open = this.use();
    if (this.#fitsOneBuffer()) {
      const whole = this.buffer;
      return { arrayBuffer: whole.buffer, byteOffset: whole.byteOffset + start };
    }
    if (end - start > WINDOW_LENGTH) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        `a Buffer of this runtime holds at most ${WINDOW_LENGTH} bytes of so large a map, ` +
          `${end - start} were asked for; take smaller parts, or Node.js 22 and later`,
        this.path,
      );
    }
    const window = this.#window(open, start, end);
    const { arrayBuffer } = window;
    const before = arrayBuffer.byteLength - (window.end - window.start);
    return { arrayBuffer, byteOffset: before + start - window.start };
  }

  #window(
    open: Native,
    start: number,
    end: number,
  ): { start: number; end: number; arrayBuffer: ArrayBufferLike } {
    let from = Math.floor(start / WINDOW_STRIDE) * WINDOW_STRIDE;
    let to = Math.min(from + WINDOW_LENGTH, this.length);
    if (end > to) [from, to] = [start, end];
    for (const window of this.#windows) {
      const arrayBuffer = window.start <= start && end <= window.end && window.arrayBuffer.deref();
      if (arrayBuffer && arrayBuffer.byteLength > 0) {
        return { start: window.start, end: window.end, arrayBuffer };
      }
    }
    const arrayBuffer = this.#lend(open, from, to);
    this.#windows = this.#windows.filter((window) => window.arrayBuffer.deref() !== undefined);
    this.#windows.push({ start: from, end: to, arrayBuffer: new WeakRef(arrayBuffer) });
    this.#cached = [...this.#cached.slice(1 - CACHED_WINDOWS), arrayBuffer];
    return { start: from, end: to, arrayBuffer };
  }

  /** Detaches every ArrayBuffer that was made; a SharedArrayBuffer reads as zeros afterwards. */
  #detachAll(): void {
    if (!this.shared) {
      if (this.#buffer !== null && this.#buffer.byteLength > 0) {
        native.detach(this.#buffer.buffer as ArrayBuffer);
      }
      for (const { arrayBuffer } of this.#windows) {
        const alive = arrayBuffer.deref();
        if (alive !== undefined) native.detach(alive as ArrayBuffer);
      }
    }
    this.#buffer = null;
    this.#windows = [];
    this.#cached = [];
  }

  #letGo(): void {
    this.generation++;
    this.#watch.end();
    this.#detachAll();
    this.#native?.close();
    for (const watcher of [...this.watchers]) watcher();
  }

  /**
   * Throws where the memory cannot be exchanged for other memory, because SharedArrayBuffers of it
   * are out there, perhaps in other threads, and would go on showing the old.
   */
  assertReplaceable(): void {
    if (!this.shared || !this.#isOut) return;
    throw new MmapError(
      'ERR_MMAP_IN_USE',
      'the memory is lent as a SharedArrayBuffer, which cannot be moved or change its length; ' +
        'close the map and open it anew instead',
      this.path,
    );
  }

  /** Goes on with another native map of the same file. */
  replace(fresh: Native): void {
    this.#letGo();
    this.#native = fresh;
    this.#watch = new FaultWatch(fresh, this.path, this.#onFault);
    this.#lost = null;
    this.length = fresh.length;
  }

  /** Detaches, lets go of the file and the memory. Never throws. */
  close(): void {
    if (this.#native === null) return;
    this.#letGo();
    this.#native = null;
    this.length = 0;
  }
}
