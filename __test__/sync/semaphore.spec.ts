import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Semaphore } from 'memmap/sync';
import { ended, sharedFile, start } from '../helpers/processes';
import { until } from '../helpers/until';

const WAITERS = 4;

test('a burst of releases wakes as many waiters, though none looks by itself', async (t) => {
  const { path, map } = sharedFile(t);
  const semaphore = new Semaphore(map, 0, WAITERS);
  const words = map.view(Int32Array, 256, 2);
  const permits = Array.from({ length: WAITERS }, () => semaphore.acquireSync());
  const children = Array.from({ length: WAITERS }, () =>
    start(
      path,
      `const { wait } = native.MmapMut.prototype;
      // A blocked thread sleeps on until it is woken.
      native.MmapMut.prototype.wait = function (offset, expected, high) {
        return wait.call(this, offset, expected, high, 90_000);
      };
      const words = map.view(Int32Array, 256, 2);
      const semaphore = new sync.Semaphore(map, 0, ${WAITERS});
      Atomics.add(words, 0, 1);
      semaphore.acquireSync();
      Atomics.add(words, 1, 1);`,
    ),
  );
  await until(() => words[0] === WAITERS, 'all are about to wait');
  // They sleep soon; one that does not yet finds a permit without being woken.
  await sleep(200);
  for (const permit of permits) permit.release();
  await until(() => words[1] === WAITERS, 'all have a permit');
  for (const { status, stderr } of await Promise.all(children.map(ended))) t.is(status, 0, stderr);
});
