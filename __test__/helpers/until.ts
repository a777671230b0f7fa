/** Waiting for a state. Nothing here waits for time to pass. */
import { PATIENCE } from './patience';

/** After this long, in ms, a state will not come any more: generous, since machines are busy. */
const LIMIT = 60_000 * PATIENCE;

/** Waits until a condition holds, and throws if it never does. `what` names the missing state. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + LIMIT;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`after ${LIMIT / 1000} s still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets `count` turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
