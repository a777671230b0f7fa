/** The options of what searches on several threads at once. */
import { checkOptions } from '../base/arguments';
import { checkJobOptions, type JobOptions } from '../memory/jobs';
import { checkConcurrency, defaultSearchThreads } from '../memory/threads';

/** How to watch and to end work that runs on threads of memmap's own, and how many. */
export interface ThreadedJobOptions extends JobOptions {
  /**
   * How many chunks are worked on at once, each by a thread of its own: 1 to 64. The answer is the
   * same for any number, and so is its order. Default: half of `os.availableParallelism()`, at least
   * 1.
   */
  concurrency?: number | undefined;
}

/** As {@link checkJobOptions}. */
export function readThreadedJob(
  options: ThreadedJobOptions | undefined,
): JobOptions & { concurrency: number } {
  const { concurrency } = checkOptions(options);
  return {
    ...checkJobOptions(options),
    concurrency: checkConcurrency(concurrency, defaultSearchThreads()),
  };
}
