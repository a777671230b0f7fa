/**
 * Work on threads of the native core's own (`src/exports/threads.rs`), for what would keep libuv's
 * four busy for long: searching, and waiting for the disk.
 */
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers';
import { checkInteger } from '../base/arguments';
import type * as Binding from '../base/binding';
import { fromNative } from '../base/errors';
import { type NativeMap, native } from '../base/native';
import type { Memory } from './memory';
import { Settlers } from './settlers';
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
const settlers = new Settlers<(error: string | undefined, answer: Answer) => void>();

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
  for (const id of done.subarray(0, settled.done)) settlers.take(id)?.(undefined, undefined);
  for (const { id, error, answer } of settled.others) settlers.take(id)?.(error, answer);
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
    const id = settlers.add((error, answer) => {
      leave();
      if (error === undefined) resolve({ answer });
      else reject(fromNative(new Error(error), memory.path));
    });
    const leave = () => {
      watcher.remove();
      stopListening?.();
      if (droppable) droppable.drop = undefined;
      suspend(-1);
    };
    const cancel = (result: { answer: Answer } | null) => {
      settlers.take(id);
      leave();
      here.cancel(id);
      resolve(result);
    };
    const end = () => cancel(null);
    const watcher = memory.watchers.add(end);
    const stopListening = signal && whenAborted(signal, end);
    if (droppable) droppable.drop = () => cancel({ answer: undefined });
    suspend(1);
    try {
      start(open, here, id);
    } catch (error) {
      settlers.take(id);
      leave();
      reject(fromNative(error, memory.path));
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
