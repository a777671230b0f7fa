import { randomBytes } from 'node:crypto';
import { dirname, sep } from 'node:path';
import {
  checkBoolean,
  checkFilePath,
  checkInteger,
  checkOptions,
  checkRange,
  type FileLike,
  type Integer,
} from './arguments';
import { AtomicMap } from './atomic';
import type * as Binding from './binding';
import { checkJobOptions, inChunks, type JobOptions } from './chunks';
import { type MapDescriptor, reopenFile } from './descriptor';
import { attempt, fromNative, invalidValue, outOfRange, withAdvice } from './errors';
import { Memory } from './memory';
import { adviseMap, MUTABLE_HINTS, type MutableHint } from './memory-control';
import { CONSTRUCT, memoryOf, type OpenOptions, openFile } from './memory-map';
import { checkMemoryOptions, checkShared, type MemoryOptions, makeMemory } from './memory-options';
import { native } from './native';
import type { Shared } from './shared';

/** How {@link MmapMut.create} makes its file. */
export interface CreateOptions extends Omit<MemoryOptions, 'guard'> {
  /**
   * Whether a file of that name may be there already. It is replaced in one step when the new file
   * is complete; maps of the old file keep the old file. Windows replaces no file
   * that is mapped: `EPERM`. Default false: `EEXIST`.
   */
  overwrite?: boolean;
  /**
   * Whether to reserve the file's room on the disk, so that a full disk is an error now. Without,
   * the file is sparse and a full disk is found out when a page is written. Default true.
   */
  allocate?: boolean;
  /** The permission bits of the file, before the process's umask. Unix only. Default 0o666. */
  mode?: number;
}

/** How {@link MmapMut.anonymous} makes its memory. */
export interface AnonymousOptions {
  /**
   * Whether to use the huge pages that the administrator has reserved (`/proc/sys/vm/nr_hugepages`;
   * Linux only): the length must then be a multiple of their size, usually 2 MiB, and where too few
   * are free the call fails with `ENOMEM`. `'transparent'` instead asks the kernel to use huge
   * pages where it can, which never fails. Default false.
   */
  hugePages?: boolean | 'transparent';
  /**
   * Whether to map without setting room aside, so that the map can be larger than memory and swap
   * together: a page for which there is no room when it is first written gets the process killed.
   * Not together with reserved huge pages. Unix; elsewhere without effect. Default false.
   */
  noReserve?: boolean;
  /** Whether to allocate all pages before the call returns, which blocks. Default false. */
  populate?: boolean;
  /** As {@link MemoryOptions.shared}: memory that workers share, without any file. */
  shared?: boolean;
}

/** How {@link MmapMut.resize} lengthens a file. */
export interface ResizeOptions {
  /** Whether to reserve the room that is added, as for {@link CreateOptions.allocate}. */
  allocate?: boolean;
}

/** What one chunk of a flush writes: a fraction of a second on a slow disk. */
const FLUSH_CHUNK = 64 * 2 ** 20;

/**
 * A path beside `path` that no other file has. Its name does not begin with the file's: that may
 * have the greatest length already.
 */
function temporaryBeside(path: string | Uint8Array): string | Uint8Array {
  const name = `${sep}.memmap-${randomBytes(8).toString('hex')}.tmp`;
  if (typeof path === 'string') return dirname(path) + name;
  // latin1 maps bytes to characters and back one to one.
  return Buffer.from(dirname(Buffer.from(path).toString('latin1')) + name, 'latin1');
}

/**
 * A read-write map: what is written to it is written to the file, and other processes that map or
 * read the file see it at once. It reaches the disk when the system sees fit, or by {@link flush}.
 */
export class MmapMut extends AtomicMap {
  /**
   * Maps a file for reading and writing.
   *
   * @param file - As for {@link Mmap.open}; a descriptor must be open for reading and writing.
   * @param options - Which part of the file.
   * @throws As {@link Mmap.open}.
   */
  static open(file: FileLike, options: OpenOptions & { shared: true }): Shared<MmapMut>;
  static open(file: FileLike, options?: OpenOptions): MmapMut;
  static open(file: FileLike, options?: OpenOptions): MmapMut {
    return new MmapMut(...openFile(native.MmapMut, file, options));
  }

  /**
   * Maps for reading and writing what a descriptor tells of, whichever kind of map it is of.
   *
   * @param descriptor - As for {@link Mmap.from}.
   * @param options - As for {@link Mmap.from}.
   * @throws As {@link Mmap.from}.
   */
  static from(
    descriptor: MapDescriptor,
    options: MemoryOptions & { shared: true },
  ): Shared<MmapMut>;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): MmapMut;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): MmapMut {
    return new MmapMut(...reopenFile(native.MmapMut, descriptor, options));
  }

  /**
   * Creates a file of zeros and maps it. Where anything fails, nothing is left behind.
   *
   * @param path - A path: string, Buffer or `file:` URL.
   * @param length - The file's length in bytes.
   * @param options - See there.
   * @throws TypeError, RangeError; MmapError `EEXIST`, `ENOSPC`, `ENOENT`, ...
   */
  static create(
    path: string | Uint8Array | URL,
    length: Integer,
    options: CreateOptions & { shared: true },
  ): Shared<MmapMut>;
  static create(path: string | Uint8Array | URL, length: Integer, options?: CreateOptions): MmapMut;
  static create(
    path: string | Uint8Array | URL,
    length: Integer,
    options?: CreateOptions,
  ): MmapMut {
    const file = checkFilePath(path);
    const size = checkInteger(length, 'length');
    const given = checkOptions(options);
    const overwrite = checkBoolean(given.overwrite, 'options.overwrite', false);
    const allocate = checkBoolean(given.allocate, 'options.allocate', true);
    const { mode } = given;
    const bits = mode === undefined ? 0o666 : checkInteger(mode, 'options.mode', 0, 0o777);
    const memoryOptions = checkMemoryOptions(given);
    const temporary = overwrite ? temporaryBeside(file.source) : undefined;
    const created = attempt(
      () => native.MmapMut.create(file.source, temporary, size, allocate, bits),
      file.path,
    );
    return new MmapMut(CONSTRUCT, makeMemory(created, file.path, 0, memoryOptions), null);
  }

  /**
   * Maps zeros that belong to no file: memory outside the JavaScript heap, given back to the
   * system by {@link close}. Pages take room only once they are written.
   *
   * @param length - The number of bytes.
   * @param options - See there.
   * @throws TypeError, RangeError; MmapError `ENOMEM`, `ERR_MMAP_UNSUPPORTED`.
   */
  static anonymous(length: Integer, options: AnonymousOptions & { shared: true }): Shared<MmapMut>;
  static anonymous(length: Integer, options?: AnonymousOptions): MmapMut;
  static anonymous(length: Integer, options?: AnonymousOptions): MmapMut {
    const size = checkInteger(length, 'length');
    const given = checkOptions(options);
    const { hugePages } = given;
    const reserved =
      hugePages !== 'transparent' && checkBoolean(hugePages, 'options.hugePages', false);
    const noReserve = checkBoolean(given.noReserve, 'options.noReserve', false);
    const populate = checkBoolean(given.populate, 'options.populate', false);
    const shared = checkShared(given.shared);
    if (reserved && noReserve) {
      throw invalidValue('options.noReserve', 'does not go with reserved huge pages', noReserve);
    }
    let made: Binding.MmapMut;
    try {
      made = native.MmapMut.anonymous(size, reserved, noReserve);
    } catch (error) {
      throw reserved
        ? withAdvice(fromNative(error, null), 'too few huge pages are reserved; see nr_hugepages')
        : fromNative(error, null);
    }
    if (hugePages === 'transparent') made.advise('hugepage', 0, size);
    // Reading would only bring in the one page of zeros that all share until they are written.
    if (populate && !made.advise('populate-write', 0, size)) made.fill(Uint8Array.of(0), 0, size);
    return new MmapMut(CONSTRUCT, new Memory(made, null, 0, undefined, shared), null);
  }

  /**
   * As for every map, and hints that discard bytes. Those go to the whole pages within the range
   * only, so that no byte outside it is discarded.
   *
   * - `'dontneed'`: anonymous memory reads as zeros afterwards; of a file nothing is lost.
   * - `'free'`: anonymous memory only. The system may take the pages, which then read as zeros,
   *   until they are written again.
   * - `'remove'`: makes a hole in the file: the pages read as zeros, for everybody, and take no
   *   room on the disk. False where the file system cannot.
   * - `'free-reusable'`, `'free-reuse'`: as `'free'`, macOS.
   * - `'populate-write'`: as `'populate-read'`, and as if each page had been written.
   *
   * @param hint - What is going to happen to the range, or should.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint.
   * @throws As {@link Mmap.advise}.
   */
  override advise(hint: MutableHint, start?: Integer, end?: Integer): boolean {
    return adviseMap(memoryOf(this), MUTABLE_HINTS, hint, start, end);
  }

  /**
   * Writes what was changed to the disk, off the main thread; resolves when it is there. Anonymous
   * memory has nothing to flush.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it. It works in chunks of 64 MiB.
   * @throws TypeError, RangeError; rejects with an AbortError, or MmapError `ERR_MMAP_CLOSED` (also
   * when the map is closed, resized or refreshed meanwhile), `ERR_MMAP_IO` where the disk refused:
   * then changes are lost, and so says every later call until {@link refresh}.
   */
  async flush(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    const job = checkJobOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const range = checkRange(start, end, memory.length);
    await inChunks(memory, range, FLUSH_CHUNK, job, (open, from, to) =>
      open.flush(from, to).catch((error) => {
        throw memory.refused(error, from, to);
      }),
    );
  }

  /**
   * As {@link flush}, at once. Blocks until the disk has written everything.
   *
   * @throws As {@link flush}.
   */
  flushSync(start?: Integer, end?: Integer): void {
    const memory = memoryOf(this);
    const open = memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    try {
      open.flushSync(from, to);
    } catch (error) {
      throw memory.refused(error, from, to);
    }
    memory.use();
  }

  /**
   * Gives the file (or the anonymous memory) a new length. What is added reads as zeros. Every
   * Buffer made from the map before is detached. Where it fails, file and map stay as they were.
   *
   * @param length - The new length of the map in bytes. The map must reach the end of its file,
   * since cutting the file behind it would lose bytes that the map does not show.
   * @param options - See there.
   * @throws TypeError; RangeError also for a map of the middle of a file; MmapError
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_IN_USE` where a SharedArrayBuffer was made of the map, `ENOSPC`,
   * `EFBIG`, ...
   */
  resize(length: Integer, options?: ResizeOptions): void {
    const size = checkInteger(length, 'length');
    const { allocate } = checkOptions(options);
    const reserve = checkBoolean(allocate, 'options.allocate', true);
    const memory = memoryOf(this);
    const open = memory.use();
    if (size === memory.length) return;
    memory.assertReplaceable();
    const { path, offset } = memory;
    const fileSize = attempt(() => open.fileSize(), path);
    if (fileSize === null) {
      this.replaceMemory(attempt(() => open.again(size), path));
      return;
    }
    const before = offset + memory.length;
    if (fileSize !== before) {
      throw outOfRange(
        'length',
        `${memory.length} here: the map covers the bytes ${offset} to ${before} of a file of ` +
          `${fileSize} bytes, and only a map that reaches the end of its file can be resized ` +
          '(refresh it, or open the whole file)',
        size,
      );
    }
    if (size > memory.length) this.#grow(open, offset + size, before, reserve, path);
    else this.#shrink(open, size, path);
  }

  #grow(
    open: Binding.MmapMut,
    fileSize: number,
    before: number,
    allocate: boolean,
    path: string | null,
  ): void {
    attempt(() => open.setFileSize(fileSize, allocate), path);
    try {
      this.replaceMemory(open.again(fileSize - memoryOf(this).offset));
    } catch (error) {
      open.setFileSize(before, false);
      throw fromNative(error, path);
    }
  }

  /**
   * The old pages go before the file is cut, so that none past the file's end is ever mapped.
   * Windows cuts no file of which anything is mapped, so there all of them go.
   */
  #shrink(open: Binding.MmapMut, length: number, path: string | null): void {
    const { offset, length: before } = memoryOf(this);
    const held = attempt(() => open.again(process.platform === 'win32' ? 0 : length), path);
    this.replaceMemory(held);
    const goOn = (size: number) => this.replaceMemory(attempt(() => held.again(size), path));
    try {
      held.setFileSize(offset + length, false);
    } catch (error) {
      goOn(before);
      throw fromNative(error, path);
    }
    if (held.length < length) goOn(length);
  }
}
