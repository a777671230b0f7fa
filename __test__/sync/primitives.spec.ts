/** What each primitive but the mutex does, and what it takes for misuse. */
import { once } from 'node:events';
import { promises } from 'node:fs';
import test from 'ava';
import { Mmap } from 'memmap';
import {
  Barrier,
  Condition,
  EventFlag,
  Mutex,
  Once,
  ReentrantMutex,
  RwLock,
  Semaphore,
} from 'memmap/sync';
import { notOnMacOS } from '../helpers/gates';
import { ended, line, sharedFile, start, startWorker } from '../helpers/processes';

const PRIMITIVES = {
  Barrier: [Barrier, 12, 3],
  Condition: [Condition, 8],
  EventFlag: [EventFlag, 4],
  Mutex: [Mutex, 8],
  Once: [Once, 8],
  ReentrantMutex: [ReentrantMutex, 12],
  RwLock: [RwLock, 256],
  Semaphore: [Semaphore, 28, 3],
} as const;

for (const [name, [Primitive, bytes, ...rest]] of Object.entries(PRIMITIVES)) {
  test(`a ${name} takes ${bytes} bytes, aligned, of a writable shared map`, (t) => {
    const { path, map } = sharedFile(t, 4096);
    const make = (on: unknown, offset: unknown) => () =>
      Reflect.construct(Primitive, [on, offset, ...rest]);
    t.is(Primitive === Semaphore ? Semaphore.bytes(3) : Reflect.get(Primitive, 'BYTES'), bytes);
    t.notThrows(make(map, 4096 - bytes));
    t.throws(make(map, 4096 - bytes + 4), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(make(map, 2), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(make(map, -4), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(make(map, '0'), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(make({}, 0), { code: 'ERR_INVALID_ARG_TYPE' });
    using readOnly = Mmap.open(path);
    t.throws(make(readOnly, 0), { code: 'ERR_MMAP_READ_ONLY' });
    map.close();
    t.throws(make(map, 0), { code: 'ERR_MMAP_CLOSED' });
  });
}

test('a semaphore has so many permits, and those of the dead come back', async (t) => {
  const { path, map } = sharedFile(t);
  const semaphore = new Semaphore(map, 0, 3);
  t.throws(() => new Semaphore(map, 0, 4), { code: 'ERR_OUT_OF_RANGE', message: /3, as others/ });
  t.throws(() => new Semaphore(map, 512, 0), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => new Semaphore(map, 512, 1025), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => semaphore.release(), { code: 'ERR_MMAP_NOT_OWNER' });
  const mine = semaphore.acquireSync();
  const child = start(
    path,
    `const semaphore = new sync.Semaphore(map, 0, 3);
    semaphore.acquireSync(); await semaphore.acquire(); console.log(semaphore.tryAcquire());
    setInterval(() => {}, 1000);`,
  );
  t.is(await line(child), 'null');
  t.is(semaphore.available, 0);
  t.throws(() => semaphore.acquireSync({ timeout: 10 }), { code: 'ERR_MMAP_TIMEOUT' });
  const first = semaphore.acquire();
  const second = semaphore.acquire();
  await promises.stat('.');
  mine.release();
  t.false((await first).abandoned);
  t.throws(() => mine.release(), { code: 'ERR_MMAP_NOT_OWNER' });
  child.kill('SIGKILL');
  t.true((await second).abandoned);
  const third = semaphore.acquireSync({ timeout: 60_000 });
  t.true(third.abandoned);
  t.throws(() => semaphore.acquireSync(), { code: 'ERR_MMAP_DEADLOCK' });
  t.is(semaphore.tryAcquire(), null);
  semaphore.release();
  semaphore.release();
  semaphore.release();
  t.is(semaphore.available, 3);
});

test('a flag lets all waiters through from set to clear, also when it is cleared at once', async (t) => {
  const { path, map } = sharedFile(t);
  const flag = new EventFlag(map, 4);
  t.false(flag.isSet);
  t.throws(() => flag.waitSync({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  const child = start(
    path,
    `const flag = new sync.EventFlag(map, 4);
    console.log('waiting'); flag.waitSync(); await flag.wait(); console.log(flag.isSet);`,
  );
  t.is(await line(child), 'waiting');
  const waits = [flag.wait(), flag.wait()];
  flag.set();
  flag.set();
  flag.waitSync();
  t.is((await ended(child)).stdout, 'true');
  await Promise.all(waits);
  flag.clear();
  t.false(flag.isSet);
  const pulse = flag.wait();
  flag.set();
  flag.clear();
  await pulse;
  await t.throwsAsync(flag.wait({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
});

test('readers share a lock, writers do not, and a waiting writer goes before new readers', async (t) => {
  const { map, path } = sharedFile(t);
  const lock = new RwLock(map, 256);
  const first = lock.readSync();
  const second = await lock.read();
  t.is(lock.tryWrite(), null);
  t.throws(() => lock.writeSync({ timeout: 5 }), { code: 'ERR_MMAP_DEADLOCK' });
  lock.tryRead()?.unlock();
  const order: string[] = [];
  const write = lock.write().then((guard) => {
    order.push('write');
    return guard;
  });
  const read = lock.read().then((guard) => {
    order.push('read');
    return guard;
  });
  t.is(lock.tryRead(), null, 'a writer waits');
  first.unlock();
  t.throws(() => first.unlock(), { code: 'ERR_MMAP_NOT_OWNER' });
  second.unlock();
  const writer = await write;
  t.is(lock.tryRead(), null);
  t.throws(() => lock.readSync(), { code: 'ERR_MMAP_DEADLOCK' });
  t.throws(() => lock.writeSync(), { code: 'ERR_MMAP_DEADLOCK' });
  writer.unlock();
  (await read).unlock();
  t.deepEqual(order, ['write', 'read']);
  // A writer that stops waiting lets readers in again.
  const child = start(
    path,
    `const guard = new sync.RwLock(map, 256).readSync(); console.log('reads');
    process.stdin.once('data', () => { guard.unlock(); process.exit(); });`,
  );
  t.is(await line(child), 'reads');
  t.throws(() => lock.writeSync({ timeout: 20 }), { code: 'ERR_MMAP_TIMEOUT' });
  await t.throwsAsync(lock.write({ timeout: 20 }), { code: 'ERR_MMAP_TIMEOUT' });
  const controller = new AbortController();
  const aborted = lock.write({ signal: controller.signal });
  controller.abort();
  await t.throwsAsync(aborted, { name: 'AbortError' });
  lock.tryRead()?.unlock();
  child.stdin?.write('x');
  lock.writeSync({ timeout: 60_000 }).unlock();
  await ended(child);
  t.deepEqual(
    [...map.view(Int32Array, 256, 64)].filter((word, index) => word !== 0 && index > 2),
    [],
  );
});

test('all 60 places of readers: the next one waits', async (t) => {
  const { map } = sharedFile(t);
  const lock = new RwLock(map, 0);
  const guards = Array.from({ length: 60 }, () => lock.readSync());
  t.is(lock.tryRead(), null);
  t.throws(() => lock.readSync({ timeout: 5 }), { code: 'ERR_MMAP_DEADLOCK' });
  const waiting = lock.read();
  await promises.stat('.');
  guards.pop()?.unlock();
  (await waiting).unlock();
  for (const guard of guards) guard.unlock();
  lock.tryWrite()?.unlock();
});

test('killed readers and writers leave the lock; a writer is told of', async (t) => {
  const { map, path } = sharedFile(t);
  const lock = new RwLock(map, 0);
  for (const [dies, takes] of [
    ['readSync', 'writeSync'],
    ['writeSync', 'writeSync'],
    ['writeSync', 'readSync'],
    ['readSync', 'write'],
    ['writeSync', 'read'],
  ] as const) {
    const child = start(
      path,
      `new sync.RwLock(map, 0).${dies}(); console.log('locked');
      setInterval(() => {}, 1000);`,
    );
    t.is(await line(child), 'locked');
    if (dies === 'writeSync') t.is(lock.tryRead(), null);
    else lock.tryRead()?.unlock();
    t.is(lock.tryWrite(), null);
    child.kill('SIGKILL');
    const guard = await lock[takes]();
    t.is(guard.abandoned, dies === 'writeSync', `${dies} then ${takes}`);
    guard.unlock();
    const next = lock.readSync();
    t.false(next.abandoned, 'told once');
    next.unlock();
  }
});

test('4 processes by 50000 increments under an RwLock are exact', async (t) => {
  const { path, map } = sharedFile(t);
  const children = Array.from({ length: 4 }, (_, index) =>
    start(
      path,
      `const lock = new sync.RwLock(map, 256);
      const words = map.view(Int32Array, 0, 2);
      for (let i = 0; i < 50_000; i++) {
        const guard = ${index % 2 ? 'await lock.write()' : 'lock.writeSync()'};
        words[0]++;
        words[1]++;
        guard.unlock();
        if (i % 8 === 0) {
          const reading = ${index % 2 ? 'await lock.read()' : 'lock.readSync()'};
          if (words[0] !== words[1]) throw new Error('half a write was seen');
          reading.unlock();
        }
      }`,
    ),
  );
  for (const { status, stderr } of await Promise.all(children.map(ended))) t.is(status, 0, stderr);
  t.deepEqual([...map.view(Int32Array, 0, 2)], [200_000, 200_000]);
});

test('a condition passes items from one process to another', async (t) => {
  const { path, map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const words = map.view(Int32Array, 16, 2);
  const child = start(
    path,
    `const mutex = new sync.Mutex(map, 0);
    const condition = new sync.Condition(map, 8);
    const words = map.view(Int32Array, 16, 2);
    let sum = 0;
    for (let i = 0; i < 1000; i++) {
      const guard = mutex.lockSync();
      while (words[0] === 0) i % 2 ? await condition.wait(guard) : condition.waitSync(guard);
      words[0] = 0;
      sum += words[1];
      condition.notify();
      guard.unlock();
    }
    console.log(sum);`,
  );
  for (let i = 1; i <= 1000; i++) {
    const guard = await mutex.lock();
    while (words[0] === 1) await condition.wait(guard);
    words[0] = 1;
    words[1] = i;
    condition.notify();
    guard.unlock();
  }
  t.is((await ended(child)).stdout, String((1000 * 1001) / 2));
});

test('a condition locks again after a timeout and an abort, and wakes all', async (t) => {
  const { map } = sharedFile(t);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const guard = mutex.lockSync();
  t.throws(() => condition.waitSync(guard, { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  t.true(mutex.locked);
  await t.throwsAsync(condition.wait(guard, { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  const controller = new AbortController();
  const aborted = condition.wait(guard, { signal: controller.signal });
  t.false(mutex.locked);
  controller.abort();
  await t.throwsAsync(aborted, { name: 'AbortError' });
  t.true(mutex.locked);
  guard.unlock();
  t.throws(() => condition.waitSync(guard), { code: 'ERR_MMAP_NOT_OWNER' });
  let waiting = 0;
  const waits = Array.from({ length: 5 }, async () => {
    using held = await mutex.lock();
    waiting++;
    await condition.wait(held);
  });
  while (waiting < 5) await promises.stat('.');
  // All that counted themselves wait, now that the mutex is free.
  (await mutex.lock()).unlock();
  condition.notifyAll();
  await Promise.all(waits);
  t.false(mutex.locked);
});

test('a barrier opens when all have come, again and again', async (t) => {
  const { path, map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 3);
  t.throws(() => new Barrier(map, 0, 2), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => new Barrier(map, 8, 1024), { code: 'ERR_OUT_OF_RANGE' });
  const work = (form: string) => `const barrier = new sync.Barrier(map, 0, 3);
    const words = map.view(Int32Array, 16, 1);
    for (let i = 0; i < 200; i++) {
      Atomics.add(words, 0, 1);
      ${form};
      if (Atomics.load(words, 0) < 3 * (i + 1)) throw new Error('too early');
      ${form};
    }`;
  const children = [
    start(path, work('barrier.waitSync()')),
    start(path, work('await barrier.wait()')),
  ];
  const words = map.view(Int32Array, 16, 1);
  const numbers = new Set<number>();
  for (let i = 0; i < 200; i++) {
    Atomics.add(words, 0, 1);
    numbers.add(await barrier.wait());
    t.true(Atomics.load(words, 0) >= 3 * (i + 1));
    await barrier.wait();
  }
  for (const { status, stderr } of await Promise.all(children.map(ended))) t.is(status, 0, stderr);
  t.true([...numbers].every((number) => number >= 0 && number < 3));
  t.is(barrier.waiting, 0);
});

test('a cancelled wait at a barrier has not arrived', async (t) => {
  const { map } = sharedFile(t);
  const barrier = new Barrier(map, 0, 2);
  t.throws(() => barrier.waitSync({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  await t.throwsAsync(barrier.wait({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  await t.throwsAsync(barrier.wait({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  t.is(barrier.waiting, 0);
  const first = barrier.wait();
  t.is(barrier.waiting, 1);
  t.is(barrier.waitSync(), 1);
  t.is(await first, 0);
});

test('once: one of many runs it, the next one where it throws or dies', async (t) => {
  const { path, map } = sharedFile(t);
  const run = new Once(map, 0);
  t.throws(() => Reflect.apply(run.runSync, run, [1]), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(
    () =>
      run.runSync(() => {
        throw new Error('failed');
      }),
    { message: 'failed' },
  );
  t.false(run.done);
  t.throws(() => run.runSync(() => run.runSync(() => {})), { code: 'ERR_MMAP_DEADLOCK' });
  const child = start(
    path,
    `await new sync.Once(map, 0).run(async () => {
    console.log('runs'); await new Promise(() => setInterval(() => {}, 1000)); });`,
  );
  t.is(await line(child), 'runs');
  t.throws(() => run.runSync(() => {}, { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  const told: boolean[] = [];
  const others = [1, 2, 3].map(() => run.run((abandoned) => void told.push(abandoned)));
  child.kill('SIGKILL');
  t.deepEqual((await Promise.all(others)).sort(), [false, false, true]);
  t.deepEqual(told, [true]);
  t.true(run.done);
  t.false(run.runSync(() => t.fail()));
  const later = start(
    path,
    `const run = new sync.Once(map, 0);
    console.log(run.done, run.runSync(() => {}), await run.run(() => {}));`,
  );
  t.is((await ended(later)).stdout, 'true false false');
});

notOnMacOS(
  'a terminated worker releases what it owned of every primitive (not on macOS: it tells of no ended thread)',
  async (t) => {
    const { path, map } = sharedFile(t);
    const worker = startWorker(
      path,
      `new sync.Semaphore(map, 0, 1).acquireSync();
    new sync.RwLock(map, 256).writeSync();
    new sync.RwLock(map, 512).readSync();
    new sync.Once(map, 768).run(() => new Promise(() => {}));
    parentPort.postMessage('holds'); setInterval(() => {}, 1000);`,
    );
    await once(worker, 'message');
    t.is(new Semaphore(map, 0, 1).tryAcquire(), null);
    await worker.terminate();
    t.true(new Semaphore(map, 0, 1).acquireSync().abandoned);
    t.true((await new RwLock(map, 256).read()).abandoned);
    t.false(new RwLock(map, 512).writeSync().abandoned);
    t.true(new Once(map, 768).runSync((abandoned) => t.true(abandoned)));
  },
);
