import { promises } from 'node:fs';
import test from 'ava';
import { Barrier } from 'memmap/sync';
import { ended, line, sharedFile, start } from '../helpers/processes';
import { until } from '../helpers/until';

const BROKEN = { code: 'ERR_MMAP_BROKEN' };

test('a round that has passed is passed, also for a party that is aborted then', async (t) => {
  const { map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 2);
  const controller = new AbortController();
  const first = barrier.wait({ signal: controller.signal });
  await promises.stat('.');
  t.is(barrier.waitSync(), 1);
  controller.abort();
  t.is(await first, 0);
});

test('the parties of a round have different numbers, though others left before', async (t) => {
  const { map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 4);
  for (let round = 0; round < 3; round++) {
    const controller = new AbortController();
    const leaving = barrier.wait({ signal: controller.signal });
    const waits = [barrier.wait(), barrier.wait()];
    controller.abort();
    await t.throwsAsync(leaving, { name: 'AbortError' });
    t.is(barrier.waiting, 2);
    waits.push(barrier.wait(), barrier.wait());
    const numbers = await Promise.all(waits);
    t.deepEqual(numbers.toSorted(), [0, 1, 2, 3]);
    t.is(numbers[3], 3, 'the last to arrive');
  }
});

test('a party that gives up in another process leaves the numbers different', async (t) => {
  const { path, map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 3);
  const child = start(
    path,
    `const barrier = new sync.Barrier(map, 0, 3);
    while (barrier.waiting === 0);
    let code;
    try { barrier.waitSync({ timeout: 100 }); } catch (error) { code = error.code; }
    Atomics.store(map.view(Int32Array, 64, 1), 0, 1);
    console.log(code, barrier.waitSync());`,
  );
  const waits = [barrier.wait()];
  await until(() => map.buffer.readInt32LE(64) === 1, 'the child gave up');
  waits.push(barrier.wait());
  const numbers = await Promise.all(waits);
  const [code, number] = (await ended(child)).stdout.split(' ');
  t.is(code, 'ERR_MMAP_TIMEOUT');
  t.deepEqual([...numbers, Number(number)].toSorted(), [0, 1, 2]);
});

test('abort breaks the barrier for all, until reset', async (t) => {
  const { path, map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 3);
  t.false(barrier.broken);
  const child = start(
    path,
    `const barrier = new sync.Barrier(map, 0, 3);
    console.log('waiting');
    try { barrier.waitSync(); } catch (error) { console.log(error.code, barrier.broken); }`,
  );
  t.is(await line(child), 'waiting');
  const waiting = barrier.wait();
  while (barrier.waiting < 2) await promises.stat('.');
  barrier.abort();
  barrier.abort();
  await t.throwsAsync(waiting, BROKEN);
  t.is((await ended(child)).stdout, 'ERR_MMAP_BROKEN true');
  t.true(barrier.broken);
  t.is(barrier.waiting, 0);
  t.throws(() => barrier.waitSync(), BROKEN);
  await t.throwsAsync(barrier.wait(), BROKEN);
  barrier.reset();
  t.false(barrier.broken);
  const numbers = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]);
  t.deepEqual(numbers.toSorted(), [0, 1, 2]);
});

test('reset breaks the round of the current waiters, and only that', async (t) => {
  const { map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 2);
  barrier.reset();
  const waiting = barrier.wait();
  barrier.reset();
  const next = [barrier.wait(), barrier.wait()];
  await t.throwsAsync(waiting, BROKEN);
  t.deepEqual((await Promise.all(next)).toSorted(), [0, 1]);
  t.false(barrier.broken);
  const passed = [barrier.wait(), barrier.wait()];
  barrier.abort();
  t.deepEqual((await Promise.all(passed)).toSorted(), [0, 1], 'the round had passed');
});
