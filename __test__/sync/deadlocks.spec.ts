/** Blocking calls that would wait for their own thread. */
import { promises } from 'node:fs';
import test from 'ava';
import { FileLock, RwLock } from 'memmap/sync';
import { ended, line, sharedFile, start } from '../helpers/processes';

const DEADLOCK = { code: 'ERR_MMAP_DEADLOCK' };

test('a reader that reads again while a writer waits for it is told so', async (t) => {
  const { path, map } = sharedFile(t);
  const lock = new RwLock(map, 0);
  const reader = lock.readSync();
  const child = start(
    path,
    `console.log('writing'); new sync.RwLock(map, 0).writeSync().unlock();`,
  );
  t.is(await line(child), 'writing');
  while (lock.tryRead()?.unlock() !== undefined || map.buffer.readInt32LE(0) === 0) {
    await promises.stat('.');
  }
  t.throws(() => lock.readSync(), DEADLOCK);
  const later = lock.read();
  reader.unlock();
  (await later).unlock();
  t.is((await ended(child)).status, 0);
});

test('a reader that reads again while a writer of its own thread waits is told so', async (t) => {
  const { map } = sharedFile(t);
  const lock = new RwLock(map, 0);
  const reader = lock.readSync();
  const writing = lock.write();
  t.throws(() => lock.readSync(), DEADLOCK);
  reader.unlock();
  (await writing).unlock();
});

test('a thread that has all places of readers is told so', (t) => {
  const { map } = sharedFile(t);
  const lock = new RwLock(map, 0);
  const guards = Array.from({ length: 60 }, () => lock.readSync());
  t.throws(() => lock.readSync(), DEADLOCK);
  for (const guard of guards) guard.unlock();
  lock.readSync().unlock();
});

test('a thread that locks a file twice is told so', async (t) => {
  const { path } = sharedFile(t);
  const other = `${path}-other`;
  await promises.link(path, other);
  const lock = FileLock.acquireSync(path);
  t.throws(() => FileLock.acquireSync(path), DEADLOCK);
  t.throws(() => FileLock.acquireSync(other, { shared: true }), DEADLOCK);
  const waiting = FileLock.acquire(path, { shared: true });
  lock.release();
  const shared = await waiting;
  FileLock.acquireSync(path, { shared: true }).release();
  t.throws(() => FileLock.acquireSync(path), DEADLOCK);
  shared.release();
});

test('a lock of another process is waited for, beside one of this thread', async (t) => {
  const { path, map } = sharedFile(t);
  const child = start(
    path,
    `const lock = sync.FileLock.acquireSync(${JSON.stringify(path)}); console.log('locked');
    process.stdin.once('data', () => { lock.release(); process.exit(); });`,
  );
  t.is(await line(child), 'locked');
  const own = FileLock.acquireSync(`${path}-own`);
  t.throws(() => FileLock.acquireSync(path, { timeout: 20 }), { code: 'ERR_MMAP_TIMEOUT' });
  own.release();
  child.stdin?.write('x');
  await ended(child);
  map.close();
});

if (process.platform === 'linux') {
  test('a thread that locks a range twice is told so (Linux)', (t) => {
    const { path } = sharedFile(t);
    const range = (start: number, length: number) => ({ range: { start, length } });
    using _lock = FileLock.acquireSync(path, range(100, 100));
    t.throws(() => FileLock.acquireSync(path, range(199, 2)), DEADLOCK);
    FileLock.acquireSync(path, range(200, 2)).release();
    FileLock.acquireSync(path).release();
  });
}
