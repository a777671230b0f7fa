/** Waits that end: whatever ends them, nothing of them stays in the words that others see. */
import { promises } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { MmapMut } from 'memmap';
import {
  Barrier,
  Condition,
  EventFlag,
  FileLock,
  Mutex,
  Once,
  RwLock,
  Semaphore,
} from 'memmap/sync';
import { ended, sharedFile, start } from '../helpers/processes';

/** Two maps of one file: what is done through one is seen through the other. */
function twoMaps(t: ExecutionContext) {
  const { path, map: other } = sharedFile(t);
  const map = MmapMut.open(path);
  t.teardown(() => map.close());
  return { map, other };
}

const CLOSED = { code: 'ERR_MMAP_CLOSED' };

test('a writer whose map closes while readers are left lets new readers in', async (t) => {
  const { map, other } = twoMaps(t);
  const reader = new RwLock(other, 0).readSync();
  const writing = new RwLock(map, 0).write();
  await promises.stat('.');
  t.is(new RwLock(other, 0).tryRead(), null);
  map.close();
  await t.throwsAsync(writing, CLOSED);
  t.true(new RwLock(other, 0).tryRead() !== null);
  reader.unlock();
});

test('a party whose map closes has not arrived', async (t) => {
  const { map, other } = twoMaps(t);
  const waiting = new Barrier(map, 0, 2).wait();
  await promises.stat('.');
  t.is(new Barrier(other, 0, 2).waiting, 1);
  map.close();
  await t.throwsAsync(waiting, CLOSED);
  t.is(new Barrier(other, 0, 2).waiting, 0);
});

test('the run of a function whose map closes goes to the next one', async (t) => {
  const { map, other } = twoMaps(t);
  let finish = () => {};
  const first = new Once(map, 0).run(() => new Promise((resolve) => (finish = resolve)));
  await promises.stat('.');
  map.close();
  t.true(new Once(other, 0).runSync(() => {}));
  finish();
  await t.throwsAsync(first, CLOSED);
  t.true(new Once(other, 0).done);
});

test('a run that closes its map, or throws, goes to the next one', async (t) => {
  const { map, other } = twoMaps(t);
  t.throws(() => new Once(map, 0).runSync(() => map.close()), CLOSED);
  const failing = new Once(other, 0).run(() => Promise.reject(new Error('failed')));
  await t.throwsAsync(failing, { message: 'failed' });
  t.true(new Once(other, 0).runSync(() => {}));
});

test('a waiter of a condition whose map closes is not counted', async (t) => {
  const { map, other } = twoMaps(t);
  const waiting = new Condition(map, 8).wait(new Mutex(map, 0).lockSync());
  await promises.stat('.');
  t.is(other.buffer.readInt32LE(12), 1);
  map.close();
  await t.throwsAsync(waiting, CLOSED);
  t.is(other.buffer.readInt32LE(12), 0);
  new Mutex(other, 0).lockSync().unlock();
});

const GRANTED = {
  Mutex: (map: MmapMut) => new Mutex(map, 0).lock(),
  'RwLock for reading': (map: MmapMut) => new RwLock(map, 0).read(),
  'RwLock for writing': (map: MmapMut) => new RwLock(map, 0).write(),
  Semaphore: (map: MmapMut) => new Semaphore(map, 0, 2).acquire(),
  Once: (map: MmapMut) => new Once(map, 0).run(() => {}),
};

for (const [name, take] of Object.entries(GRANTED)) {
  test(`a ${name} that is granted while its map closes is released`, async (t) => {
    const { map, other } = twoMaps(t);
    const granted = take(map);
    map.close();
    await granted.catch((error) => t.like(error, CLOSED));
    const owners = [...other.view(Int32Array, 0, 64)].filter(
      (_, index) => index === 0 || index > 3,
    );
    t.true(
      owners.every((word) => word === 0 || (name === 'Once' && word < 0)),
      String(owners),
    );
  });
}

test('what is aborted in the moment before its map closes leaves nothing', async (t) => {
  const { map, other } = twoMaps(t);
  const reader = new RwLock(other, 0).readSync();
  const controller = new AbortController();
  const { signal } = controller;
  const waits = [new RwLock(map, 0).write({ signal }), new Barrier(map, 512, 2).wait({ signal })];
  await promises.stat('.');
  controller.abort();
  map.close();
  for (const wait of waits) await t.throwsAsync(wait, { name: 'AbortError' });
  t.true(new RwLock(other, 0).tryRead() !== null);
  t.is(new Barrier(other, 512, 2).waiting, 0);
  reader.unlock();
});

test('thousands of waits end when they are aborted, and when their map closes', async (t) => {
  const count = 5_000;
  const { map } = sharedFile(t, 8 * count);
  const controller = new AbortController();
  const { signal } = controller;
  const waits = Array.from({ length: count }, (_, index) => {
    const flag = new EventFlag(map, 8 * index);
    return [flag.wait({ signal }), flag.wait()] as const;
  });
  await promises.stat('.');
  controller.abort();
  const aborted = await Promise.allSettled(waits.map(([wait]) => wait));
  t.true(aborted.every((wait) => wait.status === 'rejected' && wait.reason.name === 'AbortError'));
  new EventFlag(map, 0).set();
  map.close();
  const closed = await Promise.allSettled(waits.map(([, wait]) => wait));
  const codes = closed.map((wait) => (wait.status === 'rejected' ? wait.reason.code : 'ok'));
  t.true(
    codes.every((code, index) => code === 'ERR_MMAP_CLOSED' || (index === 0 && code === 'ok')),
  );
});

test('one signal for many waits warns of no leak, and keeps no listener', async (t) => {
  const { path } = sharedFile(t);
  const child = start(
    path,
    `const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    signal.addEventListener = function (...args) { listeners++; addEventListener.apply(this, args); };
    signal.removeEventListener = function (...args) { listeners--; removeEventListener.apply(this, args); };
    const flag = new sync.EventFlag(map, 0);
    const lock = sync.FileLock.acquireSync(${JSON.stringify(path)});
    const waits = [];
    for (let i = 0; i < 20; i++) waits.push(flag.wait({ signal }));
    for (let i = 0; i < 20; i++) waits.push(sync.FileLock.acquire(${JSON.stringify(path)}, { signal }));
    const first = waits.map((wait) => wait.catch((error) => error.name));
    await turns(3);
    controller.abort();
    console.log([...new Set(await Promise.all(first))].join(), listeners);`,
  );
  const { stdout, stderr } = await ended(child);
  t.is(stderr, '');
  t.is(stdout, 'AbortError 0');
});

/** A signal as another realm, or a library of its own, has it. */
class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }
}

test('a signal of another realm aborts', async (t) => {
  const { path, map } = sharedFile(t);
  const signal = new ForeignSignal();
  const options = { signal: signal as unknown as AbortSignal };
  const held = FileLock.acquireSync(path);
  const waits = [new EventFlag(map, 0).wait(options), FileLock.acquire(path, options)];
  const cause = new Error('enough');
  signal.abort(cause);
  for (const wait of waits) {
    const error = await t.throwsAsync(wait, { name: 'AbortError' });
    t.is(error?.cause, cause);
  }
  held.release();
  for (const not of [{}, { aborted: false }, new EventTarget(), 1, null]) {
    const wait = new EventFlag(map, 0).wait({ signal: not as unknown as AbortSignal });
    await t.throwsAsync(wait, { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('waits go on with the new memory of a map that is resized or refreshed', async (t) => {
  const { path, map } = sharedFile(t);
  const flag = new EventFlag(map, 0);
  const barrier = new Barrier(map, 8, 2);
  const lock = new RwLock(map, 256);
  const reader = lock.readSync();
  const waits = [flag.wait(), barrier.wait(), lock.write()];
  await promises.stat('.');
  map.resize(8192);
  await promises.truncate(path, 12_288);
  t.true(map.refresh());
  flag.set();
  t.is(await barrier.wait(), 1);
  reader.unlock();
  await Promise.all(waits);
});

test('waits in memory that a map no longer has say so', async (t) => {
  const { map } = sharedFile(t, 8192);
  const wait = new EventFlag(map, 4096).wait();
  await promises.stat('.');
  map.resize(4096);
  await t.throwsAsync(wait, { code: 'ERR_MMAP_CHANGED', message: /4096 bytes.*no longer/ });
});
