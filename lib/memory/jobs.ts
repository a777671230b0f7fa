/** Work off the main thread: many short jobs, between which it can be aborted or the map closed. */
import { checkFunction, checkOptions, checkSignal, type Integer } from '../base/arguments';
import { abortError, fromNative } from '../base/errors';
import type { NativeMap } from '../base/native';
import type { Memory, Span } from './memory';
import { type Answer, type Droppable, onThread, type Start } from './threads';

/** How to watch and to end work that runs off the main thread. */
export interface JobOptions {
  /**
   * Ends the work within one chunk when aborted: the promise rejects with an `AbortError` whose
   * `cause` is the signal's reason. What was done before stays done.
   */
  signal?: AbortSignal | undefined;
  /** Called after each chunk with the bytes done so far and the bytes to do. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Reads the options of a job once, before the map's state is looked at: their getters may do
 * anything, close the map too.
 */
export function checkJobOptions(options: JobOptions | undefined): JobOptions {
  const { signal, onProgress } = checkOptions(options);
  return {
    signal: checkSignal(signal),
    onProgress: checkFunction(onProgress, 'options.onProgress'),
  };
}

/**
 * Runs short jobs on threads of libuv's pool, or of the native core's own. Before and after each it
 * looks whether the work was aborted, or the map was closed or changed: so the native jobs need no
 * signals of their own, and the work ends within one of them. Where a map only grows, the work goes on.
 */
export class JobRunner<Native extends NativeMap> {
  readonly #memory: Memory<Native>;
  readonly #generation: number;
  readonly #signal: AbortSignal | undefined;

  /** Throws where the signal is aborted already, or the map closed. */
  constructor(memory: Memory<Native>, signal: AbortSignal | undefined) {
    if (signal?.aborted) throw abortError(signal);
    this.#memory = memory;
    memory.assertUsable();
    this.#generation = memory.generation;
    this.#signal = signal;
  }

  /** Throws where the work must end. */
  check(): void {
    this.#memory.assertUnchanged(this.#generation);
    this.#memory.assertUsable();
    if (this.#signal?.aborted) throw abortError(this.#signal);
  }

  /**
   * Runs one job.
   *
   * @param explain - Makes the public error of a failure. It is called only where the map is still
   * the one that the job ran on: a failure of the old memory says nothing about the new.
   */
  async run<T>(
    job: (open: Native) => Promise<T>,
    explain: (error: unknown) => unknown = (error) => fromNative(error, this.#memory.path),
  ): Promise<T> {
    this.check();
    const answer = await job(this.#memory.native).catch((error) => {
      this.#memory.assertUnchanged(this.#generation);
      throw explain(error);
    });
    this.check();
    return answer;
  }

  /**
   * Runs one job on a thread of the native core's own. When the work is aborted or the map closed, the
   * promise rejects at once; a job that has not begun by then never does.
   *
   * @param start - Gives the job to the threads. It is called again where the map was exchanged for a
   * longer one meanwhile, which ends no work.
   * @param droppable - What the job is for, which may be dropped. Then the answer is undefined.
   */
  async runOnThread(start: Start<Native>, droppable?: Droppable): Promise<Answer> {
    const memory = this.#memory;
    for (;;) {
      this.check();
      let settled: { answer: Answer } | null;
      try {
        settled = await onThread(memory, this.#signal, memory.native, start, droppable);
      } catch (error) {
        memory.assertUnchanged(this.#generation);
        throw error;
      }
      this.check();
      if (settled !== null) return settled.answer;
    }
  }
}

/** A long piece of work on a range of a map. */
export interface ChunkedWork<Native extends NativeMap> extends JobOptions {
  /** The bytes of one job. */
  chunk: number;
  work: (open: Native, start: number, end: number) => Promise<void>;
  /** As in {@link JobRunner.run}, with the range of the job. */
  explain?: ((error: unknown, start: number, end: number) => unknown) | undefined;
}

/** Does work on a range in chunks, each a short job off the main thread. */
export async function inChunks<Native extends NativeMap>(
  memory: Memory<Native>,
  [start, end]: Span,
  { chunk, work, explain, signal, onProgress }: ChunkedWork<Native>,
): Promise<void> {
  const runner = new JobRunner(memory, signal);
  for (let from = start; from < end; from += chunk) {
    const to = Math.min(from + chunk, end);
    await runner.run(
      (open) => work(open, from, to),
      explain && ((error) => explain(error, from, to)),
    );
    onProgress?.(to - start, end - start);
  }
}

/**
 * Does work on a range in chunks, several of them at once.
 *
 * @param work - One job, which throws where the work must end.
 */
export async function inParallel(
  runner: JobRunner<NativeMap>,
  [start, end]: Span,
  chunk: number,
  concurrency: number,
  onProgress: JobOptions['onProgress'],
  work: (start: number, end: number) => Promise<void>,
): Promise<void> {
  let next = start;
  let done = 0;
  let hasFailed = false;
  const oneByOne = async () => {
    while (next < end) {
      const from = next;
      const to = Math.min(from + chunk, end);
      next = to;
      try {
        await work(from, to);
        if (hasFailed) return;
        // Others may have settled at the same time, and their listener ended the work.
        runner.check();
        done += to - from;
        onProgress?.(done, end - start);
      } catch (error) {
        // The others begin nothing more, and report no progress.
        next = end;
        hasFailed = true;
        throw error;
      }
    }
  };
  const chunks = Math.ceil((end - start) / chunk);
  await Promise.all(Array.from({ length: Math.min(concurrency, chunks) }, oneByOne));
}

/** As {@link inChunks}, for a method that takes a range and the options of a job. */
export async function overRange<Native extends NativeMap>(
  memory: Memory<Native>,
  start: Integer | undefined,
  end: Integer | undefined,
  options: JobOptions | undefined,
  { chunk, work, explain }: Omit<ChunkedWork<Native>, keyof JobOptions>,
): Promise<void> {
  const { signal, onProgress } = checkJobOptions(options);
  const range = memory.range(start, end);
  await inChunks(memory, range, { chunk, work, explain, signal, onProgress });
}
