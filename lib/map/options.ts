/** The options of maps, each type of them read once. */
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  type Integer,
} from '../base/arguments';
import { invalidValue, MmapError } from '../base/errors';
import { native } from '../base/native';
import type { FaultListener } from '../memory/faults';
import { readPrefetchThreads } from '../memory/paging';

/** How to map a file. */
export interface MemoryOptions {
  /**
   * Whether to read the whole range into memory before the call returns, which blocks on the disk:
   * {@link Mmap.prefetch} does so off the main thread. Default false.
   */
  populate?: boolean | undefined;
  /** On how many threads `populate` reads, each 8 MiB at a time: 1 to 64. Default 1. */
  concurrency?: number | undefined;
  /**
   * Whether to ask the kernel for huge pages where it can use them: on Linux for files in shared
   * memory (`/dev/shm`, where the administrator allows it) and for read-only files of some file
   * systems. A hint, as `advise('hugepage')`: never an error. Default false.
   */
  hugePages?: boolean | undefined;
  /**
   * Whether Buffers of the map are made over a SharedArrayBuffer: `map.buffer.buffer` can be posted
   * to workers, which then see the same memory without a copy, even after this thread has ended.
   * V8 does not count its length as memory in use, so that making a Buffer sets off no garbage
   * collection.
   *
   * It can never be detached: after {@link Mmap.close} its views read as zeros. Once a Buffer was
   * made, the map can grow, but neither become shorter nor be mapped afresh (`ERR_MMAP_IN_USE`).
   *
   * Requires Node.js 22.23.3 or later 22, 24.16 or later 24, 26.1 or later, or Bun 1.4 or later;
   * elsewhere `ERR_MMAP_UNSUPPORTED`. Default false.
   */
  shared?: boolean | undefined;
  /**
   * Whether faults in the map are survived and reported: a file that another process truncates, a
   * full or failing disk, a write into the Buffer of a read-only map. Without the guard the first
   * two end the process with SIGBUS, as in any other program, and the third goes unnoticed (the
   * file stays unchanged all the same). The environment variable `MEMMAP_GUARD=0` turns it off for
   * the whole process. Default true.
   */
  guard?: boolean | undefined;
  /**
   * Called on this thread's event loop soon after a fault was survived. The next method call on
   * the map throws it in any case.
   */
  onFault?: FaultListener | undefined;
}

/** Which part of a file to map, and how. */
export interface OpenOptions extends MemoryOptions, ReserveOptions {
  /**
   * Where the map begins in the file, in bytes: any byte offset; it need not be page-aligned.
   * Default 0.
   */
  offset?: Integer | undefined;
  /**
   * The number of bytes to map. Default: up to the current end of the file. More than the file has
   * from `offset` on is a RangeError: a map never reaches past its file.
   */
  length?: Integer | undefined;
  /**
   * Whether the map keeps a descriptor of its file until it is closed. Without, the number of open
   * maps is not limited by that of open files (`ulimit -n`), and whatever needs the file throws
   * `ERR_MMAP_UNSUPPORTED`: `refresh`, `resize`, `flush` of a MmapMut, `evict`, `residency`,
   * `fileSize` and `descriptor`. The system writes changes to the disk in its own time.
   *
   * The fault guard survives what it does otherwise, but cannot tell a truncated file from a failing
   * disk, and not whether later pages are lost, too: it reports the pages that were touched, with
   * `ERR_MMAP_IO`; on macOS also pages of a read-only map that were written to. Open the file again
   * then. Default true.
   */
  keepDescriptor?: boolean | undefined;
}

/** Room for a map to grow, as {@link MmapMut.create} and the `open` methods take it. */
export interface ReserveOptions {
  /**
   * The length up to which the map can grow where it is, in bytes; at least its length. Up to there
   * {@link MemoryMap.refresh} and {@link MmapMut.resize} make no new mapping, and `map.buffer` is
   * another view of the same ArrayBuffer. It takes address space, not memory or disk space: far more
   * than the file will ever have is fine, such as 64 GiB. A file that grows beyond it is mapped anew,
   * as without.
   *
   * `map.buffer.buffer` then has that many bytes, too, as far as the runtime can hold them in one.
   * Bytes past the end of the map are undefined until it grows, and what is written there is lost;
   * to touch them does no harm.
   *
   * Requires a map that reaches the end of its file and keeps its descriptor. Nothing is reserved on
   * Windows, and without the guard. Default: no reserve.
   */
  reserve?: Integer | undefined;
}

/** How {@link MmapMut.create} makes its file. */
export interface CreateOptions
  extends Omit<MemoryOptions, 'guard' | 'concurrency'>,
    ReserveOptions {
  /**
   * Whether to replace a file of that name. It is replaced in one step when the new file is
   * complete; maps of the old file keep the old file. Windows replaces no file that is mapped:
   * `EPERM`. Default false: `EEXIST`.
   */
  overwrite?: boolean | undefined;
  /**
   * Whether to reserve the file's disk space, so that a full disk is an error now. Without, the
   * file is sparse, and a page that is written on a full disk is lost. Default true.
   */
  allocate?: boolean | undefined;
  /** The permission bits of the file, before the process's umask. Unix only. Default 0o666. */
  mode?: number | undefined;
}

/** How {@link MmapMut.anonymous} makes its memory. */
export interface AnonymousOptions {
  /**
   * Whether to use the huge pages that the administrator has reserved (`/proc/sys/vm/nr_hugepages`;
   * Linux only): the length must then be a multiple of their size, usually 2 MiB, and where too few
   * are free the call fails with `ENOMEM`. `'transparent'` instead asks the kernel to use huge
   * pages where it can, which never fails. Default false.
   */
  hugePages?: boolean | 'transparent' | undefined;
  /**
   * Whether to map without reserving memory, so that the map can be larger than memory and swap
   * together. A page that finds no memory when it is first written kills the process. Not together
   * with reserved huge pages. Unix; elsewhere without effect. Default false.
   */
  noReserve?: boolean | undefined;
  /** Whether to allocate all pages before the call returns, which blocks. Default false. */
  populate?: boolean | undefined;
  /** As {@link MemoryOptions.shared}: memory that workers share, without any file. */
  shared?: boolean | undefined;
}

/** How {@link MmapMut.resize} lengthens a file. */
export interface ResizeOptions {
  /** Whether to reserve disk space for what is added, as {@link CreateOptions.allocate}. */
  allocate?: boolean | undefined;
}

type Read<Options> = { [Key in keyof Options]-?: Exclude<Options[Key], undefined> };

/** The options of a map, read. */
export type ReadMemoryOptions = Read<Omit<MemoryOptions, 'onFault'>> & {
  onFault: FaultListener | undefined;
};

/** Reads `shared`, which is refused where the runtime has no such SharedArrayBuffers. */
function readShared(value: unknown): boolean {
  const shared = checkBoolean(value, 'options.shared', false);
  if (shared && !native.canShare()) {
    throw new MmapError(
      'ERR_MMAP_UNSUPPORTED',
      `this runtime (${runtime()}) cannot make a SharedArrayBuffer of a map's memory. Node.js ` +
        '22.23.3 and later 22, 24.16 and later 24, 26.1 and later, and Bun 1.4 and later can; ' +
        'elsewhere, post map.descriptor() to the worker and open the file there',
    );
  }
  return shared;
}

function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}

/** Reads permission bits. */
export function readMode(value: unknown, otherwise: number): number {
  return value === undefined ? otherwise : checkInteger(value, 'options.mode', 0, 0o777);
}

export function readMemoryOptions(options: MemoryOptions | undefined): ReadMemoryOptions {
  const { guard, onFault, populate, concurrency, hugePages, shared } = checkOptions(options);
  return {
    guard: checkBoolean(guard, 'options.guard', true),
    onFault: checkFunction(onFault, 'options.onFault'),
    populate: checkBoolean(populate, 'options.populate', false),
    concurrency: readPrefetchThreads({ concurrency }),
    hugePages: checkBoolean(hugePages, 'options.hugePages', false),
    shared: readShared(shared),
  };
}

export function readOpenOptions(options: OpenOptions | undefined): ReadMemoryOptions & {
  offset: number;
  length: number | null;
  reserve: number;
  keepDescriptor: boolean;
} {
  const { offset, length, reserve, keepDescriptor } = checkOptions(options);
  const read = {
    offset: offset === undefined ? 0 : checkInteger(offset, 'options.offset'),
    length: length === undefined ? null : checkInteger(length, 'options.length'),
    reserve: readReserve(reserve),
    keepDescriptor: checkBoolean(keepDescriptor, 'options.keepDescriptor', true),
    ...readMemoryOptions(options),
  };
  if (read.reserve > 0 && !read.keepDescriptor) {
    throw invalidValue('options.reserve', 'does not go with keepDescriptor: false', reserve);
  }
  return read;
}

/** Reads `reserve`: 0 for none. */
function readReserve(value: Integer | undefined): number {
  return value === undefined ? 0 : checkInteger(value, 'options.reserve', 1);
}

export function readCreateOptions(
  options: CreateOptions | undefined,
): ReadMemoryOptions & { reserve: number; overwrite: boolean; allocate: boolean; mode: number } {
  const { reserve, overwrite, allocate, mode } = checkOptions(options);
  return {
    reserve: readReserve(reserve),
    overwrite: checkBoolean(overwrite, 'options.overwrite', false),
    allocate: checkBoolean(allocate, 'options.allocate', true),
    mode: readMode(mode, 0o666),
    ...readGuardedOptions(options),
  };
}

/** Reads the options of what is guarded in any case: other processes can truncate it. */
export function readGuardedOptions(
  options: Omit<MemoryOptions, 'guard' | 'concurrency'> | undefined,
): ReadMemoryOptions {
  const { onFault, populate, hugePages, shared } = checkOptions(options);
  return readMemoryOptions({ onFault, populate, hugePages, shared });
}

export function readAnonymousOptions(
  options: AnonymousOptions | undefined,
): Read<AnonymousOptions> {
  const { hugePages, noReserve, populate, shared } = checkOptions(options);
  const read = {
    hugePages:
      hugePages === 'transparent' ? hugePages : checkBoolean(hugePages, 'options.hugePages', false),
    noReserve: checkBoolean(noReserve, 'options.noReserve', false),
    populate: checkBoolean(populate, 'options.populate', false),
    shared: readShared(shared),
  };
  if (read.hugePages === true && read.noReserve) {
    throw invalidValue('options.noReserve', 'does not go with reserved huge pages', noReserve);
  }
  return read;
}

export function readResizeOptions(options: ResizeOptions | undefined): Read<ResizeOptions> {
  return { allocate: checkBoolean(checkOptions(options).allocate, 'options.allocate', true) };
}
