/**
 * The ArrayBuffers over one native map: the whole, or windows where the whole is too large for one
 * Buffer. This is the only place that makes and detaches them.
 */
import { constants } from 'node:buffer';
import { attempt, MmapError } from '../base/errors';
import { faultFlags, type NativeMap, native } from '../base/native';
import { WeakList } from './weak-list';

/** The runtime's limit for one Buffer, in bytes. */
const MAX_LENGTH = constants.MAX_LENGTH;

/**
 * A map beyond that limit is covered by windows of this size that begin at every multiple of the
 * stride, so that any range of up to a stride lies in one window.
 */
const WINDOW_LENGTH = Math.min(MAX_LENGTH, 2 ** 32) - 8;
const WINDOW_STRIDE = 2 ** 31;

/** The number of unused windows that stay cached: making one costs a garbage collection. */
const CACHED_WINDOWS = 4;

/**
 * An ArrayBuffer begins at an address that is a multiple of this: engines assume that any element
 * at its beginning is aligned (docs/internals.md).
 */
export const ALIGNMENT = 8;

/**
 * The class of Buffers, which Buffer names as the one to make parts of Buffers with: calling it
 * takes half as long as `Buffer.from`.
 */
export const BufferClass = Reflect.get(Buffer, Symbol.species) as new (
  arrayBuffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => Buffer;

class Same {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how a private field gets onto another object
    return object;
  }
}

/**
 * Puts a reference onto an object that nothing can see or remove: a private field. An ArrayBuffer
 * refers in this way to the fault monitor of its memory, and with it to the native map. So the
 * memory outlives the ArrayBuffer object, and faults in it are reported though the map was dropped.
 */
class KeepAlive extends Same {
  readonly #kept: object;

  private constructor(keeper: object, kept: object) {
    super(keeper);
    this.#kept = kept;
  }

  /** Keeps `kept` alive for as long as `keeper` is, which keeps nothing yet. */
  static attach(keeper: object, kept: object): void {
    if (!(#kept in keeper)) new KeepAlive(keeper, kept);
  }
}

/** Whether ArrayBuffers can be made of a map's memory: some runtimes take none from outside their heap. */
export const canExport = faultFlags !== null;

/** An ArrayBuffer, and the range of the map that it covers. */
interface Window {
  start: number;
  end: number;
  arrayBuffer: ArrayBufferLike;
}

interface WeakWindow extends Omit<Window, 'arrayBuffer'> {
  arrayBuffer: WeakRef<ArrayBufferLike>;
}

/** One empty list for all maps: most have no windows. */
const NONE: never[] = [];

/** Throws where a Buffer or ArrayBuffer cannot have that many bytes. */
export function checkBufferLength(length: number, path: string | null): void {
  if (length <= MAX_LENGTH) return;
  throw new MmapError(
    'ERR_MMAP_UNSUPPORTED',
    `a Buffer of this runtime holds at most ${MAX_LENGTH} bytes, and ${length} were asked for; ` +
      'take smaller parts, or use Node.js 22 and later',
    path,
  );
}

/** The ArrayBuffers over one native map. */
export class Buffers {
  readonly #native: NativeMap;
  /** What every ArrayBuffer keeps alive. */
  readonly #kept: object;
  readonly #path: string | null;
  #length: number;
  /** Where the map begins in its file, which is how its first byte is aligned in memory. */
  readonly #offset: number;
  readonly #shared: boolean;
  #whole: Buffer | null = null;
  /** The ArrayBuffer of the whole, and for how many bytes of the map it has room. */
  #arrayBuffer: ArrayBufferLike | null = null;
  #capacity = 0;
  /** Those of the whole that the map has become too long for. */
  #shorter: WeakList<ArrayBufferLike> | undefined;
  #windows: WeakWindow[] = NONE;
  #cached: ArrayBufferLike[] = NONE;
  /** The ArrayBuffers that {@link own} has made. */
  #owned: WeakList<ArrayBuffer> | undefined;
  #isShared = false;
  #isExported = false;

  constructor(
    nativeMap: NativeMap,
    kept: object,
    { path, offset, shared }: { path: string | null; offset: number; shared: boolean },
  ) {
    this.#native = nativeMap;
    this.#kept = kept;
    this.#path = path;
    this.#length = nativeMap.length;
    this.#offset = offset;
    this.#shared = shared;
  }

  /**
   * Whether a SharedArrayBuffer was ever made. Other threads may refer to it though this one no
   * longer does.
   */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Whether an ArrayBuffer of any kind was ever made. */
  get isExported(): boolean {
    return this.#isExported;
  }

  /** The whole map as one Buffer, the same one until the map grows. */
  get whole(): Buffer {
    const cached = this.#whole;
    // Its length is 0 where JavaScript has transferred the memory away: then a new one is made.
    if (cached !== null && cached.length === this.#length) return cached;
    const arrayBuffer = this.#wholeArrayBuffer();
    const byteOffset = arrayBuffer.byteLength - this.#capacity;
    const made = Buffer.from(arrayBuffer, byteOffset, this.#length);
    this.#whole = made;
    return made;
  }

  /** The ArrayBuffer of the whole: also of what is reserved, as far as the runtime can hold that in one. */
  #wholeArrayBuffer(): ArrayBufferLike {
    if (this.#arrayBuffer !== null && this.#arrayBuffer.byteLength > 0) return this.#arrayBuffer;
    if (!this.#fitsOneBuffer()) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        `a Buffer of this runtime holds at most ${MAX_LENGTH} bytes, the map has ${this.#length}; ` +
          'use subarray(start, end) for parts of it, or Node.js 22 and later',
        this.#path,
      );
    }
    this.#capacity = Math.min(this.#native.capacity, MAX_LENGTH - (this.#offset % ALIGNMENT));
    this.#arrayBuffer = this.#export(0, this.#capacity, this.#shared);
    return this.#arrayBuffer;
  }

  /** The map has become longer where it is. What was made of it stays. */
  grow(length: number): void {
    this.#length = length;
    if (this.#arrayBuffer === null || length <= this.#capacity) return;
    this.#shorter ??= new WeakList();
    this.#shorter.add(this.#arrayBuffer);
    this.#arrayBuffer = null;
    this.#whole = null;
  }

  /** Every ArrayBuffer that was made, is alive and can be detached: a SharedArrayBuffer cannot. */
  *detachable(): Generator<ArrayBuffer, void, undefined> {
    if (this.#owned !== undefined) yield* this.#owned;
    if (this.#shared) return;
    if (this.#arrayBuffer !== null) yield this.#arrayBuffer as ArrayBuffer;
    for (const { arrayBuffer } of this.#windows) {
      const window = arrayBuffer.deref();
      if (window !== undefined) yield window as ArrayBuffer;
    }
    if (this.#shorter !== undefined) yield* this.#shorter as WeakList<ArrayBuffer>;
  }

  #fitsOneBuffer(): boolean {
    return this.#length + (this.#offset % ALIGNMENT) <= MAX_LENGTH;
  }

  #export(start: number, end: number, shared: boolean): ArrayBufferLike {
    if (start === end) return shared ? new SharedArrayBuffer(0) : new ArrayBuffer(0);
    if (!canExport) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        'this runtime takes no memory from outside its heap (as Electron), so that it has no Buffers, ' +
          'views, atomics or locks of a map; read by map.copy(target), or as strings: ' +
          'lines({ encoding }), match.toString()',
        this.#path,
      );
    }
    const arrayBuffer = attempt(
      () =>
        shared
          ? this.#native.externalSharedArrayBuffer(start, end)
          : this.#native.externalArrayBuffer(start, end),
      this.#path,
    );
    this.#isShared ||= shared;
    this.#isExported = true;
    KeepAlive.attach(arrayBuffer, this.#kept);
    return arrayBuffer;
  }

  /** The ArrayBuffer that has the bytes `start` to `end`, and where they begin in it. */
  locate(start: number, end: number): { arrayBuffer: ArrayBufferLike; byteOffset: number } {
    if (this.#fitsOneBuffer()) {
      const { whole } = this;
      return { arrayBuffer: whole.buffer, byteOffset: whole.byteOffset + start };
    }
    if (end - start > WINDOW_LENGTH) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        `a Buffer of this runtime holds at most ${WINDOW_LENGTH} bytes of so large a map, and ` +
          `${end - start} were asked for; take smaller parts, or use Node.js 22 and later`,
        this.#path,
      );
    }
    const window = this.#window(start, end);
    const { arrayBuffer } = window;
    const before = arrayBuffer.byteLength - (window.end - window.start);
    return { arrayBuffer, byteOffset: before + start - window.start };
  }

  /** The bytes `start` to `end` as a Buffer. */
  bytes(start: number, end: number): Buffer {
    const { arrayBuffer, byteOffset } = this.locate(start, end);
    return new BufferClass(arrayBuffer, byteOffset, end - start);
  }

  /**
   * An ArrayBuffer over the bytes `start` to `end` that no other Buffer of the map uses: a consumer
   * that transfers it takes nothing from them. It is never a SharedArrayBuffer. Where the position
   * in the file is not aligned, it begins up to seven bytes before `start`.
   */
  own(start: number, end: number): ArrayBuffer {
    checkBufferLength(end - start, this.#path);
    const arrayBuffer = this.#export(start, end, false) as ArrayBuffer;
    this.#owned ??= new WeakList();
    this.#owned.add(arrayBuffer);
    return arrayBuffer;
  }

  #window(start: number, end: number): Window {
    for (const window of this.#windows) {
      const arrayBuffer = window.start <= start && end <= window.end && window.arrayBuffer.deref();
      if (arrayBuffer && arrayBuffer.byteLength > 0) {
        return { start: window.start, end: window.end, arrayBuffer };
      }
    }
    let from = Math.floor(start / WINDOW_STRIDE) * WINDOW_STRIDE;
    let to = Math.min(from + WINDOW_LENGTH, this.#native.capacity);
    if (end > to) [from, to] = [start, end];
    const arrayBuffer = this.#export(from, to, this.#shared);
    this.#windows = [
      ...this.#windows.filter((window) => window.arrayBuffer.deref() !== undefined),
      { start: from, end: to, arrayBuffer: new WeakRef(arrayBuffer) },
    ];
    this.#cached = [...this.#cached.slice(1 - CACHED_WINDOWS), arrayBuffer];
    return { start: from, end: to, arrayBuffer };
  }

  /** Detaches every ArrayBuffer that was made. Nothing can detach a SharedArrayBuffer. */
  detach(): void {
    for (const arrayBuffer of this.detachable()) {
      if (arrayBuffer.byteLength > 0) native.detach(arrayBuffer);
    }
    this.#owned = undefined;
    this.#whole = null;
    this.#arrayBuffer = null;
    this.#shorter = undefined;
    this.#windows = NONE;
    this.#cached = NONE;
  }
}
