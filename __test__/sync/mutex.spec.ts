import { once } from 'node:events';
import { promises, readFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { Mutex } from 'memmap/sync';
import { notOnMacOS } from '../helpers/gates';
import { ended, line, sharedFile, start, startWorker } from '../helpers/processes';

test('a mutex has one owner at a time; unlock, guard and using release it', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 8);
  const same = new Mutex(map, 8);
  {
    using guard = mutex.lockSync();
    t.false(guard.abandoned);
    t.true(same.locked);
    t.is(same.tryLock(), null);
  }
  t.false(mutex.locked);
  const second = mutex.tryLock();
  t.is(second?.mutex, mutex);
  second?.unlock();
  t.throws(() => second?.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  second?.[Symbol.dispose]();
  const third = await mutex.lock();
  mutex.unlock();
  t.throws(() => third.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  t.throws(() => mutex.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  t.is(map.buffer.readInt32LE(8), 0);
});

test('misplaced mutexes, wrong maps and wrong options are refused', async (t) => {
  const { path, map } = sharedFile(t, 16);
  for (const offset of [-1, 1, 2, 12, 16, 0.5, 2 ** 53]) {
    t.throws(() => new Mutex(map, offset), { code: 'ERR_OUT_OF_RANGE' }, String(offset));
  }
  const make = (on: unknown) => () => Reflect.construct(Mutex, [on, 0]);
  using readOnly = Mmap.open(path);
  using private_ = MmapCow.open(path);
  t.throws(make(readOnly), { code: 'ERR_MMAP_READ_ONLY' });
  t.throws(make(private_), { code: 'ERR_MMAP_READ_ONLY' });
  t.throws(make(Buffer.alloc(16)), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(make(undefined), { code: 'ERR_INVALID_ARG_TYPE' });
  const mutex = new Mutex(map, 8n);
  t.throws(() => mutex.lockSync({ timeout: Number.NaN }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => Reflect.apply(mutex.lockSync, mutex, [{ timeout: '1' }]), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  await t.throwsAsync(async () => Reflect.apply(mutex.lock, mutex, [{ signal: 1 }]), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.false(mutex.locked);
  map.close();
  t.throws(() => mutex.lockSync(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => mutex.tryLock(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => mutex.unlock(), { code: 'ERR_MMAP_CLOSED' });
  await t.throwsAsync(mutex.lock(), { code: 'ERR_MMAP_CLOSED' });
});

test('a thread that blocks on its own lock is told so', (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  using _guard = mutex.lockSync();
  t.throws(() => mutex.lockSync(), { code: 'ERR_MMAP_DEADLOCK' });
  t.throws(() => new Mutex(map, 0).lockSync({ timeout: 5 }), { code: 'ERR_MMAP_DEADLOCK' });
});

test('promises get the lock in their order, and leave nothing when cancelled', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const guard = mutex.lockSync();
  const order: number[] = [];
  const controller = new AbortController();
  const wait = async (name: number, options = {}) => {
    using _guard = await mutex.lock(options);
    order.push(name);
    await promises.stat('.');
  };
  const waits = [wait(1), wait(2), wait(3)];
  const aborted = wait(4, { signal: controller.signal });
  const late = wait(5, { timeout: 20 });
  waits.push(wait(6));
  await t.throwsAsync(late, {
    code: 'ERR_MMAP_TIMEOUT',
    message: /timed out after 20 ms waiting for the mutex; retry, or raise `timeout`/,
  });
  controller.abort();
  await t.throwsAsync(aborted, { name: 'AbortError' });
  guard.unlock();
  await Promise.all(waits);
  t.deepEqual(order, [1, 2, 3, 6]);
  t.false(mutex.locked);
});

test('closing the map ends what waits; resizing it does not', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const guard = mutex.lockSync();
  const first = mutex.lock();
  const second = mutex.lock();
  map.resize(8192);
  await promises.stat('.');
  guard.unlock();
  const held = await first;
  t.true(mutex.locked);
  map.close();
  await t.throwsAsync(second, { code: 'ERR_MMAP_CLOSED' });
  held[Symbol.dispose]();
});

test('a closed map whose memory cannot be detached is noticed, or refused as such', (t) => {
  const { path } = sharedFile(t);
  let map: MmapMut;
  try {
    map = MmapMut.open(path, { shared: true });
  } catch (error) {
    t.like(error, { code: 'ERR_MMAP_UNSUPPORTED' });
    return;
  }
  const mutex = new Mutex(map, 0);
  const word = map.atomic(64);
  mutex.lockSync().unlock();
  word.store(1);
  map.close();
  t.throws(() => mutex.lockSync(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => mutex.unlock(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => word.load(), { code: 'ERR_MMAP_CLOSED' });
});

test('timeouts of blocking calls, while another process owns the lock', async (t) => {
  const { path, map } = sharedFile(t);
  const child = start(
    path,
    `new sync.Mutex(map, 0).lockSync(); console.log('locked');
    process.stdin.once('data', () => { new sync.Mutex(map, 0).unlock(); process.exit(); });`,
  );
  t.is(await line(child), 'locked');
  const mutex = new Mutex(map, 0);
  t.is(mutex.tryLock(), null);
  const begin = performance.now();
  t.throws(() => mutex.lockSync({ timeout: 150 }), { code: 'ERR_MMAP_TIMEOUT' });
  t.true(performance.now() - begin >= 149);
  t.throws(() => mutex.lockSync({ timeout: 0 }), { code: 'ERR_MMAP_TIMEOUT' });
  t.throws(() => mutex.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  child.stdin?.write('x');
  t.false(mutex.lockSync({ timeout: 60_000 }).abandoned);
  await ended(child);
});

const INCREMENTS = 50_000;

for (const [kind, lock] of [
  ['lockSync', 'mutex.lockSync()'],
  ['lock', 'await mutex.lock()'],
]) {
  test(`4 processes by ${INCREMENTS} increments under ${kind} are exact`, async (t) => {
    const { path, map } = sharedFile(t);
    const children = Array.from({ length: 4 }, () =>
      start(
        path,
        `const mutex = new sync.Mutex(map, 64);
        for (let i = 0; i < ${INCREMENTS}; i++) {
          const guard = ${lock};
          if (guard.abandoned) throw new Error('abandoned');
          map.buffer.writeInt32LE(map.buffer.readInt32LE(0) + 1, 0);
          guard.unlock();
        }`,
      ),
    );
    for (const { status, stderr } of await Promise.all(children.map(ended))) {
      t.is(status, 0, stderr);
    }
    t.is(map.buffer.readInt32LE(0), 4 * INCREMENTS);
    t.false(new Mutex(map, 64).locked);
  });
}

test('the lock of a killed process goes to the next owner, marked abandoned', async (t) => {
  const { path, map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  for (const form of ['tryLock', 'lockSync', 'lock'] as const) {
    const child = start(
      path,
      `new sync.Mutex(map, 0).lockSync(); console.log('locked');
      setInterval(() => {}, 1000);`,
    );
    t.is(await line(child), 'locked');
    const waiting = form === 'lock' ? mutex.lock() : undefined;
    child.kill('SIGKILL');
    if (form === 'tryLock') await once(child, 'exit');
    // For lockSync the process stays a zombie meanwhile: this thread cannot reap it.
    const guard = waiting ? await waiting : form === 'lock' ? null : mutex[form]();
    t.true(guard?.abandoned, form);
    guard?.unlock();
  }
  t.false(mutex.lockSync().abandoned, 'only the next owner is told');
});

notOnMacOS(
  'the lock of a terminated worker goes to the next owner, marked abandoned (not on macOS: it tells of no ended thread)',
  async (t) => {
    const { path, map } = sharedFile(t);
    const mutex = new Mutex(map, 0);
    for (let round = 0; round < 3; round++) {
      const worker = startWorker(
        path,
        `new sync.Mutex(map, 0).lockSync();
      parentPort.postMessage('locked'); setInterval(() => {}, 1000);`,
      );
      await once(worker, 'message');
      t.is(mutex.tryLock(), null);
      const waiting = mutex.lock();
      await worker.terminate();
      const guard = await waiting;
      t.true(guard.abandoned);
      guard.unlock();
    }
  },
);

test('a worker that blocks on a lock can be terminated', async (t) => {
  const { path, map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  using _guard = mutex.lockSync();
  const worker = startWorker(
    path,
    `parentPort.postMessage('locking');
    new sync.Mutex(map, 0).lockSync();`,
  );
  await once(worker, 'message');
  await worker.terminate();
  t.true(mutex.locked);
});

if (process.platform === 'linux') {
  test('an id that was used again does not keep a lock (Linux)', (t) => {
    const { map } = sharedFile(t);
    const mutex = new Mutex(map, 0);
    mutex.lockSync();
    // This thread's id, as one that was started at another time had signed.
    map.buffer.writeInt32LE(map.buffer.readInt32LE(0) ^ (1 << 22), 0);
    const guard = mutex.lockSync({ timeout: 60_000 });
    t.true(guard.abandoned);
    guard.unlock();
  });

  const unshare = ['unshare', '--map-root-user', '--pid', '--fork', '--kill-child'];
  const supported = (() => {
    const limit = '/proc/sys/user/max_user_namespaces';
    try {
      return Number(readFileSync(limit, 'utf8')) > 0;
    } catch {
      return false;
    }
  })();
  const withNamespaces = supported ? test : test.skip;

  for (const mount of [[], ['--mount-proc']]) {
    withNamespaces(
      `nothing is taken from a thread of another pid namespace, with ${mount[0] ?? 'the old /proc'} (needs unshare)`,
      async (t) => {
        const { path, map } = sharedFile(t);
        const mutex = new Mutex(map, 0);
        mutex.lockSync().unlock();
        const child = start(
          path,
          `const mutex = new sync.Mutex(map, 0);
          mutex.lockSync(); console.log(process.pid);
          process.stdin.once('data', () => { mutex.unlock(); process.exit(); });`,
          ...unshare,
          ...mount,
        );
        // The process knows itself by a small id that means something else, or nothing, here.
        t.true(Number(await line(child)) < 100);
        t.is(mutex.tryLock(), null);
        t.throws(() => mutex.lockSync({ timeout: 400 }), { code: 'ERR_MMAP_TIMEOUT' });
        await t.throwsAsync(mutex.lock({ timeout: 400 }), { code: 'ERR_MMAP_TIMEOUT' });
        child.stdin?.write('x');
        t.false((await mutex.lock({ timeout: 60_000 })).abandoned);
        await ended(child);
      },
    );
  }
}

test('1,000 promises wait for mutexes while files are still read', async (t) => {
  const { path, map } = sharedFile(t, 8000);
  const child = start(
    path,
    `for (let i = 0; i < 1000; i++) new sync.Mutex(map, 8 * i).lockSync();
    console.log('locked');
    process.stdin.once('data', () => {
      for (let i = 0; i < 1000; i++) new sync.Mutex(map, 8 * i).unlock();
      process.exit();
    });`,
  );
  t.is(await line(child), 'locked');
  const waits = Array.from({ length: 1000 }, (_, index) => new Mutex(map, 8 * index).lock());
  for (let i = 0; i < 20; i++) await promises.stat('.');
  child.stdin?.write('x');
  const guards = await Promise.all(waits);
  t.true(guards.every((guard) => !guard.abandoned));
  await ended(child);
});
