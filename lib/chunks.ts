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
 * Does work on the bytes `start` to `end` in chunks, each a short job on a thread of libuv's pool.
 * Between chunks it looks whether it was aborted or the map was closed, resized or refreshed: so
 * the native work needs no signals of its own, and ends within one chunk.
 */
export async function inChunks<Native extends NativeMap>(
  memory: Memory<Native>,
  [start, end]: [number, number],
  size: number,
  { signal, onProgress }: JobOptions,
  work: (native: Native, start: number, end: number) => Promise<void>,
): Promise<void> {
  if (signal?.aborted) throw abortError(signal);
  const open = memory.use();
  const { generation } = memory;
  for (let from = start; from < end; from += size) {
    const to = Math.min(from + size, end);
    try {
      await work(open, from, to);
    } catch (error) {
      if (memory.generation === generation) throw fromNative(error, memory.path);
    }
    if (memory.generation !== generation) throw closedError(memory.path);
    memory.use();
    if (signal?.aborted) throw abortError(signal);
    onProgress?.(to - start, end - start);
  }
}
