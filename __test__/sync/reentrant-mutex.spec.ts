import test from 'ava';
import { Mutex, ReentrantMutex } from 'memmap/sync';
import { ended, line, sharedFile, start } from '../helpers/processes';

test('its owner locks again, and unlocks as often', async (t) => {
  const { path, map } = sharedFile(t);
  const mutex = new ReentrantMutex(map, 0);
  const outer = mutex.lockSync();
  const guards = [mutex.lockSync(), await mutex.lock(), mutex.tryLock()];
  t.is(mutex.depth, 4);
  const child = start(
    path,
    `const mutex = new sync.ReentrantMutex(map, 0);
    console.log(mutex.tryLock(), mutex.depth, mutex.locked);
    mutex.lockSync(); mutex.lockSync();
    console.log(mutex.depth);`,
  );
  t.is(await line(child), 'null 0 true');
  for (const guard of guards) guard?.unlock();
  t.throws(() => guards[0]?.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  t.is(mutex.depth, 1);
  t.is(new Mutex(map, 0).tryLock(), null);
  outer.unlock();
  t.throws(() => mutex.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  t.is((await ended(child)).stdout, '2');
  const inherited = mutex.lockSync({ timeout: 20_000 });
  t.true(inherited.abandoned, 'it died with two');
  t.is(mutex.depth, 1);
  mutex.unlock();
  t.false(mutex.locked);
});

test('promises wait in turn, and enter together once this thread is the owner', async (t) => {
  const { path, map } = sharedFile(t);
  const child = start(
    path,
    `const mutex = new sync.ReentrantMutex(map, 0); mutex.lockSync(); console.log('locked');
    process.stdin.once('data', () => { mutex.unlock(); process.exit(); });`,
  );
  t.is(await line(child), 'locked');
  const mutex = new ReentrantMutex(map, 0);
  await t.throwsAsync(mutex.lock({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  t.throws(() => mutex.lockSync({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  const waits = [mutex.lock(), mutex.lock(), mutex.lock()];
  child.stdin?.write('x');
  const guards = await Promise.all(waits);
  t.is(mutex.depth, 3);
  for (const guard of guards) guard.unlock();
  t.false(mutex.locked);
  await ended(child);
});

test('4 processes by 20000 increments, locked twice each, are exact', async (t) => {
  const { path, map } = sharedFile(t);
  const children = Array.from({ length: 4 }, (_, index) =>
    start(
      path,
      `const mutex = new sync.ReentrantMutex(map, 64);
      const words = map.view(Int32Array, 0, 1);
      for (let i = 0; i < 20_000; i++) {
        const outer = ${index % 2 ? 'await mutex.lock()' : 'mutex.lockSync()'};
        const inner = mutex.lockSync();
        words[0]++;
        inner.unlock();
        outer.unlock();
      }`,
    ),
  );
  for (const { status, stderr } of await Promise.all(children.map(ended))) t.is(status, 0, stderr);
  t.is(map.buffer.readInt32LE(0), 80_000);
});
