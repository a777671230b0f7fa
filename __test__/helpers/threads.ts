/** The threads of the native core's own. */
import { native } from './native';
import { until } from './until';

interface ByPool {
  searches: number;
  prefetches: number;
  reads: number;
}

function byPool([searches = 0, prefetches = 0, reads = 0]: number[]): ByPool {
  return { searches, prefetches, reads };
}

/** How many work for promises now, by what they do. */
export function threadsNow(): ByPool {
  return byPool(native.poolLoad().threads);
}

/** How many jobs none of them is at work on. */
export function jobsWaiting(): ByPool {
  return byPool(native.poolLoad().waiting);
}

/** Waits until they have ended, as they do when there is nothing to do. */
export async function untilThreadsEnd(): Promise<void> {
  await until(
    () => native.poolLoad().threads.every((count) => count === 0),
    'the threads have ended',
  );
}
