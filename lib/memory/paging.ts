/** Which pages of a map are in memory, and how to control that. */
import { checkOptions, type Integer } from '../base/arguments';
import { invalidType, invalidValue, MmapError, withAdvice } from '../base/errors';
import { native } from '../base/native';
import { checkJobOptions, inParallel, type JobOptions, JobRunner, overRange } from './jobs';
import type { Memory } from './memory';
import { checkConcurrency } from './threads';

/** The bytes that one job of a prefetch reads: some hundredths of a second on a slow disk. */
const PREFETCH_CHUNK = 8 * 2 ** 20;

/**
 * How many chunks of a prefetch are read at once unless the caller says otherwise: Linux reads ahead for
 * one thread, and less well for several in the same file.
 */
const PREFETCH_THREADS = 1;

/** The bytes that one job of an eviction writes and drops. */
const EVICT_CHUNK = 64 * 2 ** 20;

/** The codes of a system that lets a process lock no more; Windows has no name for it. */
const LIMIT_CODES = new Set(['ENOMEM', 'EPERM', 'EAGAIN', 'UNKNOWN']);

/**
 * The hints that {@link Mmap.advise} takes; none of them changes what is read. The names are those of the
 * `MADV_` constants.
 */
export type Hint =
  | 'normal'
  | 'random'
  | 'sequential'
  | 'willneed'
  | 'dontfork'
  | 'dofork'
  | 'mergeable'
  | 'unmergeable'
  | 'hugepage'
  | 'nohugepage'
  | 'dontdump'
  | 'dodump'
  | 'cold'
  | 'pageout'
  | 'populate-read'
  | 'zero-wired-pages';
/** The hints that {@link MmapCow.advise} takes. */
export type CopyOnWriteHint = Hint | 'dontneed' | 'populate-write';
/** The hints that {@link MmapMut.advise} takes. */
export type MutableHint = CopyOnWriteHint | 'free' | 'remove' | 'free-reusable' | 'free-reuse';

export const HINTS: readonly Hint[] = [
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
];

export const COPY_ON_WRITE_HINTS: readonly CopyOnWriteHint[] = [
  ...HINTS,
  'dontneed',
  'populate-write',
];

export const MUTABLE_HINTS: readonly MutableHint[] = [
  ...COPY_ON_WRITE_HINTS,
  'free',
  'remove',
  'free-reusable',
  'free-reuse',
];

/** The answer of {@link Mmap.residency}. */
export interface Residency {
  /** The size of a page in bytes. */
  pageSize: number;
  /** The number of pages that hold bytes of the range. */
  pages: number;
  /** The number of these that are in memory. */
  residentPages: number;
  /** One byte for each page, in order: 1 where it is in memory, 0 where not. */
  map: Uint8Array;
}

/** Gives a hint that must be one of `allowed`. */
export function advise(
  memory: Memory,
  allowed: readonly string[],
  hint: unknown,
  start: Integer | undefined,
  end: Integer | undefined,
): boolean {
  if (typeof hint !== 'string') throw invalidType('hint', 'a string', hint);
  if (!allowed.includes(hint)) {
    throw invalidValue('hint', `must be one of '${allowed.join("', '")}' for this map`, hint);
  }
  const [from, to] = memory.range(start, end);
  return memory.call((open) => open.advise(hint, from, to));
}

/** How much of a range is read at once. */
export interface ConcurrencyOptions {
  /**
   * How many chunks of 8 MiB are read at once, each by a thread of its own: 1 to 64. Default 1. More
   * help where the disk serves many at once, such as a RAID or a network disk.
   */
  concurrency?: number | undefined;
}

/** How to prefetch. */
export interface PrefetchOptions extends JobOptions, ConcurrencyOptions {}

/** The option, read and checked. */
export function readPrefetchThreads(options: ConcurrencyOptions | undefined): number {
  return checkConcurrency(checkOptions(options).concurrency, PREFETCH_THREADS);
}

export async function prefetch(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: PrefetchOptions | undefined,
): Promise<void> {
  const concurrency = readPrefetchThreads(options);
  const { signal, onProgress } = checkJobOptions(options);
  const range = memory.range(start, end);
  const runner = new JobRunner(memory, signal);
  await inParallel(runner, range, PREFETCH_CHUNK, concurrency, onProgress, async (from, to) => {
    await runner.runOnThread((open, threads, id) => open.prefetch(threads, id, from, to));
  });
}

export function prefetchSync(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: ConcurrencyOptions | undefined,
): void {
  const concurrency = readPrefetchThreads(options);
  const [from, to] = memory.range(start, end);
  memory.call((open) => open.prefetchSync(from, to, concurrency));
}

export function residency(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
): Residency {
  const [from, to] = memory.range(start, end);
  const map = memory.call((open) => open.resident(from, to));
  let residentPages = 0;
  for (const page of map) residentPages += page;
  return { pageSize: native.pageSize(), pages: map.length, residentPages, map };
}

export function mlock(memory: Memory, start: Integer | undefined, end: Integer | undefined): void {
  const [from, to] = memory.range(start, end);
  try {
    memory.call((open) => open.lock(from, to));
  } catch (error) {
    const isLimit = error instanceof MmapError && LIMIT_CODES.has(error.code);
    throw isLimit ? withAdvice(error, lockLimit(to - from)) : error;
  }
}

export function munlock(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
): void {
  const [from, to] = memory.range(start, end);
  memory.call((open) => open.unlock(from, to));
}

export async function evict(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: JobOptions | undefined,
): Promise<void> {
  await overRange(memory, start, end, options, {
    chunk: EVICT_CHUNK,
    work: (open, from, to) => open.evict(from, to),
    explain: (error, from, to) => memory.rememberLoss(error, from, to),
  });
}

export function evictSync(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
): void {
  const [from, to] = memory.range(start, end);
  memory.callWriteBack(from, to, (open) => open.evictSync(from, to));
}

function lockLimit(bytes: number): string {
  const limit = native.lockLimit();
  const allowed = limit === null ? 'sets no limit' : `allows this process ${limit} bytes in all`;
  const name = process.platform === 'win32' ? 'the minimum working set' : 'RLIMIT_MEMLOCK';
  return `${bytes} bytes were to be locked, and ${name} ${allowed} (raise it with ulimit -l)`;
}
