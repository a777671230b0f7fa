import type { Readable } from 'node:stream';
import { type InspectOptions, inspect } from 'node:util';
import type { Integer } from '../base/arguments';
import { illegalConstructor } from '../base/errors';
import type { Faults } from '../memory/faults';
import type { JobOptions } from '../memory/jobs';
import { Memory } from '../memory/memory';
import * as paging from '../memory/paging';
import * as reading from '../memory/reading';
import * as views from '../memory/views';
import { Cursor } from '../read/cursor';
import type { LineIndex } from '../read/line-index';
import * as lines from '../read/lines';
import { type ReadableOptions, readable } from '../read/readable';
import { createReadStream, type ReadStreamOptions } from '../read/stream';
import type { ThreadedJobOptions } from '../search/concurrency';
import * as find from '../search/find';
import * as matches from '../search/matches';
import type { Needle, Pattern } from '../search/pattern';
import { describe, type MapDescriptor } from './descriptor';
import { refresh } from './resize';

/** The memory of a map, for the modules of memmap. */
export let memoryOf: (map: MemoryMap) => Memory;

/**
 * A class of maps, or a class derived from one: what its static methods are called on, and make an
 * instance of.
 */
export interface MapClass<Kind extends MemoryMap> {
  /** The class's prototype, which has the type of its instances. */
  readonly prototype: Kind;
}

/** Makes an instance of the class that a static method was called on. */
export function construct<Kind extends MemoryMap>(mapClass: MapClass<Kind>, memory: Memory): Kind {
  return new (mapClass as unknown as new (memory: Memory) => Kind)(memory);
}

/**
 * A map of a file or of memory: what {@link Mmap}, {@link MmapMut} and {@link MmapCow} have in
 * common.
 *
 * A Buffer made from a map keeps the mapped memory alive, even after the map object is garbage
 * collected. A map that is dropped without {@link close} is unmapped when it and all its Buffers
 * have been collected; until then it holds one file descriptor. Declare a map with `using`, or call
 * {@link close}, to release both at once.
 *
 * Every method except {@link close}, {@link refresh}, {@link fileSize} and {@link faults} throws MmapError
 * `ERR_MMAP_CLOSED` on a closed map, `ERR_MMAP_TRUNCATED` or `ERR_MMAP_IO` where bytes of the map
 * are lost, and once `ERR_MMAP_READ_ONLY` after a write into the Buffer of a read-only map.
 * Promises, iterators and streams that are in use when the map is closed fail with `ERR_MMAP_CLOSED`;
 * when it becomes shorter or is mapped afresh, with `ERR_MMAP_CHANGED`. When it only grows they go on.
 *
 * Arguments are never coerced. A wrong type throws a TypeError with the code
 * `ERR_INVALID_ARG_TYPE`, and a value out of range a RangeError with the code `ERR_OUT_OF_RANGE`.
 *
 * ```js
 * import { Mmap } from 'memmap';
 *
 * using map = Mmap.open('data.bin');
 * map.buffer.readUInt32LE(0);
 * await map.count('needle');
 * ```
 */
export abstract class MemoryMap {
  readonly #memory: Memory;

  static {
    memoryOf = (map) => map.#memory;
  }

  /** There is no public constructor: call a static method such as `open()`. */
  protected constructor();
  /** @internal */
  protected constructor(memory: Memory);
  protected constructor(memory?: Memory) {
    if (!(memory instanceof Memory)) throw illegalConstructor(new.target.name);
    this.#memory = memory;
  }

  /** The number of bytes; 0 once the map is closed. */
  get length(): number {
    return this.#memory.length;
  }

  /** Where the map begins in its file, in bytes. */
  get offset(): number {
    return this.#memory.offset;
  }

  /**
   * The current size of the whole file in bytes; null for anonymous memory. One `fstat`.
   *
   * @throws MmapError with the system's code.
   */
  get fileSize(): number | null {
    return this.#memory.fileSize;
  }

  /** The path that the map was opened with; null if it was a descriptor or is no file at all. */
  get path(): string | null {
    return this.#memory.path;
  }

  /**
   * Whether the path that the map was opened with leads to another file by now, or to none: it was
   * renamed, replaced or deleted, as log files are (`logrotate`). The map goes on with its own file.
   * One `stat`. Always false for a map that was opened by descriptor, and for anonymous memory.
   *
   * A relative path is looked up in the current folder.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, and with the system's code.
   */
  get replaced(): boolean {
    return this.#memory.isReplaced;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#memory.closed;
  }

  /** What the fault guard has survived since the map was opened or last refreshed. Never throws. */
  get faults(): Faults {
    return this.#memory.faults;
  }

  /**
   * The whole map as a Buffer: no copy, and the same object until the map grows. It is made on first use.
   * V8 then counts its length as memory, so that a first use may set off a garbage collection.
   *
   * The address of its first byte is aligned as `offset` is in the file: where `offset` is not a
   * multiple of eight, `buffer.byteOffset` is `offset % 8`, not 0.
   *
   * Closing the map detaches it: its length is 0 from then on. So does a {@link MmapMut.resize} or
   * {@link refresh} that makes the map shorter or maps it afresh. Where the map grows, it stays as it is,
   * and this is another, longer one; of a map with a `reserve`, over the same ArrayBuffer.
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED` where the map is longer than a Buffer of this runtime
   * can be (4 GiB on Node.js 20 and Bun): use {@link subarray} there; and on a runtime that takes no
   * memory from outside its heap (Electron): use {@link copy} there.
   */
  get buffer(): Buffer {
    return this.#memory.buffer;
  }

  /**
   * Returns a part of the map as a Buffer, without a copy. As with `Buffer.subarray`, negative
   * positions count from the end, and positions outside the map move to its nearest end.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * map.subarray(0, 9).toString(); // => '127.0.0.1'
   * map.subarray(-4, -1).toString(); // => '515'
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError for what is no integer; MmapError `ERR_MMAP_UNSUPPORTED` where the
   * part is longer than a Buffer of this runtime can be.
   */
  subarray(start?: Integer, end?: Integer): Buffer {
    return views.subarray(this.#memory, start, end);
  }

  /**
   * Copies bytes into a Buffer or Uint8Array, as `Buffer.copy` does: no more than the target has
   * room for, and none past the end of the map. The target may be a view of this map. Works also
   * where {@link buffer} is not supported.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * const header = Buffer.alloc(16);
   * map.copy(header, 0, 4, 12); // => 8
   * ```
   *
   * @param target - Where the bytes go. After an error its contents are undefined.
   * @param targetStart - The first byte of the target to write. Default 0.
   * @param start - The first byte of the map. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns The number of bytes copied; none of them is lost.
   * @throws TypeError; RangeError for a negative position, or a `start` past the end of the map.
   */
  copy(target: Uint8Array, targetStart?: Integer, start?: Integer, end?: Integer): number {
    return views.copy(this.#memory, target, targetStart, start, end);
  }

  /**
   * Returns a part of the map as a typed array, without a copy. Elements have the machine's byte
   * order (little-endian on every platform that Node.js runs on).
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * const prices = map.view(Float64Array, 16, 100); // 100 doubles from byte 16 on
   * prices.length; // => 100
   * ```
   *
   * @param type - The typed array's constructor, such as `Float64Array`.
   * @param offset - Where it begins in the map, in bytes. `map.offset + offset` must be a multiple
   * of the element's size. Default 0.
   * @param length - The number of elements. Default: as many whole ones as fit.
   * @throws TypeError, RangeError.
   */
  view<Type extends views.TypedArrayConstructor>(
    type: Type,
    offset?: Integer,
    length?: Integer,
  ): InstanceType<Type> {
    return views.view(this.#memory, type, offset, length);
  }

  /**
   * Returns a part of the map as a DataView, without a copy.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * map.dataView(8).getFloat64(0, true); // => 0.5
   * ```
   *
   * @param offset - Where it begins in the map, in bytes. Default 0.
   * @param length - The number of bytes. Default: up to the end of the map.
   * @throws TypeError, RangeError.
   */
  dataView(offset?: Integer, length?: Integer): DataView {
    return views.dataView(this.#memory, offset, length);
  }

  /**
   * Returns a part of the map as an ArrayBuffer, for libraries that take nothing else. It begins
   * with byte `start` and ends with the byte before `end`. Each call makes a new one, which no other
   * Buffer of the map uses: a library that takes its memory away takes nothing from them.
   *
   * Without a copy where `map.offset + start` is a multiple of 8, since an ArrayBuffer begins at an
   * aligned address; elsewhere, and where the runtime takes no memory from outside its heap
   * (Electron), it is a copy. Writes into it never reach the file: they stay in the copy, or the
   * fault guard reports them as it reports those into {@link buffer}. {@link close} detaches it,
   * unless it is a copy. Also with the option `shared` it is no SharedArrayBuffer.
   *
   * Node.js and Bun move no memory of maps to another thread (`postMessage` with a transfer list
   * throws a `DataCloneError`, or copies on Node.js 20): pass `copy: true` for what is to be moved.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * map.arrayBuffer().byteLength; // => 8192
   * map.arrayBuffer(3, 9).byteLength; // => 6
   * map.arrayBuffer(16, 32, { copy: false }).byteLength; // => 16
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - Whether to copy.
   * @throws TypeError; RangeError, also where `copy: false` is asked for and the position is not
   * aligned, and where there is no memory for a copy; MmapError `ERR_MMAP_UNSUPPORTED` where the
   * part is longer than a Buffer of this runtime can be.
   */
  arrayBuffer(start?: Integer, end?: Integer, options?: views.ArrayBufferOptions): ArrayBuffer {
    return views.arrayBuffer(this.#memory, start, end, options, false);
  }

  /**
   * Tells the system how a range is going to be used, so that it reads ahead or keeps pages
   * accordingly. These hints never change what is read; `docs/memory.md` says what each does and
   * which platform has it.
   *
   * Most hints take microseconds. `'populate-read'` and `'pageout'` do their work at once and may
   * block on the disk: {@link prefetch} is the former off the main thread.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using index = Mmap.open('data.bin');
   * index.advise('random'); // read no more than what is touched
   * index.advise('willneed', 0, 4096); // true where the system took the hint
   * ```
   *
   * @param hint - The use of the range.
   * @param start - The first byte. Default 0. The hint applies to the whole page around it.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint. False is no error: what
   * is read stays the same, it may only take longer.
   * @throws TypeError also for a hint that this kind of map does not allow; RangeError.
   */
  advise(hint: paging.Hint, start?: Integer, end?: Integer): boolean {
    return paging.advise(this.#memory, paging.HINTS, hint, start, end);
  }

  /**
   * Reads a range into memory, off the main thread, to avoid blocking on the disk later. It stays
   * until the system needs the memory for something else: see {@link mlock}. Private pages are not
   * copied, and anonymous memory takes no room.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * await map.prefetch(0, map.length, { signal: AbortSignal.timeout(60_000) });
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it, and how much is read at once. It works in chunks of 8 MiB,
   * on threads of its own.
   * @throws Rejects with a TypeError, a RangeError or an AbortError.
   */
  async prefetch(start?: Integer, end?: Integer, options?: paging.PrefetchOptions): Promise<void> {
    return paging.prefetch(this.#memory, start, end, options);
  }

  /**
   * As {@link prefetch}. Blocks on the disk: a second or more for each GiB that is not in memory.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * map.prefetchSync(0, map.length, { concurrency: 8 });
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - How much is read at once.
   * @throws TypeError, RangeError.
   */
  prefetchSync(start?: Integer, end?: Integer, options?: paging.ConcurrencyOptions): void {
    paging.prefetchSync(this.#memory, start, end, options);
  }

  /**
   * Returns a part of the map as a Buffer, without a copy, if all of it is in memory; null where
   * reading it would have to wait for the disk. Never blocks and reads nothing in. Takes less than a
   * microsecond for a few pages, and some 70 us for 256 MiB.
   *
   * What is in memory now may be evicted later, but hardly before the same turn of the event loop
   * ends. Null is also the answer where the system does not tell what is in memory: on Linux for a
   * file that this process neither owns nor may write, or of which the map keeps no descriptor; on
   * Windows for pages that are in memory, but not in the working set of this process. {@link read}
   * serves those.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * const record = map.tryRead(64, 128) ?? (await map.read(64, 128));
   * record.length; // => 64
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_UNSUPPORTED` as {@link subarray}.
   */
  tryRead(start?: Integer, end?: Integer): Buffer | null {
    return reading.tryRead(this.#memory, start, end);
  }

  /**
   * Brings the pages of a part of the map into memory, off the main thread, and gives it as a Buffer,
   * without a copy: reading that Buffer soon does not block on the disk. Reads no more than those
   * pages.
   *
   * Up to 16 threads of memmap's own, not those of libuv, serve all reads of the process, and give
   * the disk many at a time. They end when there has been nothing to read for a second. Private pages
   * are not copied.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * const signal = AbortSignal.timeout(1000);
   * const header = await map.read(0, 16, { signal });
   * header.readDoubleLE(8); // => 0.5
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To abort it.
   * @throws Rejects with a TypeError, a RangeError, or an AbortError at once when aborted; MmapError
   * `ERR_MMAP_CLOSED` at once when the map is closed, `ERR_MMAP_CHANGED` when it becomes shorter or is
   * mapped afresh (a map that only grows goes on),
   * `ERR_MMAP_TRUNCATED` where the file no longer has the bytes, `ERR_MMAP_IO` where the disk cannot
   * read them, `ERR_MMAP_UNSUPPORTED` as {@link subarray}.
   */
  async read(start?: Integer, end?: Integer, options?: reading.ReadOptions): Promise<Buffer> {
    return reading.read(this.#memory, start, end, options);
  }

  /**
   * Tells which pages of a range are in memory, so that reading them does not block on the disk.
   * The answer may be outdated when it arrives. Takes about a millisecond for each GiB.
   *
   * On Windows it tells which pages are in the working set of this process.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * const { pages, residentPages } = map.residency();
   * console.log(`${residentPages} of ${pages} pages are in memory`);
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_UNSUPPORTED` for a file that this process
   * neither owns nor may write: Linux does not tell.
   */
  residency(start?: Integer, end?: Integer): paging.Residency {
    return paging.residency(this.#memory, start, end);
  }

  /**
   * Reads a range into memory and keeps it there, until {@link munlock} or {@link close}. Blocks on
   * the disk: `await map.prefetch(start, end)` first.
   *
   * Private pages of a file are not copied. Locks do not add up: one `munlock` undoes any number of
   * them, except on macOS. They apply to whole pages.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ENOMEM`, `EPERM` or `EAGAIN` where that is more than
   * the process may lock: the message names the limit (`RLIMIT_MEMLOCK`; on Windows the minimum
   * working set); `ERR_MMAP_UNSUPPORTED` where so many parts of maps are locked or advised already
   * that the kernel would soon have no mappings left (Linux).
   */
  mlock(start?: Integer, end?: Integer): void {
    paging.mlock(this.#memory, start, end);
  }

  /**
   * Lets the system evict a range that {@link mlock} has locked. A range that was not locked is
   * fine, too.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_UNSUPPORTED` as for {@link mlock}.
   */
  munlock(start?: Integer, end?: Integer): void {
    paging.munlock(this.#memory, start, end);
  }

  /**
   * Evicts a range from memory and from the system's cache of the file, off the main thread, so
   * that the next read blocks on the disk: for measuring, or to make room. Changed pages are
   * written to the file first. Pages that another process maps or locks stay, and so do those that
   * are read meanwhile: {@link residency} tells. Files in shared memory (`/dev/shm`) have no disk
   * and stay as well. Linux caches files in units of up to 2 MiB: where one reaches beyond the
   * range, all of it is evicted.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin');
   * await map.evict(0, 4096, { onProgress: (done, total) => console.error(done / total) });
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it. It works in chunks of 64 MiB.
   * @throws Rejects with a TypeError, a RangeError or an AbortError; MmapError
   * `ERR_MMAP_UNSUPPORTED` on copy-on-write and anonymous maps, whose contents would be lost, for
   * locked pages, and on Windows; `ERR_MMAP_IO` where the disk refused changed pages.
   */
  async evict(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    return paging.evict(this.#memory, start, end, options);
  }

  /**
   * As {@link evict}. Blocks until the disk has written what was changed.
   *
   * @throws TypeError, RangeError; MmapError as {@link evict}.
   */
  evictSync(start?: Integer, end?: Integer): void {
    paging.evictSync(this.#memory, start, end);
  }

  /**
   * Describes where the map's range is found again: {@link Mmap.from}, {@link MmapMut.from} and
   * {@link MmapCow.from} map it in another thread or process, on every runtime. They refuse if
   * another file has taken its place. The map may be closed meanwhile.
   *
   * A file that was renamed since it was opened is found under its new name (Linux, macOS,
   * Windows).
   *
   * Anonymous memory is found by {@link MmapMut.from} in the threads of this process, while a map of
   * it is open: all of them see the same bytes, and closing one leaves the others. It cannot be
   * resized from then on (`ERR_MMAP_IN_USE`).
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('data.bin', { offset: 800, length: 80 });
   * const descriptor = structuredClone(map.descriptor()); // as postMessage and workerData do
   * using same = Mmap.from(descriptor); // in a worker, or in another process
   * same.view(Float64Array)[0]; // => 50
   * ```
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED` where no path leads to the file: it was deleted or
   * replaced, or never had a name.
   */
  descriptor(): MapDescriptor {
    return describe(this.#memory);
  }

  /**
   * Returns the first offset at which bytes are found, as `Buffer.indexOf`. Blocks while it
   * searches: some gigabytes a second in memory, or as fast as the disk reads.
   *
   * With the encoding `'utf16le'` Buffer looks at even offsets only; this looks at all of them.
   * Bytes that another process changes during a search may be found as they were or as they are.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const first = map.indexOf('GET');
   * const second = map.indexOf('GET', first + 1, 'latin1');
   * map.indexOf('GET', { start: 0, end: 100 }); // wholly within the first 100 bytes
   * ```
   *
   * @param needle - A string, bytes, or one byte (0 to 255: others are not wrapped).
   * @param start - Where to begin; negative counts from the end, outside the map moves to its
   * nearest end. Default 0. May be left out before `encoding`. Or an object with `start`, `end` and
   * `encoding` as {@link count} takes them: a range that must lie within the map.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The offset, or -1.
   * @throws TypeError, RangeError.
   */
  indexOf(needle: Needle, start?: find.PositionOrRange, encoding?: BufferEncoding): number {
    return find.indexOf(this.#memory, needle, start, encoding);
  }

  /**
   * Returns the last offset at which bytes are found, as `Buffer.lastIndexOf`; else as
   * {@link indexOf}.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * map.lastIndexOf('GET', -1, 'latin1');
   * ```
   *
   * @param needle - As for {@link indexOf}.
   * @param start - The last offset at which they may begin; negative counts from the end. Default:
   * the end of the map. Or an object with the range in which they lie, as for {@link indexOf}.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @returns The offset, or -1.
   * @throws TypeError, RangeError.
   */
  lastIndexOf(needle: Needle, start?: find.PositionOrRange, encoding?: BufferEncoding): number {
    return find.lastIndexOf(this.#memory, needle, start, encoding);
  }

  /**
   * Tells whether bytes are found, as `Buffer.includes`; else as {@link indexOf}.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * map.includes('GET', 0, 'latin1'); // => true
   * ```
   *
   * @param needle - As for {@link indexOf}.
   * @param start - As for {@link indexOf}.
   * @param encoding - How to encode a string. Default `'utf8'`.
   * @throws TypeError, RangeError.
   */
  includes(needle: Needle, start?: find.PositionOrRange, encoding?: BufferEncoding): boolean {
    return find.indexOf(this.#memory, needle, start, encoding) !== -1;
  }

  /**
   * Counts the matches of a pattern, off the main thread, in chunks of some milliseconds.
   *
   * Matches never overlap: after one, the search goes on behind it (after an empty one, a byte
   * later). Of several needles the leftmost match counts; where several begin at the same byte, the
   * needle that was listed first. An empty needle matches at every offset, the end included; it
   * cannot be one of several.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * await map.count('GET'); // => 4
   * await map.count(['about', 'missing']); // => 2
   * await map.count(/" 4\d\d /, { signal: AbortSignal.timeout(60_000) }); // => 1
   * ```
   *
   * @param pattern - A needle, several, or a RegExp (see {@link exec}).
   * @param options - Where to look, and how to watch or abort it. A RegExp is searched for in
   * windows, as by {@link scan}.
   * @throws Rejects with a TypeError, a RangeError or an AbortError; MmapError
   * `ERR_MMAP_UNSUPPORTED` for a RegExp that is refused.
   */
  async count(
    pattern: Pattern,
    options?: find.SearchOptions & ThreadedJobOptions,
  ): Promise<number> {
    return find.count(this.#memory, pattern, options);
  }

  /**
   * As {@link count}. Blocks until the whole range is searched.
   *
   * @throws TypeError, RangeError; MmapError as {@link count}.
   */
  countSync(pattern: Pattern, options?: find.SearchOptions): number {
    return find.countSync(this.#memory, pattern, options);
  }

  /**
   * Lists the offsets of all matches, off the main thread, in chunks of some milliseconds.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const starts = await map.findAll('\n127.0.0.1', { limit: 1000 }); // a Float64Array of offsets
   * map.buffer[starts[0]]; // => 10
   * const { which } = await map.findAll(['about', 'missing'], { which: true });
   * which; // => Uint32Array(2) [ 0, 1 ]
   * ```
   *
   * @param pattern - As for {@link count}.
   * @param options - Where to look, how many to list, and how to watch or abort it. With
   * `which: true` the promise is for an object that also tells which needle each match is.
   * @throws Rejects as {@link count}; MmapError `ENOMEM` where the list does not fit into memory.
   */
  findAll(
    pattern: Pattern,
    options: find.FindOptions & ThreadedJobOptions & { which: true },
  ): Promise<find.Finds>;
  findAll(
    pattern: Pattern,
    options?: find.FindOptions & ThreadedJobOptions & { which?: false | undefined },
  ): Promise<Float64Array>;
  async findAll(
    pattern: Pattern,
    options?: find.FindOptions & ThreadedJobOptions,
  ): Promise<Float64Array | find.Finds> {
    return find.findAll(this.#memory, pattern, options);
  }

  /**
   * As {@link findAll}. Blocks until the whole range is searched.
   *
   * @throws TypeError, RangeError; MmapError as {@link findAll}.
   */
  findAllSync(pattern: Pattern, options: find.FindOptions & { which: true }): find.Finds;
  findAllSync(
    pattern: Pattern,
    options?: find.FindOptions & { which?: false | undefined },
  ): Float64Array;
  findAllSync(pattern: Pattern, options?: find.FindOptions): Float64Array | find.Finds {
    return find.findAllSync(this.#memory, pattern, options);
  }

  /**
   * Finds the first match of a regular expression. Blocks while it searches.
   *
   * A regular expression sees the bytes of the map as characters with the same numbers (latin1): `.`
   * and `\xe9` are one byte, `é` in UTF-8 is two. It finds the matches and groups that JavaScript
   * finds in such a string. Patterns for which that cannot be are refused: lookaround,
   * backreferences, repetitions of what can match nothing, optional groups inside repetitions;
   * `docs/search.md` lists them. In exchange, the time of a search is always in proportion to the
   * bytes it looks at: no pattern can hang it.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const match = map.exec(/GET (?<path>\S+) HTTP\/1.1" 404/);
   * match?.bytes('path')?.toString(); // => '/missing'
   * match?.toString(); // => 'GET /missing HTTP/1.1" 404'
   * ```
   *
   * @param pattern - A RegExp, or the source of one. Keep a RegExp that is used often: it is
   * translated once. Its `lastIndex` is neither read nor written.
   * @param start - Where the match may begin. Assertions see what is before. Default 0.
   * @returns The match, or null.
   * @throws TypeError, RangeError, SyntaxError; MmapError `ERR_MMAP_UNSUPPORTED` for a pattern that
   * is refused.
   */
  exec(pattern: RegExp | string, start?: Integer): matches.Match | null {
    return matches.exec(this.#memory, pattern, start);
  }

  /**
   * Iterates over the matches of a regular expression, as `String.matchAll`. It searches as the
   * iterator is asked, for a few matches at a time. Blocks while it searches.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * for (const match of map.matchAll(/GET (?<path>\S+)/)) {
   *   console.log(match.index, match.bytes('path')?.toString());
   * }
   * ```
   *
   * @param pattern - As for {@link exec}. It needs no `g` flag.
   * @param options - Where to look. Assertions see the bytes before `start`; for them, `end` is the
   * end of the bytes.
   * @throws As {@link exec}.
   */
  matchAll(pattern: RegExp | string, options?: find.RangeOptions): IterableIterator<matches.Match> {
    return matches.matchAll(this.#memory, pattern, options);
  }

  /**
   * Iterates over matches while background threads search ahead in chunks of 8 to 32 MiB. The event
   * loop stays free. With `concurrency: 1` no more is searched than is asked for. Aborting and leaving
   * the loop end the work.
   *
   * Needles of any length are found across the borders of chunks, each match once. A regular
   * expression sees up to 262,144 bytes behind its chunk: a match of up to that many bytes is found
   * as {@link matchAll} finds it, provided that none of the pattern's other ways to match from
   * there on would be longer; longer ones may be truncated or missed.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * for await (const match of map.scan(/" 404 \d+/, { signal: AbortSignal.timeout(60_000) })) {
   *   console.log(match.index, match.toString());
   *   break; // what is searched ahead ends
   * }
   * ```
   *
   * @param pattern - As for {@link count}; a string is a needle here.
   * @param options - Where to look, and how to watch or abort it.
   * @throws TypeError, RangeError, MmapError `ERR_MMAP_UNSUPPORTED` at once; an AbortError on the
   * way.
   */
  scan(
    pattern: Pattern,
    options?: matches.ScanOptions,
  ): AsyncGenerator<matches.Match, void, undefined> {
    return matches.scan(this.#memory, pattern, options);
  }

  /**
   * Iterates over lines, which it finds as the iterator is asked. Blocks on the disk, and until it
   * has found the end of a line, however long that is.
   *
   * A line ends after a `\n`; a `\r` before it belongs to the ending. A `\r` alone ends no line.
   * Bytes after the last `\n` are a line, too: a file that ends with `\n` has as many lines as
   * `\n`, and an empty file has none.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * for (const line of map.lines({ encoding: 'utf8' })) {
   *   if (line.includes(' 404 ')) console.log(line);
   * }
   * Array.from(map.lines()).length; // => 4
   * ```
   *
   * @param options - Where to look, and how to give the lines. A line that begins before `start` or
   * ends after `end` is truncated there.
   * @throws TypeError, RangeError.
   */
  lines(options: lines.StringLineOptions): IterableIterator<string>;
  lines(options?: lines.LineOptions & { encoding?: undefined }): IterableIterator<Buffer>;
  lines(options?: lines.LineOptions): IterableIterator<Buffer | string>;
  lines(options?: lines.LineOptions): IterableIterator<Buffer | string> {
    return lines.lines(this.#memory, options);
  }

  /**
   * Counts lines, off the main thread, in chunks of some milliseconds.
   *
   * @param options - Where to look, and how to watch or abort it.
   * @throws Rejects with a TypeError, a RangeError or an AbortError.
   */
  async lineCount(options?: find.RangeOptions & ThreadedJobOptions): Promise<number> {
    return lines.lineCount(this.#memory, options);
  }

  /**
   * As {@link lineCount}. Blocks until all are counted.
   *
   * @throws TypeError, RangeError.
   */
  lineCountSync(options?: find.RangeOptions): number {
    return lines.lineCountSync(this.#memory, options);
  }

  /**
   * Builds an index that finds any line at once, however far into the file and however long the
   * lines. It is built off the main thread in one pass, in chunks of some milliseconds, and takes
   * 8 bytes for each 4 KiB of the map: 2 MiB for 1 GiB.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const index = await map.lineIndex({ encoding: 'utf8' });
   * index.length; // => 4
   * index.line(2).slice(-7); // => '404 514'
   * ```
   *
   * @param options - The part to index, how to give its lines, and how to watch or abort it.
   * @throws As {@link lineCount}.
   */
  lineIndex(
    options: lines.LineIndexOptions & { encoding: BufferEncoding } & ThreadedJobOptions,
  ): Promise<LineIndex<string>>;
  lineIndex(
    options?: lines.LineIndexOptions & { encoding?: undefined } & ThreadedJobOptions,
  ): Promise<LineIndex<Buffer>>;
  async lineIndex(options?: lines.LineIndexOptions & ThreadedJobOptions): Promise<LineIndex> {
    return lines.lineIndex(this.#memory, options);
  }

  /**
   * As {@link lineIndex}. Blocks until all is read.
   *
   * @throws As {@link lineCountSync}.
   */
  lineIndexSync(options: lines.LineIndexOptions & { encoding: BufferEncoding }): LineIndex<string>;
  lineIndexSync(options?: lines.LineIndexOptions & { encoding?: undefined }): LineIndex<Buffer>;
  lineIndexSync(options?: lines.LineIndexOptions): LineIndex {
    return lines.lineIndexSync(this.#memory, options);
  }

  /**
   * Makes a cursor: a position in the map that moves as it is read.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const cursor = map.cursor();
   * cursor.readUntil(' ')?.toString(); // => '127.0.0.1 '
   * cursor.seek(-4, 'end');
   * cursor.readLine({ encoding: 'utf8' }); // => '515'
   * ```
   *
   * @param position - Where it begins, in bytes. Default 0.
   * @throws TypeError, RangeError.
   */
  cursor(position?: Integer): Cursor {
    return new Cursor(this.#memory, position);
  }

  /**
   * Makes a stream of the map's bytes, for consumers that take a stream. Its chunks are copies,
   * checked for lost bytes: consumers such as zlib read them long after the stream has ended. It
   * reads ahead off the main thread.
   *
   * ```js
   * import { createWriteStream } from 'node:fs';
   * import { pipeline } from 'node:stream/promises';
   * import { createGzip } from 'node:zlib';
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * await pipeline(map.createReadStream(), createGzip(), createWriteStream('access.log.gz'));
   * ```
   *
   * @param options - The part of the map. `end` is the byte after the last here, unlike in
   * `fs.createReadStream`.
   * @returns A stream that fails where the map is closed, becomes shorter or is mapped afresh before the
   * end was read.
   * @throws TypeError, RangeError.
   */
  createReadStream(options?: ReadStreamOptions): Readable {
    return createReadStream(this.#memory, options);
  }

  /**
   * Makes a web stream of the map's bytes, such as the body of a `Response` or a request. It reads
   * ahead off the main thread, and nothing before the stream is read from.
   *
   * Its chunks are Buffers over the map, without a copy, each with an ArrayBuffer of its own: a
   * consumer that takes its memory away takes nothing from the map. They share the fate of {@link buffer}:
   * {@link close} detaches them, bytes that the file loses read as zeros, and what a consumer
   * writes into a chunk of a writable map is written to the map. So close the map when the consumer
   * is done with the last chunk, not as soon as the stream has ended.
   *
   * With `type: 'bytes'` it is a byte stream, which copies: into the view that a reader brings, or
   * into one that the stream makes. These chunks belong to the consumer, and none has lost bytes.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log');
   * const response = new Response(map.readable({ end: 9 }));
   * await response.text(); // => '127.0.0.1'
   * ```
   *
   * @param options - The part of the map, and the kind of the stream.
   * @returns A stream that fails where the map is closed, becomes shorter or is mapped afresh before the
   * end was read, or has lost bytes that were in a chunk.
   * @throws TypeError, RangeError.
   */
  readable(options: ReadableOptions & { type: 'bytes' }): ReadableStream<Uint8Array<ArrayBuffer>>;
  readable(options?: ReadableOptions & { type?: undefined }): ReadableStream<Buffer<ArrayBuffer>>;
  readable(options?: ReadableOptions): ReadableStream<Uint8Array<ArrayBuffer>>;
  readable(options?: ReadableOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
    return readable(this.#memory, options);
  }

  /**
   * Maps the file at its current size: for a log that grew, or a file that was truncated. A map
   * opened with a `length` never becomes longer than that. It also lets the map go on after a fault
   * or a failed flush: in that case the file is always mapped afresh, the error is cleared, and
   * pages that were lost or private show the file again.
   *
   * Where the file only grew, everything that was made of the map before stays as it is and goes on:
   * Buffers, views, streams, iterators, searches, locks and waits. Otherwise all Buffers made from it
   * before are detached, and changes to a copy-on-write map are gone. So they are also where a
   * copy-on-write map grows beyond its `reserve`.
   *
   * ```js
   * import { appendFileSync } from 'node:fs';
   * import { Mmap } from 'memmap';
   *
   * using map = Mmap.open('access.log', { reserve: 2 ** 30 });
   * const before = map.buffer;
   * appendFileSync('access.log', 'another line\n');
   * map.refresh(); // => true
   * map.length - before.length; // => 13
   * ```
   *
   * Each length that has Buffers keeps one of the mappings that the kernel allows the process, until
   * they are collected; where three quarters of those are in use, the Buffers of earlier lengths are
   * detached. Within a `reserve` there is one mapping only.
   *
   * @returns Whether the map changed.
   * @throws MmapError `ERR_MMAP_IN_USE` where a map of which a SharedArrayBuffer was made would become
   * shorter, or be mapped afresh; or the system's code; then the old map stays.
   */
  refresh(): boolean {
    return refresh(this.#memory);
  }

  /**
   * Closes the map. Every Buffer, typed array and DataView made from it is detached (its length is
   * 0 from then on), the file is released, pending promises reject with `ERR_MMAP_CLOSED`, and
   * every later call throws it. Never throws; closing twice is allowed.
   *
   * Pending operations on old Buffers (an `fs.read`, a zlib job) finish safely, but see zeros
   * instead of the file. Await them before you close: Node.js 20 aborts where a zlib job comes back
   * to a detached Buffer. Buffers over a SharedArrayBuffer (option `shared`) keep their length and
   * show zeros. Bun detaches no Buffer that a pending operation uses: it shows zeros, too.
   *
   * Changes that were made to a file reach it all the same; only {@link MmapMut.flush} says when.
   *
   * ```js
   * import { Mmap } from 'memmap';
   *
   * const map = Mmap.open('data.bin');
   * const bytes = map.buffer;
   * try {
   *   bytes.length; // => 8192
   * } finally {
   *   map.close();
   * }
   * bytes.length; // => 0
   * ```
   */
  close(): void {
    this.#memory.close();
  }

  /** As {@link close}: `using map = Mmap.open(...)` closes the map at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal What `console.log` and `util.inspect` print. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { path, offset, length, closed } = this;
    return `${this.constructor.name} ${inspect({ path, offset, length, closed }, options)}`;
  }
}
