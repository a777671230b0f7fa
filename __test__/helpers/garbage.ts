/** Garbage collection on demand. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turns, until } from './until';

/** The engine's collector. Bun and Deno have it with `--expose-gc` only, Node.js always. */
function collector(): () => void {
  const exposed: unknown = Reflect.get(globalThis, 'gc');
  if (typeof exposed === 'function') return () => exposed();
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Collects garbage and lets the finalizers run. */
export async function collect(): Promise<void> {
  const gc = collector();
  for (let round = 0; round < 3; round++) {
    // First the turns: what a WeakRef has shown is kept until the job that saw it ends.
    await turns(3);
    gc();
  }
  await turns(3);
}

/** Collects garbage until a condition holds, and throws if it never does. */
export async function collectUntil(condition: () => boolean, what: string): Promise<void> {
  await until(async () => {
    if (condition()) return true;
    await collect();
    return condition();
  }, what);
}
