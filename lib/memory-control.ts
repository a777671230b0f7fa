/** What of a map is in memory, and how to control it. */
import { checkRange, type Integer } from './arguments';
import { checkJobOptions, inChunks, type JobOptions } from './chunks';
import { invalidType, invalidValue, MmapError, withAdvice } from './errors';
import type { Memory } from './memory';
import { MemoryMap, memoryOf } from './memory-map';
import { type NativeMap, native } from './native';

/** What one job of a prefetch reads: some hundredths of a second on a slow disk. */
const PREFETCH_CHUNK = 8 * 2 ** 20;

/** The codes by which a system says that a process may lock no more; Windows has no name for it. */
const LIMIT_CODES = new Set(['ENOMEM', 'EPERM', 'EAGAIN', 'UNKNOWN']);

/** What one job of an eviction writes and drops. */
const EVICT_CHUNK = 64 * 2 ** 20;

/** The hints that change no byte of any map; the names are those of the `MADV_` constants. */
const HINTS = [
  'normal',
  'random',
  'sequential',
  'willneed',
  'dontfork',
  'dofork',
  'mergeable',
  'unmergeable',
  'hugepage',
  'nohugepage',
  'dontdump',
  'dodump',
  'cold',
  'pageout',
  'populate-read',
  'zero-wired-pages',
] as const;

/** The hints that {@link MmapCow.advise} takes. */
export const COPY_ON_WRITE_HINTS = [...HINTS, 'dontneed', 'populate-write'] as const;

/** The hints that {@link MmapMut.advise} takes. */
export const MUTABLE_HINTS = [
  ...COPY_ON_WRITE_HINTS,
  'free',
  'remove',
  'free-reusable',
  'free-reuse',
] as const;

/** What {@link Mmap.advise} can tell the system about a range; it never changes what is read. */
export type Hint = (typeof HINTS)[number];
/** What {@link MmapCow.advise} can tell the system about a range. */
export type CopyOnWriteHint = (typeof COPY_ON_WRITE_HINTS)[number];
/** What {@link MmapMut.advise} can tell the system about a range. */
export type MutableHint = (typeof MUTABLE_HINTS)[number];

/** What {@link Mmap.residency} found. */
export interface Residency {
  /** The size of a page in bytes. */
  pageSize: number;
  /** How many pages hold bytes of the range. */
  pages: number;
  /** How many of these are in memory. */
  residentPages: number;
  /** One byte for each page, in order: 1 where it is in memory, 0 where not. */
  map: Uint8Array;
}

/** Gives a hint that must be one of `allowed`. */
export function adviseMap(
  memory: Memory<NativeMap>,
  allowed: readonly string[],
  hint: unknown,
  start: Integer | undefined,
  end: Integer | undefined,
): boolean {
  if (typeof hint !== 'string') throw invalidType('hint', 'a string', hint);
  if (!allowed.includes(hint)) {
    throw invalidValue('hint', `must be one of '${allowed.join("', '")}' for this map`, hint);
  }
  memory.use();
  const [from, to] = checkRange(start, end, memory.length);
  return memory.run((open) => open.advise(hint, from, to));
}

/** The control that every map gives over what of it is in memory. */
export abstract class ControlledMap<
  Native extends NativeMap = NativeMap,
> extends MemoryMap<Native> {
  /**
   * Tells the system how a range is going to be used, so that it reads ahead or keeps pages
   * accordingly. What is read from the map never changes by these hints; `docs/memory.md` says what
   * each does and which platform knows it.
   *
   * Plain hints take microseconds; `'populate-read'` and `'pageout'` do their work at once and may
   * block on the disk: {@link prefetch} is the former without blocking.
   *
   * @param hint - What is going to happen to the range, or should.
   * @param start - The first byte. Default 0. The hint goes to the whole page around it.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint. False is no error: what
   * is read stays the same, it may only take longer.
   * @throws TypeError also for a hint that this kind of map does not allow; RangeError; MmapError
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED` or `ERR_MMAP_IO` where `'populate-read'` cannot read.
   */
  advise(hint: Hint, start?: Integer, end?: Integer): boolean {
    return adviseMap(memoryOf(this), HINTS, hint, start, end);
  }

  /**
   * Brings a range into memory, off the main thread; resolves when reading it no longer waits for
   * the disk (until the system needs the memory for something else: see {@link mlock}). Private
   * pages are not copied, anonymous memory takes no room.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it. It works in chunks of 8 MiB.
   * @throws TypeError, RangeError; rejects with an AbortError, or MmapError `ERR_MMAP_CLOSED` (also
   * when the map is closed, resized or refreshed meanwhile), `ERR_MMAP_TRUNCATED` where the file
   * was cut, `ERR_MMAP_IO` where the disk could not be read.
   */
  async prefetch(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    const job = checkJobOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const range = checkRange(start, end, memory.length);
    await inChunks(memory, range, PREFETCH_CHUNK, job, (open, from, to) => open.prefetch(from, to));
  }

  /**
   * As {@link prefetch}, at once. Blocks for as long as the disk takes: a second or more for each
   * GiB that is not in memory.
   *
   * @throws As {@link prefetch}.
   */
  prefetchSync(start?: Integer, end?: Integer): void {
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    memory.run((open) => open.prefetchSync(from, to));
  }

  /**
   * Tells which pages of a range are in memory, so that reading them does not wait for the disk.
   * The answer may be outdated by the time it is read. Takes about a millisecond for each GiB.
   *
   * On Windows it tells which pages are in the working set of this process.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`; `ERR_MMAP_UNSUPPORTED` for a file
   * that this process neither owns nor may write, of which Linux does not tell.
   */
  residency(start?: Integer, end?: Integer): Residency {
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    const map = memory.run((open) => open.resident(from, to));
    let residentPages = 0;
    for (const page of map) residentPages += page;
    return { pageSize: native.pageSize(), pages: map.length, residentPages, map };
  }

  /**
   * Brings a range into memory and keeps it there, until {@link munlock} or {@link close}. Blocks
   * for as long as the disk takes: `await map.prefetch(start, end)` before.
   *
   * Private pages of a file are not copied. Locks do not add up: one `munlock` undoes any number
   * of them. They go by whole pages.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`; `ENOMEM`, `EPERM` or `EAGAIN` where
   * that is more than the process may lock: the message names the limit (`RLIMIT_MEMLOCK`; on
   * Windows the minimum working set); `ERR_MMAP_UNSUPPORTED` where so many parts of maps are locked
   * or marked by hints already that the kernel would soon have no mappings left (Linux).
   */
  mlock(start?: Integer, end?: Integer): void {
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    try {
      memory.run((open) => open.lock(from, to));
    } catch (error) {
      const limited = error instanceof MmapError && LIMIT_CODES.has(error.code);
      throw limited ? withAdvice(error, lockLimit(to - from)) : error;
    }
  }

  /**
   * Lets the system take a range from memory again that {@link mlock} has locked; a range that was
   * not locked is fine, too.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_UNSUPPORTED` as for
   * {@link mlock}.
   */
  munlock(start?: Integer, end?: Integer): void {
    const memory = memoryOf(this);
    memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    memory.run((open) => open.unlock(from, to));
  }

  /**
   * Drops a range from memory and from the system's cache of the file, off the main thread, so that
   * the next read waits for the disk: for measuring, or to make room. What was changed is written
   * to the file first. Pages that another process maps or locks stay, and so do those that are
   * read meanwhile: {@link residency} tells. Files in shared memory (`/dev/shm`) have no disk to go
   * to and stay as well. Linux caches files in units of up to 2 MiB: where one reaches beyond the
   * range, all of it goes.
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - To watch or abort it. It works in chunks of 64 MiB.
   * @throws TypeError, RangeError; rejects with an AbortError, or MmapError `ERR_MMAP_CLOSED` (also
   * when the map is closed, resized or refreshed meanwhile); `ERR_MMAP_UNSUPPORTED` on
   * copy-on-write and anonymous maps, whose contents would be lost, for locked pages, and on
   * Windows; `ERR_MMAP_IO` where the disk refused what was to be written.
   */
  async evict(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    const job = checkJobOptions(options);
    const memory = memoryOf(this);
    memory.use();
    const range = checkRange(start, end, memory.length);
    await inChunks(memory, range, EVICT_CHUNK, job, (open, from, to) =>
      open.evict(from, to).catch((error) => {
        throw memory.refused(error, from, to);
      }),
    );
  }

  /**
   * As {@link evict}, at once. Blocks until the disk has written what was changed.
   *
   * @throws As {@link evict}.
   */
  evictSync(start?: Integer, end?: Integer): void {
    const memory = memoryOf(this);
    const open = memory.use();
    const [from, to] = checkRange(start, end, memory.length);
    try {
      open.evictSync(from, to);
    } catch (error) {
      throw memory.refused(error, from, to);
    }
  }
}

function lockLimit(bytes: number): string {
  const limit = native.lockLimit();
  const allowed = limit === null ? 'sets no limit' : `allows this process ${limit} bytes in all`;
  const name = process.platform === 'win32' ? 'the minimum working set' : 'RLIMIT_MEMLOCK';
  return `${bytes} bytes were to be locked, and ${name} ${allowed} (raise it with ulimit -l)`;
}
