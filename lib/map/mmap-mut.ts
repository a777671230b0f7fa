import type { FileLike, Integer } from '../base/arguments';
import { type NativeMutableMap, native } from '../base/native';
import { Atomic, type AtomicArrayConstructor } from '../memory/atomic';
import type { JobOptions } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { advise, MUTABLE_HINTS, type MutableHint } from '../memory/paging';
import * as writing from '../memory/writing';
import type { MapDescriptor } from './descriptor';
import { construct, type MapClass } from './memory-map';
import { createFile, createFileAsync, makeAnonymous, openDescriptor, openFile } from './open';
import type {
  AnonymousOptions,
  CreateOptions,
  MemoryOptions,
  OpenOptions,
  ResizeOptions,
} from './options';
import { resize, resizeAsync } from './resize';
import type { Shared } from './shared-views';
import { WritableMap } from './writable-map';

/**
 * A read-write map. What is written to it is written to the file, and other processes that map or
 * read the file see it at once. It reaches the disk when the system sees fit, or by {@link flush}.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 *
 * using map = MmapMut.create('new.bin', 4096);
 * map.buffer.writeUInt32LE(42, 0);
 * await map.flush();
 * ```
 */
export class MmapMut extends WritableMap {
  readonly #memory: Memory<NativeMutableMap>;

  /** There is no public constructor: call a static method such as `open()`. */
  protected constructor();
  /** @internal */
  protected constructor(memory: Memory<NativeMutableMap>);
  protected constructor(...[memory]: [memory?: Memory<NativeMutableMap>]) {
    super(memory as Memory<NativeMutableMap>);
    this.#memory = memory as Memory<NativeMutableMap>;
  }

  /**
   * Maps a file for reading and writing. Called on a class derived from this one, it makes an
   * instance of that class.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.open('data.bin', { offset: 8, length: 16 });
   * map.view(Float64Array)[0] = 2.5; // changes bytes 8 to 15 of the file
   * ```
   *
   * @param file - As for {@link Mmap.open}; a descriptor must be open for reading and writing.
   * @param options - Which part of the file, and how to map it.
   * @throws As {@link Mmap.open}.
   */
  static open<Class extends MapClass<MmapMut>>(
    this: Class | void,
    file: FileLike,
    options: OpenOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static open<Class extends MapClass<MmapMut>>(
    this: Class | void,
    file: FileLike,
    options?: OpenOptions,
  ): Class['prototype'];
  static open(this: MapClass<MmapMut> | void, file: FileLike, options?: OpenOptions): MmapMut {
    return construct(this ?? MmapMut, openFile(native.MmapMut, file, options));
  }

  /**
   * Maps for reading and writing the range that a descriptor names, whichever kind of map it is of.
   *
   * @param descriptor - As for {@link Mmap.from}.
   * @param options - As for {@link Mmap.from}.
   * @throws As {@link Mmap.from}.
   */
  static from<Class extends MapClass<MmapMut>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options: MemoryOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static from<Class extends MapClass<MmapMut>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): Class['prototype'];
  static from(
    this: MapClass<MmapMut> | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): MmapMut {
    return construct(this ?? MmapMut, openDescriptor(native.MmapMut, descriptor, options));
  }

  /**
   * Creates a file of zeros and maps it. Where anything fails, nothing is left behind.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.create('new.bin', 2 ** 20, { overwrite: true, mode: 0o600 });
   * map.length; // => 1048576
   * ```
   *
   * @param path - A path: string, Buffer or `file:` URL.
   * @param length - The file's length in bytes.
   * @param options - How to make the file, and how to map it.
   * @throws TypeError, RangeError; MmapError `EEXIST`, `ENOSPC`, `ENOENT`, ...
   */
  static create<Class extends MapClass<MmapMut>>(
    this: Class | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options: CreateOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static create<Class extends MapClass<MmapMut>>(
    this: Class | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options?: CreateOptions,
  ): Class['prototype'];
  static create(
    this: MapClass<MmapMut> | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options?: CreateOptions,
  ): MmapMut {
    return construct(this ?? MmapMut, createFile(path, length, options));
  }

  /**
   * As {@link MmapMut.create}, off the main thread: reserving disk space may take long where the
   * file system has no call for it and zeros are written instead.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = await MmapMut.createAsync('new.bin', 2 ** 20, { populate: true });
   * ```
   *
   * @param path - As for {@link MmapMut.create}.
   * @param length - The file's length in bytes.
   * @param options - As for {@link MmapMut.create}.
   * @throws Rejects as {@link MmapMut.create} throws.
   */
  static createAsync<Class extends MapClass<MmapMut>>(
    this: Class | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options: CreateOptions & { shared: true },
  ): Promise<Shared<Class['prototype']>>;
  static createAsync<Class extends MapClass<MmapMut>>(
    this: Class | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options?: CreateOptions,
  ): Promise<Class['prototype']>;
  static async createAsync(
    this: MapClass<MmapMut> | void,
    path: string | Uint8Array | URL,
    length: Integer,
    options?: CreateOptions,
  ): Promise<MmapMut> {
    return construct(this ?? MmapMut, await createFileAsync(path, length, options));
  }

  /**
   * Maps zeros that belong to no file: memory outside the JavaScript heap, released by
   * {@link close}. Pages take memory only once they are written.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(2 ** 20);
   * map.write('Hello'); // takes one page of memory
   * map.subarray(0, 6); // => <Buffer 48 65 6c 6c 6f 00>
   * ```
   *
   * @param length - The number of bytes.
   * @param options - How to make the memory.
   * @throws TypeError, RangeError; MmapError `ENOMEM`, `ERR_MMAP_UNSUPPORTED`.
   */
  static anonymous<Class extends MapClass<MmapMut>>(
    this: Class | void,
    length: Integer,
    options: AnonymousOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static anonymous<Class extends MapClass<MmapMut>>(
    this: Class | void,
    length: Integer,
    options?: AnonymousOptions,
  ): Class['prototype'];
  static anonymous(
    this: MapClass<MmapMut> | void,
    length: Integer,
    options?: AnonymousOptions,
  ): MmapMut {
    return construct(this ?? MmapMut, makeAnonymous(length, options));
  }

  /**
   * As {@link MemoryMap.advise}, with hints that discard bytes. Those apply to the whole pages
   * within the range only, so that no byte outside it is discarded.
   *
   * - `'dontneed'`: anonymous memory reads as zeros afterwards; of a file nothing is lost.
   * - `'free'`: anonymous memory only. The system may take the pages, which then read as zeros,
   *   until they are written again.
   * - `'remove'`: makes a hole in the file: the pages read as zeros, in every process, and take no
   *   disk space. False where the file system cannot.
   * - `'free-reusable'`, `'free-reuse'`: as `'free'`, macOS.
   * - `'populate-write'`: as `'populate-read'`, and as if each page had been written.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.anonymous(2 ** 20);
   * map.fill(1);
   * map.advise('dontneed', 0, 4096); // those pages are zeros again (Linux)
   * ```
   *
   * @param hint - The use of the range.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint.
   * @throws As {@link MemoryMap.advise}.
   */
  override advise(hint: MutableHint, start?: Integer, end?: Integer): boolean {
    return advise(this.#memory, MUTABLE_HINTS, hint, start, end);
  }

  /**
   * Writes changed pages to the disk, off the main thread; resolves when they are there. Anonymous
   * memory has nothing to flush.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.open('data.bin');
   * map.write('header');
   * await map.flush(0, 4096, { signal: AbortSignal.timeout(60_000) });
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it. It works in chunks of 64 MiB.
   * @throws Rejects with a TypeError, a RangeError or an AbortError; MmapError `ERR_MMAP_IO` where
   * the disk refused: then changes are lost, and every later call throws it until {@link refresh}.
   */
  async flush(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    return writing.flush(this.#memory, start, end, options);
  }

  /**
   * As {@link flush}. Blocks until the disk has written everything.
   *
   * @throws TypeError, RangeError; MmapError as {@link flush}.
   */
  flushSync(start?: Integer, end?: Integer): void {
    writing.flushSync(this.#memory, start, end);
  }

  /**
   * Gives the file (or the anonymous memory) a new length. What is added reads as zeros. Where it
   * fails, file and map stay as they were.
   *
   * A greater length detaches nothing: what was made of the map before stays as it is, as by
   * {@link refresh}. Only anonymous memory is moved, and its Buffers detached, where it cannot be
   * extended in place: beyond its last page that is possible on Linux alone, and only where the addresses
   * behind it are free. A smaller length detaches every Buffer made from the map before.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   *
   * using map = MmapMut.create('new.bin', 4096);
   * const before = map.buffer;
   * map.resize(8192);
   * map.buffer.length; // => 8192
   * before.length; // => 4096
   * ```
   *
   * @param length - The new length of the map in bytes. The map must reach the end of its file,
   * since truncating the file would lose bytes that the map does not show.
   * @param options - How to lengthen the file.
   * @throws TypeError; RangeError also for a map of the middle of a file; MmapError
   * `ERR_MMAP_IN_USE` where a SharedArrayBuffer was made of the map that would become shorter or move,
   * and while {@link resizeAsync} is under way; `ENOSPC`, `EFBIG`, ...
   */
  resize(length: Integer, options?: ResizeOptions): void {
    resize(this.#memory, length, options);
  }

  /**
   * As {@link resize}, off the main thread where it may take long: while disk space is reserved. The
   * memory of an anonymous map is copied on the main thread.
   *
   * @param length - As for {@link resize}.
   * @param options - As for {@link resize}.
   * @throws Rejects as {@link resize} throws; MmapError `ERR_MMAP_CHANGED` where the map was resized
   * or refreshed meanwhile.
   */
  async resizeAsync(length: Integer, options?: ResizeOptions): Promise<void> {
    return resizeAsync(this.#memory, length, options);
  }

  /**
   * Returns a word of the map for atomic operations, and for waiting until another thread or
   * process changes it.
   *
   * @param offset - Where it begins, in bytes. `map.offset + offset` must be a multiple of its size.
   * @param type - `Int32Array` (the default), `Uint32Array`, `BigInt64Array` or `BigUint64Array`.
   * @throws TypeError, RangeError.
   */
  atomic<Type extends AtomicArrayConstructor = Int32ArrayConstructor>(
    offset: Integer,
    type?: Type,
  ): Atomic<Type> {
    return new Atomic(this.#memory, offset, type === undefined ? (Int32Array as Type) : type);
  }
}
