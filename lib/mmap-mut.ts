import { randomBytes } from 'node:crypto';
import { dirname, sep } from 'node:path';
import {
  checkBoolean,
  checkFilePath,
  checkFunction,
  checkInteger,
  checkOptions,
  checkRange,
  type FileLike,
  type Integer,
} from './arguments';
import type * as Binding from './binding';
import { checkJobOptions, inChunks, type JobOptions } from './chunks';
import { attempt, fromNative, MmapError, outOfRange } from './errors';
import type { FaultListener } from './faults';
import { Memory } from './memory';
import { CONSTRUCT, memoryOf, type OpenOptions, openFile } from './memory-map';
import { native } from './native';
import { WritableMap } from './writable-map';

/** How {@link MmapMut.create} makes its file. */
export interface CreateOptions {
  /**
   * Whether a file of that name may be there already. It is replaced in one step when the new file
   * is complete; maps of the old file keep the old file. Default false: `EEXIST`.
   */
  overwrite?: boolean;
  /**
   * Whether to reserve the file's room on the disk, so that a full disk is an error now. Without,
   * the file is sparse and a full disk is found out when a page is written. Default true.
   */
  allocate?: boolean;
  /** The permission bits of the file, before the process's umask. Unix only. Default 0o666. */
  mode?: number;
  /** As for {@link OpenOptions.onFault}. */
  onFault?: FaultListener;
}

/** How {@link MmapMut.resize} lengthens a file. */
export interface ResizeOptions {
  /** Whether to reserve the room that is added, as for {@link CreateOptions.allocate}. */
  allocate?: boolean;
}

/** What one chunk of a flush writes: a fraction of a second on a slow disk. */
const FLUSH_CHUNK = 64 * 2 ** 20;

/** The codes by which a disk says that it could not keep what was written. */
const LOSSES = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'ENXIO', 'EROFS']);

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
export class MmapMut extends WritableMap<Binding.MmapMut> {
  /**
   * Maps a file for reading and writing.
   *
   * @param file - As for {@link Mmap.open}; a descriptor must be open for reading and writing.
   * @param options - Which part of the file.
   * @throws As {@link Mmap.open}.
   */
  static open(file: FileLike, options?: OpenOptions): MmapMut {
    return new MmapMut(...openFile(native.MmapMut, file, options));
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
    options?: CreateOptions,
  ): MmapMut {
    const file = checkFilePath(path);
    const size = checkInteger(length, 'length');
    const given = checkOptions(options);
    const overwrite = checkBoolean(given.overwrite, 'options.overwrite', false);
    const allocate = checkBoolean(given.allocate, 'options.allocate', true);
    const { mode } = given;
    const bits = mode === undefined ? 0o666 : checkInteger(mode, 'options.mode', 0, 0o777);
    const listener = checkFunction(given.onFault, 'options.onFault');
    const temporary = overwrite ? temporaryBeside(file.source) : undefined;
    const created = attempt(
      () => native.MmapMut.create(file.source, temporary, size, allocate, bits),
      file.path,
    );
    return new MmapMut(CONSTRUCT, new Memory(created, file.path, 0, listener), null);
  }

  /**
   * Maps zeros that belong to no file: memory outside the JavaScript heap, given back to the
   * system by {@link close}. Pages take room only once they are written.
   *
   * @param length - The number of bytes.
   * @throws TypeError, RangeError; MmapError `ENOMEM`.
   */
  static anonymous(length: Integer): MmapMut {
    const size = checkInteger(length, 'length');
    const made = attempt(() => native.MmapMut.anonymous(size), null);
    return new MmapMut(CONSTRUCT, new Memory(made, null, 0), null);
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
        throw this.#refused(error, from, to);
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
      throw this.#refused(error, from, to);
    }
    memory.use();
  }

  /** The public error for a refused flush; a loss is remembered. */
  #refused(error: unknown, start: number, end: number): unknown {
    const memory = memoryOf(this);
    const refusal = fromNative(error, memory.path);
    if (refusal instanceof MmapError && LOSSES.has(refusal.code)) {
      return memory.lose(refusal, start, end);
    }
    return refusal;
  }

  /**
   * Gives the file (or the anonymous memory) a new length. What is added reads as zeros. Every
   * Buffer made from the map before is detached. Where it fails, file and map stay as they were.
   *
   * @param length - The new length of the map in bytes. The map must reach the end of its file,
   * since cutting the file behind it would lose bytes that the map does not show.
   * @param options - See there.
   * @throws TypeError; RangeError also for a map of the middle of a file; MmapError
   * `ERR_MMAP_CLOSED`, `ENOSPC`, `EFBIG`, ...
   */
  resize(length: Integer, options?: ResizeOptions): void {
    const size = checkInteger(length, 'length');
    const { allocate } = checkOptions(options);
    const reserve = checkBoolean(allocate, 'options.allocate', true);
    const memory = memoryOf(this);
    const open = memory.use();
    if (size === memory.length) return;
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

  /** The old pages go before the file is cut, so that none past the file's end is ever mapped. */
  #shrink(open: Binding.MmapMut, length: number, path: string | null): void {
    const { offset, length: before } = memoryOf(this);
    const shorter = attempt(() => open.again(length), path);
    this.replaceMemory(shorter);
    try {
      shorter.setFileSize(offset + length, false);
    } catch (error) {
      this.replaceMemory(attempt(() => shorter.again(before), path));
      throw fromNative(error, path);
    }
  }
}
