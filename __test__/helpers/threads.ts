/** The threads of the native core's own. */
import { native } from './native';
import { until } from './until';

/** How many work for promises now, by what they do. */
export function threadsNow(): { searches: number; prefetches: number; reads: number } {
  const [searches = 0, prefetches = 0, reads = 0] = native.poolThreads();
  return { searches, prefetches, reads };
}

/** Waits until they have ended, as they do when there is nothing to do. */
export async function untilThreadsEnd(): Promise<void> {
  await until(() => native.poolThreads().every((count) => count === 0), 'the threads have ended');
}
