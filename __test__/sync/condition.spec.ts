import { promises } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Condition, Mutex } from 'memmap/sync';
import { ended, line, sharedFile, start } from '../helpers/processes';
import { until } from '../helpers/until';

/** Waiters look at their words by themselves after 50 ms: after this long, in ms, all have. */
const LOOKED = 300;

const WAITER = (form: string) => `
  const mutex = new sync.Mutex(map, 0);
  const condition = new sync.Condition(map, 8);
  const words = map.view(Int32Array, 64, 2);
  const guard = mutex.lockSync();
  Atomics.add(words, 0, 1);
  ${form};
  words[1]++;
  guard.unlock();`;

for (const [how, wait] of Object.entries({
  'that block': 'condition.waitSync(guard)',
  'that await': 'await condition.wait(guard)',
})) {
  test(`notify wakes as many waiters ${how} as it is told, and no more later`, async (t) => {
    const { path, map } = sharedFile(t);
    const words = map.view(Int32Array, 64, 2);
    const mutex = new Mutex(map, 0);
    const condition = new Condition(map, 8);
    const children = Array.from({ length: 6 }, () => start(path, WAITER(wait)));
    const notify = async (count: number | undefined, woken: number) => {
      (await mutex.lock()).unlock();
      condition.notify(count);
      await until(() => words[1] === woken, `${woken} waiters woke`);
      await sleep(LOOKED);
      t.is(words[1], woken);
    };
    await until(() => words[0] === 6, 'all wait');
    await notify(undefined, 1);
    await notify(2, 3);
    await notify(100, 6);
    for (const { status, stderr } of await Promise.all(children.map(ended)))
      t.is(status, 0, stderr);
    t.is(map.buffer.readInt32LE(12), 0);
  });
}

test('promises of one thread are woken one by one, too', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  let waiting = 0;
  let woken = 0;
  const waits = Array.from({ length: 6 }, async () => {
    using guard = await mutex.lock();
    waiting++;
    await condition.wait(guard);
    woken++;
  });
  await until(() => waiting === 6, 'all wait');
  (await mutex.lock()).unlock();
  for (let count = 1; count <= 3; count++) {
    condition.notify();
    await until(() => woken === count, `${count} woke`);
    await sleep(LOOKED);
    t.is(woken, count);
  }
  condition.notifyAll();
  await Promise.all(waits);
});

test('a notification is not for a waiter that comes later', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  condition.notify();
  const guard = mutex.lockSync();
  t.throws(() => condition.waitSync(guard, { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  guard.unlock();
  const waiting = mutex.lock().then((held) => condition.wait(held).then(() => held.unlock()));
  await promises.stat('.');
  condition.notify();
  // The wake is for the one above: this one waits on.
  const late = mutex.lockSync();
  t.throws(() => condition.waitSync(late, { timeout: 100 }), { code: 'ERR_MMAP_TIMEOUT' });
  late.unlock();
  await waiting;
});

test('waiters that give up or die take no notification from the others', async (t) => {
  const { path, map } = sharedFile(t);
  const words = map.view(Int32Array, 64, 2);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const dying = start(path, `${WAITER("console.log('waits'); condition.waitSync(guard)")}`);
  t.is(await line(dying), 'waits');
  (await mutex.lock()).unlock();
  dying.kill('SIGKILL');
  await ended(dying);
  const guard = await mutex.lock();
  await t.throwsAsync(condition.wait(guard, { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  guard.unlock();
  const child = start(path, WAITER('condition.waitSync(guard)'));
  await until(() => words[0] === 2, 'the other one waits');
  (await mutex.lock()).unlock();
  condition.notify();
  t.is((await ended(child)).status, 0);
  t.is(words[1], 1);
});

test('a guard that does not hold the mutex is refused, and not counted', (t) => {
  const { map } = sharedFile(t);
  const guard = new Mutex(map, 0).lockSync();
  guard.unlock();
  t.throws(() => new Condition(map, 8).waitSync(guard), { code: 'ERR_MMAP_NOT_OWNER' });
  t.is(map.buffer.readInt32LE(12), 0);
});
