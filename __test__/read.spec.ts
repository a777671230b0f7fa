import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { isWindows, onLinux, onUnix } from './helpers/gates';
import { type Caught, inChild } from './helpers/processes';
import { Random } from './helpers/random';
import { diskFile } from './helpers/temporary';
import { jobsWaiting, threadsNow, untilThreadsEnd } from './helpers/threads';

const PAGE = 4096;
const MIB = 2 ** 20;

onLinux('tryRead gives a Buffer over what is in memory, and null for the rest (Linux)', (t) => {
  const path = diskFile(t, 5 * MIB);
  using map = MmapMut.open(path, { offset: 1 });
  map.write('here', 3 * MIB);
  map.flushSync();
  map.evictSync();
  map.advise('random');
  t.is(map.tryRead(3 * MIB, 3 * MIB + 4), null);
  t.is(map.residency().residentPages, 0, 'it has read nothing in');
  map.prefetchSync(3 * MIB, 3 * MIB + PAGE);
  const found = map.tryRead(3 * MIB, 3 * MIB + 4);
  t.is(found?.toString(), 'here');
  t.is(found?.buffer, map.buffer.buffer, 'no copy');
  t.is(map.tryRead(3 * MIB, 4 * MIB), null, 'a part of it is missing');
  t.is(map.tryRead(), null);
  map.prefetchSync();
  t.is(map.tryRead()?.length, map.length);
  t.is(map.tryRead(7, 7)?.length, 0);
});

onLinux('a part of many pages of which one is missing is not in memory (Linux)', (t) => {
  using map = MmapMut.anonymous(1000 * PAGE);
  map.advise('nohugepage');
  map.fill('a');
  t.is(map.tryRead()?.length, map.length);
  for (const page of [0, 255, 256, 511, 998, 999]) {
    map.advise('dontneed', page * PAGE, (page + 1) * PAGE);
    t.is(map.tryRead(), null, `page ${page}`);
    map.write('a', page * PAGE);
    t.is(map.tryRead()?.length, map.length);
  }
});

onLinux('read brings in what is missing, and no more (Linux)', async (t) => {
  const path = diskFile(t, 64 * MIB);
  using map = Mmap.open(path);
  map.evictSync();
  const bytes = await map.read(10 * PAGE + 1, 12 * PAGE);
  t.is(bytes.length, 2 * PAGE - 1);
  t.true(bytes.every((byte) => byte === 7));
  t.is(map.residency().residentPages, 2);
  const large = await map.read(20 * MIB, 40 * MIB);
  t.is(large.length, 20 * MIB);
  t.is(map.tryRead(20 * MIB, 40 * MIB)?.length, 20 * MIB);
  t.is((await map.read()).length, map.length);
  t.is((await map.read(5, 5)).length, 0);
});

test('read gives the bytes of every kind of map', async (t) => {
  const path = diskFile(t, 2 * MIB);
  writeFileSync(path, 'a'.repeat(2 * MIB));
  for (const map of [Mmap.open(path), MmapMut.open(path), MmapCow.open(path)]) {
    t.is((await map.read(MIB, MIB + 3)).toString(), 'aaa');
    map.close();
  }
  using copy = MmapCow.open(path);
  copy.write('own', MIB);
  t.is((await copy.read(MIB, MIB + 4)).toString(), 'owna');
  using memory = MmapMut.anonymous(MIB);
  t.deepEqual([...(await memory.read(5, 8))], [0, 0, 0]);
  memory.write('abc', 5);
  t.is((await memory.read(5, 8)).toString(), 'abc');
  using unkept = Mmap.open(path, { keepDescriptor: false });
  t.is((await unkept.read(1, 3)).toString(), 'aa');
  t.is(unkept.tryRead(1, 3), null, 'without a descriptor nobody knows');
});

test.serial('thousands of reads at once are served by a few threads, all right', async (t) => {
  await untilThreadsEnd();
  const path = diskFile(t, 32 * MIB);
  using map = MmapMut.open(path);
  for (let page = 0; page < map.length / PAGE; page++) {
    map.buffer.writeUInt32LE(page, page * PAGE + 8);
  }
  map.flushSync();
  if (!isWindows) map.evictSync();
  const random = new Random(1);
  let most = 0;
  const reads = Array.from({ length: 5000 }, async () => {
    const page = random.below(map.length / PAGE);
    const bytes = await map.read(page * PAGE, page * PAGE + 64);
    most = Math.max(most, threadsNow().reads);
    if (bytes.readUInt32LE(8) !== page) t.fail(`page ${page}`);
  });
  await Promise.all(reads);
  t.true(most >= 1 && most <= 16, `${most} threads`);
  await untilThreadsEnd();
});

test.serial('what is aborted or of a closed map waits for no thread', async (t) => {
  for (const end of ['abort', 'close'] as const) {
    const map = MmapMut.anonymous(64 * MIB);
    const aborting = new AbortController();
    const { signal } = aborting;
    const reads = Array.from({ length: 5000 }, (_, n) =>
      map.read(n * PAGE, n * PAGE + 1, { signal }),
    );
    if (end === 'abort') aborting.abort();
    else map.close();
    // What threads have taken to begin with it is not counted.
    t.is(jobsWaiting().reads, 0, end);
    for (const { status } of await Promise.allSettled(reads)) {
      if (status !== 'rejected') t.fail(end);
    }
    map.close();
  }
});

test('aborting ends reads at once, also those that wait for their turn', async (t) => {
  const path = diskFile(t, 64 * MIB);
  using map = Mmap.open(path);
  const aborting = new AbortController();
  const { signal } = aborting;
  const reads = Array.from({ length: 2000 }, (_, n) =>
    map.read(n * PAGE, n * PAGE + 1, { signal }),
  );
  aborting.abort('enough');
  const settled = await Promise.allSettled(reads);
  for (const read of settled) {
    if (read.status === 'fulfilled') return t.fail('one was not aborted');
    if (read.reason.name !== 'AbortError' || read.reason.cause !== 'enough') t.fail(read.reason);
  }
  await t.throwsAsync(map.read(0, 1, { signal }), { name: 'AbortError' });
  t.is((await map.read(0, 1)).length, 1, 'the map goes on');
});

/** Starts reads of a map, does something to the map, and expects errors of the reads. */
async function ends(t: ExecutionContext, end: (map: MmapMut, path: string) => void): Promise<void> {
  const path = diskFile(t, 8 * MIB);
  const map = MmapMut.open(path);
  const reads = [map.read(0, 10), map.read(MIB, 7 * MIB)];
  end(map, path);
  const code = map.closed ? 'ERR_MMAP_CLOSED' : 'ERR_MMAP_CHANGED';
  for (const read of reads) await t.throwsAsync(read, { code });
  map.close();
  await t.throwsAsync(map.read(0, 1), { code: 'ERR_MMAP_CLOSED' });
}

test('closing and resizing end reads', async (t) => {
  await ends(t, (map) => map.close());
  await ends(t, (map) => map.resize(MIB));
});

onUnix('following a shorter file ends reads (Unix: a mapped file is truncated)', (t) =>
  ends(t, (map, path) => {
    truncateSync(path, MIB);
    map.refresh();
  }),
);

test('growing the map ends no read, prefetch or search', async (t) => {
  const path = diskFile(t, 40 * MIB);
  using map = MmapMut.open(path);
  if (!isWindows) map.evictSync();
  const running = [
    map.read(0, 40 * MIB).then(({ length }) => length),
    map.prefetch(0, 40 * MIB, { concurrency: 2 }).then(() => 1),
    map.count('\x07\x07', { concurrency: 3 }),
    map.lineCount({ concurrency: 2 }),
  ];
  map.resize(50 * MIB);
  appendFileSync(path, Buffer.alloc(MIB, 7));
  map.refresh();
  t.deepEqual(await Promise.all(running), [40 * MIB, 1, 20 * MIB, 1]);
  t.is((await map.read(50 * MIB, 50 * MIB + 2)).toString(), '\x07\x07');
});

onLinux('a read of what the file has lost is an error (Linux)', async (t) => {
  for (const length of [2 * MIB, 2 * MIB + 10]) {
    const path = diskFile(t, 4 * MIB);
    writeFileSync(path, 'a'.repeat(4 * MIB));
    using map = Mmap.open(path);
    truncateSync(path, length);
    t.is((await map.read(MIB, MIB + 10)).toString(), 'aaaaaaaaaa', 'what is left can be read');
    const lost = map.read(2 * MIB + 5, 2 * MIB + 15);
    await t.throwsAsync(lost, { code: 'ERR_MMAP_TRUNCATED' }, `${length}`);
    t.throws(() => map.tryRead(0, 1), { code: 'ERR_MMAP_TRUNCATED' });
    map.refresh();
    t.is((await map.read(MIB, MIB + 1)).toString(), 'a');
  }
});

onLinux('tryRead answers null where the kernel would only say "all in memory" (Linux)', (t) => {
  const answer = inChild(`
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const map = memmap.Mmap.open('/etc/passwd');
    map.read(0, 1).then((bytes) => done({ tried: map.tryRead(0, 1), length: bytes.length }));`);
  t.deepEqual(answer as Caught, { tried: null, length: 1 } as unknown as Caught);
});

test('reads and searches leave the threads of libuv alone', (t) => {
  const answer = inChild(
    `
    const { promises } = require('node:fs');
    const map = memmap.MmapMut.anonymous(2 ** 32);
    // Takes seconds, on as many threads as libuv has.
    const search = map.count(/needle/, { concurrency: 4 }).catch((error) => error.code);
    promises.stat(process.execPath).then(() => map.read(5, 9)).then(({ length }) => {
      map.close();
      return search.then((ended) => done({ length, ended }));
    });`,
  );
  t.deepEqual(answer, { length: 4, ended: 'ERR_MMAP_CLOSED' });
});

/** Whether all is in memory right after it was brought in; the system may have taken pages at once. */
async function bringsAllIn(map: MmapMut, bringIn: () => void | Promise<void>): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (!isWindows) map.evictSync();
    await bringIn();
    const { residentPages, pages } = map.residency(1);
    if (residentPages === pages) return true;
  }
  return false;
}

test('prefetch and populate take a number of threads', async (t) => {
  const path = diskFile(t, 33 * MIB + 5);
  for (const concurrency of [1, 2, 64]) {
    using map = MmapMut.open(path, { offset: 4095, populate: true, concurrency });
    let told: number[] = [];
    const onProgress = (done: number) => told.push(done);
    const prefetched = bringsAllIn(map, () => {
      told = [];
      return map.prefetch(1, map.length, { concurrency, onProgress });
    });
    t.true(await prefetched);
    t.is(told.length, 5);
    t.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    t.is(told.at(-1), map.length - 1);
    t.true(await bringsAllIn(map, () => map.prefetchSync(1, map.length, { concurrency })));
  }
});

onLinux(
  'a prefetch of what the file has lost is an error on any number of threads (Linux)',
  async (t) => {
    for (const concurrency of [1, 4]) {
      const path = diskFile(t, 40 * MIB);
      using map = Mmap.open(path);
      truncateSync(path, 9 * MIB);
      const code = 'ERR_MMAP_TRUNCATED';
      await t.throwsAsync(map.prefetch(0, map.length, { concurrency }), { code });
      map.refresh();
      truncateSync(path, MIB);
      t.throws(() => map.prefetchSync(0, map.length, { concurrency }), { code });
    }
  },
);
