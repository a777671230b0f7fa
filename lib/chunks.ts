import { checkFunction, checkOptions, checkSignal } from './arguments';
import { abortError, closedError, fromNative } from './errors';
import type { Memory } from './memory';
import type { NativeMap } from './native';

/** How to watch and to end work that runs off the main thread. */
export interface JobOptions {
  /**
   * Ends the work within one chunk of it when aborted: the promise is rejected with an
   * `AbortError` whose `cause` is the signal's reason. What was done before stays done.
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
 * Watches over work that runs in many short jobs on threads of libuv's pool. Before and after each
 * it looks whether the work was aborted or the map was closed, resized or refreshed: so the native
 * jobs need no signals of their own, and the work ends within one of them.
 */
export class Watch<Native extends NativeMap> {
  readonly #memory: Memory<Native>;
  readonly #native: Native;
  readonly #generation: number;
  readonly #signal: AbortSignal | undefined;

  /** Throws where the signal is aborted already, or the map closed. */
  constructor(memory: Memory<Native>, signal: AbortSignal | undefined) {
    if (signal?.aborted) throw abortError(signal);
    this.#memory = memory;
    this.#native = memory.use();
    this.#generation = memory.generation;
    this.#signal = signal;
  }

  /** Throws where the work must end. */
  check(): void {
    const { path, generation } = this.#memory;
    if (generation !== this.#generation) throw closedError(path);
    this.#memory.use();
    if (this.#signal?.aborted) throw abortError(this.#signal);
  }

  /** Runs one job. */
  async run<T>(job: (native: Native) => Promise<T>): Promise<T> {
    this.check();
    const answer = await job(this.#native).catch((error) => {
      const { path, generation } = this.#memory;
      // A job that failed because the map went away meanwhile says so.
      throw generation === this.#generation ? fromNative(error, path) : closedError(path);
    });
    this.check();
    return answer;
  }
}

/** Does work on the bytes `start` to `end` in chunks, each a short job off the main thread. */
export async function inChunks<Native extends NativeMap>(
  memory: Memory<Native>,
  [start, end]: [number, number],
  size: number,
  { signal, onProgress }: JobOptions,
  work: (native: Native, start: number, end: number) => Promise<void>,
): Promise<void> {
  const watch = new Watch(memory, signal);
  for (let from = start; from < end; from += size) {
    const to = Math.min(from + size, end);
    await watch.run((native) => work(native, from, to));
    onProgress?.(to - start, end - start);
  }
}
