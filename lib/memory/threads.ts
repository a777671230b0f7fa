/**
 * Work on threads of the native core's own (`src/exports/threads.rs`), for what would keep libuv's
 * four busy for long: searching, and waiting for the disk.
 */
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers';
import { checkInteger } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, fromNative } from '../base/errors';
import { type NativeMap, native } from '../base/native';
import type { Memory } from './memory';
import { suspend, whenAborted } from './waiting';

/** What a job may answer; undefined where it only does something. */
export type Answer = Binding.Settled['answer'];

/** Gives a job to the threads under a number. */
export type Start<Native extends NativeMap> = (
  open: Native,
  threads: Binding.Threads,
  id: number,
) => void;

/** Work that its owner may lose interest in. */
export interface Droppable {
  /** Ends the wait for the job under way, which then answers undefined. Set while there is one. */
  drop?: (() => void) | undefined;
}

/**
 * The most jobs that settle in one turn of the event loop: what the program goes on with takes some
 * microseconds each, and timers wait meanwhile.
 */
const GROUP = 16;

/** The threads, as far as they work for this JavaScript thread. Made for the first job. */
let made: Binding.Threads | undefined;
const settlers = new Map<number, Job>();
let lastId = 0;

/**
 * The threads. What they call stays for good, and with it whatever the function that it was made in
 * knew: so it is made here, where no map is known.
 */
function threads(): Binding.Threads {
  // What has settled meanwhile is taken in a turn of the event loop of its own: the runtime would go
  // on with it at once, and let timers wait for as long as results come.
  made ??= new native.Threads(() => setImmediate(settleGroup));
  return made;
}

/** A lane for the jobs of one search: at most `concurrency` of them are done at a time. */
export function lane(concurrency: number): Binding.Lane {
  return new native.Lane(threads(), concurrency);
}

/** The numbers of the jobs that only did something. */
const done = new Float64Array(GROUP);

function settleGroup(): void {
  const settled = made?.settled(done);
  if (settled === undefined) return;
  if (settled.more) setImmediate(settleGroup);
  for (const id of done.subarray(0, settled.done)) settlers.get(id)?.settle(undefined, undefined);
  for (const { id, error, answer } of settled.others) settlers.get(id)?.settle(error, answer);
}

/** What a job knows until it has settled. */
interface Pending {
  memory: Pick<Memory, 'watchers' | 'path'>;
  here: Binding.Threads;
  droppable: Droppable | undefined;
  stopListening?: (() => void) | undefined;
  resolve: (result: { answer: Answer } | null) => void;
  reject: (error: unknown) => void;
}

/**
 * A job under way. A table that a Map or Set has outgrown keeps its entries, and the next table, until
 * the next full collection of garbage. So a job that has settled lets go of all that it knew: otherwise
 * thousands in a row would survive the short collections, which take the longer for it.
 */
class Job {
  readonly id: number = ++lastId;
  #pending: Pending | undefined;

  constructor(pending: Pending, signal: AbortSignal | undefined) {
    this.#pending = pending;
    settlers.set(this.id, this);
    pending.memory.watchers.add(this.end);
    if (signal) pending.stopListening = whenAborted(signal, this.end);
    if (pending.droppable) pending.droppable.drop = () => this.#cancel({ answer: undefined });
    suspend(1);
  }

  /** Ends the wait for it. */
  readonly end = (): void => this.#cancel(null);

  /** It could not be begun. */
  fail(error: unknown): void {
    this.#leave()?.reject(error);
  }

  settle(error: string | undefined, answer: Answer): void {
    const left = this.#leave();
    if (error === undefined) left?.resolve({ answer });
    else left?.reject(fromNative(new Error(error), left.memory.path));
  }

  #cancel(result: { answer: Answer } | null): void {
    const left = this.#leave();
    left?.here.cancel(this.id);
    left?.resolve(result);
  }

  #leave(): Pending | undefined {
    const left = this.#pending;
    this.#pending = undefined;
    if (left === undefined) return undefined;
    settlers.delete(this.id);
    left.memory.watchers.delete(this.end);
    left.stopListening?.();
    if (left.droppable) left.droppable.drop = undefined;
    suspend(-1);
    return left;
  }
}

/**
 * Runs a job. The memory stays mapped while it runs.
 *
 * @returns What the job answers in `answer`; null where the signal was aborted or the memory released
 * before that: then a job that has not begun never does.
 * @throws What the job does.
 */
export function onThread<Native extends NativeMap>(
  memory: Memory<Native>,
  signal: AbortSignal | undefined,
  open: Native,
  start: Start<Native>,
  droppable?: Droppable,
): Promise<{ answer: Answer } | null> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return resolve(null);
    const here = threads();
    const job = new Job({ memory, here, droppable, resolve, reject }, signal);
    try {
      attempt(() => start(open, here, job.id), memory.path);
    } catch (error) {
      job.fail(error);
    }
  });
}

/** How many threads a caller may ask for; the core has as many for each kind of work. */
const MOST_THREADS = 64;

/** The option `concurrency`: a number of threads, or the default for undefined. */
export function checkConcurrency(value: unknown, otherwise: number): number {
  return value === undefined
    ? otherwise
    : checkInteger(value, 'options.concurrency', 1, MOST_THREADS);
}

/** How many threads search unless a caller says otherwise: half of what the machine runs at once. */
export function defaultSearchThreads(): number {
  return Math.min(MOST_THREADS, Math.max(1, availableParallelism() >> 1));
}
