/**
 * One range of memory: open or closed, whole or with bytes lost, the same or changed since. Every
 * call of the native core goes through it. It knows no public class.
 */
import { checkRange, type Integer } from '../base/arguments';
import { attempt, changedError, closedError, fromNative, MmapError } from '../base/errors';
import type { NativeMap } from '../base/native';
import { Buffers, canExport } from './buffers';
import { Callbacks } from './callbacks';
import { Earlier } from './earlier';
import { type FaultListener, FaultMonitor, type Faults } from './faults';

/** The codes of a disk that does not keep what was written. */
const LOSSES = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'ENXIO', 'EROFS']);

/** The codes of having no room for one more mapping: in the kernel's list, or in the fault guard's. */
const NO_ROOM = new Set(['ENOMEM', 'ERR_MMAP_UNSUPPORTED']);

/** A range of bytes: the first, and the one after the last. */
export type Span = readonly [start: number, end: number];

/** Where a map comes from. */
export interface Origin {
  /** The path that errors name; null for descriptors and anonymous memory. */
  path: string | null;
  /** Where the map begins in its file, in bytes. */
  offset: number;
  /** The length asked for at open; null for "to the end of the file". */
  requested: number | null;
}

/** The memory behind one public map. */
export class Memory<Native extends NativeMap = NativeMap> {
  readonly path: string | null;
  readonly offset: number;
  readonly shared: boolean;
  /** The number of bytes; 0 once closed. */
  length: number;
  /**
   * Counts up when the memory is closed or replaced, which ends what runs on it. Not where it only
   * grows, unless that takes the mappings of earlier lengths.
   */
  generation = 0;
  /** Whether a resize is under way. */
  isResizing = false;
  #requested: number | null;
  #watchers: Callbacks<boolean> | undefined;
  #native: Native | null;
  #monitor: FaultMonitor;
  #buffers: Buffers;
  /** What the map was before its file grew. */
  #earlier: Earlier | undefined;
  readonly #onFault: FaultListener | undefined;
  /** The last write-back error. The kernel reports it once; every call repeats it until refresh(). */
  #writeError: MmapError | null = null;

  /**
   * @param shared - Whether ArrayBuffers over the memory are SharedArrayBuffers.
   * @param onFault - Called after faults.
   */
  constructor(
    nativeMap: Native,
    { path, offset, requested }: Origin,
    shared: boolean,
    onFault?: FaultListener,
  ) {
    this.path = path;
    this.offset = offset;
    this.shared = shared;
    this.length = nativeMap.length;
    this.#requested = requested;
    this.#onFault = onFault;
    this.#native = nativeMap;
    this.#monitor = new FaultMonitor(nativeMap, path, onFault);
    this.#buffers = new Buffers(nativeMap, this.#monitor, this);
  }

  get closed(): boolean {
    return this.#native === null;
  }

  /**
   * Called before the native map is closed (`true`) or replaced (`false`): what waits on it has to
   * stop.
   */
  get watchers(): Callbacks<boolean> {
    this.#watchers ??= new Callbacks();
    return this.#watchers;
  }

  /** The native map, whatever has happened to its bytes. Throws where the map is closed. */
  get native(): Native {
    if (this.#native === null) throw closedError(this.path);
    return this.#native;
  }

  /** The native map. Throws where the map is closed or has lost bytes. */
  usable(): Native {
    const open = this.native;
    if (this.#writeError !== null) throw this.#writeError;
    this.#report();
    return open;
  }

  /**
   * Throws where the map is closed or has lost bytes. An answer made of mapped bytes is given only
   * after this: it is the read itself that faults.
   */
  assertUsable(): void {
    this.usable();
  }

  /** Throws where the map was closed, became shorter or was mapped afresh since that generation. */
  assertUnchanged(generation: number): void {
    if (this.generation !== generation) {
      throw this.closed ? closedError(this.path) : changedError(this.path);
    }
  }

  /**
   * The range from `start` to `end`, after a look at the map.
   *
   * @param prefix - What precedes the names of the two in errors, such as `'options.'`.
   */
  range(start: Integer | undefined, end: Integer | undefined, prefix = ''): Span {
    this.assertUsable();
    return checkRange(start, end, this.length, prefix);
  }

  /** Runs a native call. Throws what happened to the memory before or during it. */
  call<T>(work: (open: Native) => T): T {
    const open = this.usable();
    const result = attempt(() => work(open), this.path);
    this.#report();
    return result;
  }

  /** Throws what has happened to the memory. */
  #report(): void {
    if (this.#monitor.raised) this.#monitor.report(this.length);
    if (this.#earlier?.raised) this.#earlier.report(this.length);
  }

  /**
   * Runs a native call that writes `start` to `end` to the disk. A failure that loses bytes is
   * repeated by every later call.
   */
  callWriteBack(start: number, end: number, work: (open: Native) => void): void {
    const open = this.usable();
    try {
      work(open);
    } catch (error) {
      throw this.rememberLoss(error, start, end);
    }
    this.assertUsable();
  }

  /** One word that is 0 while the guard has nothing to report, for the fast paths of locks. */
  get faultFlags(): Uint32Array {
    return this.#monitor.flags;
  }

  /** What the fault guard has survived since the map was opened or refreshed. */
  get faults(): Faults {
    const { faults } = this.#monitor;
    return this.#earlier?.faults(faults) ?? faults;
  }

  /** Whether every byte is that of the file. Only {@link replace} makes it so again. */
  get isWhole(): boolean {
    const { truncated, io, strayWrites } = this.faults;
    return this.#writeError === null && !truncated && io === null && strayWrites === 0;
  }

  /**
   * The public error for a refusal to write `start` to `end` to the disk, which is remembered where
   * it means that bytes are lost.
   */
  rememberLoss(error: unknown, start: number, end: number): unknown {
    const refusal = fromNative(error, this.path);
    if (!(refusal instanceof MmapError) || !LOSSES.has(refusal.code)) return refusal;
    this.#writeError = new MmapError(
      'ERR_MMAP_IO',
      `the bytes ${start} to ${end} could not be written to the file (${refusal.message}); what ` +
        'was written there since the last flush may be lost. Call refresh() to go on with the map',
      this.path,
      refusal.syscall === undefined || refusal.errno === undefined
        ? undefined
        : { syscall: refusal.syscall, errno: refusal.errno },
    );
    return this.#writeError;
  }

  /** The whole map as one Buffer, the same one every time. */
  get buffer(): Buffer {
    this.assertUsable();
    return this.#buffers.whole;
  }

  /** The ArrayBuffer that has the bytes `start` to `end`, and where they begin in it. */
  locate(start: number, end: number): { arrayBuffer: ArrayBufferLike; byteOffset: number } {
    this.assertUsable();
    return this.#buffers.locate(start, end);
  }

  /** The bytes `start` to `end` as a Buffer. */
  bytes(start: number, end: number): Buffer {
    this.assertUsable();
    return this.#buffers.bytes(start, end);
  }

  /** An ArrayBuffer over the bytes `start` to `end` that no other Buffer is over. */
  own(start: number, end: number): ArrayBuffer {
    this.assertUsable();
    return this.#buffers.own(start, end);
  }

  /**
   * The bytes `start` to `end` as a Buffer with an ArrayBuffer of its own: a copy where none can be
   * made over the map.
   */
  ownBytes(start: number, end: number): Buffer<ArrayBuffer> {
    if (!canExport) return this.copy(start, end);
    const arrayBuffer = this.own(start, end);
    const length = end - start;
    return Buffer.from(arrayBuffer, arrayBuffer.byteLength - length, length);
  }

  /**
   * The bytes `start` to `end` for reading them at once, after which the caller asserts that none is
   * lost: a copy where no ArrayBuffer can be made.
   */
  transient(start: number, end: number): Buffer {
    return canExport ? this.bytes(start, end) : this.copy(start, end);
  }

  /** A copy of the bytes `start` to `end`, none of which is lost. */
  copy(start: number, end: number): Buffer<ArrayBuffer> {
    if (!canExport) {
      const target = Buffer.allocUnsafe(end - start);
      this.call((open) => open.copyOut(target, 0, start, end));
      return target;
    }
    const copy = Buffer.from(this.bytes(start, end));
    this.assertUsable();
    return copy;
  }

  /** The bytes `start` to `end` as a string, none of which is lost. */
  text(start: number, end: number, encoding: BufferEncoding | undefined): string {
    const text = this.transient(start, end).toString(encoding);
    this.assertUsable();
    return text;
  }

  /** The current size of the whole file; null for anonymous memory. */
  get fileSize(): number | null {
    return attempt(() => this.native.fileSize(), this.path);
  }

  /** Whether the path leads to another file by now, or to none. */
  get isReplaced(): boolean {
    const { native, path } = this;
    return path !== null && !attempt(() => native.isAt(path), path);
  }

  /** The length that a map of a file of `size` bytes would have. */
  lengthWithin(size: number): number {
    const available = Math.max(0, size - this.offset);
    return Math.min(available, this.#requested ?? available);
  }

  /**
   * Throws where the memory cannot be exchanged for other memory, because SharedArrayBuffers of it
   * may be in use, perhaps in other threads, and would go on showing the old.
   */
  assertReplaceable(): void {
    if (!this.#buffers.isShared && !this.#earlier?.isShared) return;
    throw new MmapError(
      'ERR_MMAP_IN_USE',
      'a SharedArrayBuffer was made of the map, which cannot become shorter, move or be mapped afresh; ' +
        'close the map and open it anew instead',
      this.path,
    );
  }

  /**
   * Makes the map longer, where its file has that many bytes by now and none was lost. Everything that
   * was made of it stays, and goes on showing the file.
   *
   * @returns Whether that was possible: copy-on-write and anonymous memory can only grow where it is.
   * @throws The system's code; then the map is as it was.
   */
  grow(length: number): boolean {
    const open = this.native;
    if (attempt(() => open.grow(length), this.path)) {
      this.#buffers.grow(length);
    } else {
      const fresh = this.#beside(open, length);
      if (fresh === null) return false;
      if (this.#buffers.isExported) {
        this.#earlier ??= new Earlier();
        this.#earlier.add(this.#monitor, this.#buffers);
      } else this.#monitor.stop();
      this.#adopt(fresh);
    }
    this.length = length;
    return true;
  }

  /** Another map of the same file, beside which the present one stays for its Buffers. */
  #beside(open: Native, length: number): Native | null {
    const make = () => attempt(() => open.beside(length), this.path) as Native | null;
    try {
      return make();
    } catch (error) {
      const isOutOfRoom = error instanceof MmapError && NO_ROOM.has(error.code);
      if (!isOutOfRoom || !this.#earlier || this.#earlier.isShared) throw error;
      // Each length of before takes one of the mappings that the process may have. What uses them
      // ends, as if the map were mapped afresh.
      this.#endWork(false);
      this.#earlier.detach();
      this.#earlier = undefined;
      open.releaseEarlier();
      return make();
    }
  }

  #adopt(fresh: Native): void {
    this.#native = fresh;
    this.#monitor = new FaultMonitor(fresh, this.path, this.#onFault);
    this.#buffers = new Buffers(fresh, this.#monitor, this);
  }

  /** Ends what runs on the memory and what waits there. */
  #endWork(closing: boolean): void {
    this.#watchers?.callAll(closing);
    this.generation++;
  }

  #release(closing: boolean): void {
    this.#endWork(closing);
    this.#monitor.stop();
    this.#buffers.detach();
    this.#earlier?.detach();
    this.#earlier = undefined;
    this.#native?.close();
  }

  /** Goes on with another native map of the same file. */
  replace(fresh: Native): void {
    this.#release(false);
    this.#adopt(fresh);
    this.#writeError = null;
    this.length = fresh.length;
  }

  /** The map keeps the length that it has now, also where another one was asked for at open. */
  keepLength(): void {
    if (this.#requested !== null) this.#requested = this.length;
  }

  /** As {@link replace}, for a map that was given another length. */
  resize(fresh: Native): void {
    this.replace(fresh);
    this.keepLength();
  }

  /** Detaches the Buffers, and releases the file and the memory. Never throws. */
  close(): void {
    if (this.#native === null) return;
    this.#release(true);
    this.#native = null;
    this.length = 0;
  }
}
