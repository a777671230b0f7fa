/** Maps whose file only grows: everything that was made of them before stays, and shows the file. */
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
import { Mutex } from 'memmap/sync';
import { collectUntil } from './helpers/garbage';
import { isWindows, onLinux, onUnix } from './helpers/gates';
import { holds, mapsOf } from './helpers/kernel';
import { ended, line, start } from './helpers/processes';
import { diskFile, pattern, temporaryFile } from './helpers/temporary';

const PAGE = 4096;

/** How a map comes to see a longer file. */
const ways = {
  refresh: (map: MmapMut, path: string, length: number) => {
    truncateSync(path, length);
    return map.refresh();
  },
  resize: (map: MmapMut, _: string, length: number) => {
    map.resize(length);
    return true;
  },
};

for (const [name, lengthen] of Object.entries(ways)) {
  test(`${name} of a file that only grew leaves every Buffer and view as it is`, (t) => {
    const content = pattern(3 * PAGE - 100);
    const path = temporaryFile(t, content);
    using map = MmapMut.open(path);
    const lengths = [content.length + 50, 3 * PAGE, 5 * PAGE + 1, 2 ** 20];
    const made: { length: number; whole: Buffer; others: ArrayBufferView[] }[] = [];
    for (const length of lengths) {
      const others = [map.subarray(5, 10), map.view(Int32Array, 8, 2), map.dataView(4, 8)];
      made.push({ length: map.length, whole: map.buffer, others });
      t.true(lengthen(map, path, length));
      t.is(map.length, length);
      t.is(map.buffer.length, length);
      for (const old of made) {
        t.is(old.whole.length, old.length);
        t.true(old.whole.subarray(0, content.length).equals(content));
        t.is(old.others[0]?.byteLength, 5);
        t.is(old.others[1]?.byteLength, 8);
        t.is(old.others[2]?.byteLength, 8);
      }
      t.is(map.buffer.indexOf(1, content.length), -1, 'what is added reads as zeros');
    }
    // All of them show the one file, and change it.
    made[0]?.whole.write('first', 0);
    map.buffer.write('last', 100);
    t.is(readFileSync(path, 'latin1').slice(0, 5), 'first');
    for (const { whole } of made) t.is(whole.toString('latin1', 100, 104), 'last');
    t.is(map.buffer.toString('latin1', 0, 5), 'first');
    const last = map.buffer;
    map.close();
    t.is(last.length, 0);
    for (const { whole, others } of made) {
      t.is(whole.length, 0);
      for (const other of others) t.is(other.buffer.byteLength, 0);
    }
  });
}

test('refresh of a read-only map, too, and of one that was empty', (t) => {
  const path = temporaryFile(t, '');
  using map = Mmap.open(path);
  t.is(map.buffer.length, 0);
  appendFileSync(path, 'one ');
  t.true(map.refresh());
  const one = map.buffer;
  appendFileSync(path, 'two '.repeat(5000));
  t.true(map.refresh());
  t.is(one.toString(), 'one ');
  t.is(map.buffer.toString('utf8', 0, 8), 'one two ');
  t.is(map.lineCountSync(), 1);
  writeFileSync(path, 'new ', { flag: 'r+' });
  t.is(one.toString(), 'new ', 'the old Buffer shows what the file has now');
  map.close();
  t.is(one.length, 0);
});

test('a map grows up to the length that it was opened with, from an odd offset', (t) => {
  const path = temporaryFile(t, 'abcdefghij');
  using map = Mmap.open(path, { offset: 3 });
  using part = Mmap.open(path, { offset: 3, length: 7 });
  const [old, whole] = [map.buffer, part.buffer];
  appendFileSync(path, 'k'.repeat(9000));
  t.true(map.refresh());
  t.false(part.refresh());
  t.is(part.buffer, whole);
  t.is(old.toString(), 'defghij');
  t.is(map.buffer.toString('latin1', 0, 9), 'defghijkk');
  t.is(map.buffer.length, 9007);
});

for (const reserve of [undefined, 2 ** 26]) {
  test(`a socket that sends a Buffer while the map grows sends the file (reserve ${reserve})`, async (t) => {
    const content = pattern(20 * 2 ** 20);
    const path = temporaryFile(t, content);
    const map = Mmap.open(path, { reserve });
    const received: Buffer[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.write(map.buffer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') return t.fail();
    const { connect } = await import('node:net');
    const client = connect(address.port, '127.0.0.1');
    let size = 0;
    await new Promise<void>((resolve, reject) => {
      client.on('error', reject);
      client.on('data', (chunk) => {
        received.push(chunk);
        size += chunk.length;
        if (received.length <= 40) {
          appendFileSync(path, 'x'.repeat(5000));
          if (!map.refresh()) reject(new Error('the map did not grow'));
        }
        if (size >= content.length) resolve();
      });
    });
    t.true(Buffer.concat(received).equals(content));
    for (const socket of [...sockets, client]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    map.close();
  });
}

test('iterators, searches, streams, cursors and indexes of before go on', async (t) => {
  const text = 'a1\nb2\nc3\n'.repeat(200_000);
  const path = temporaryFile(t, text);
  using map = MmapMut.open(path);
  const index = await map.lineIndex({ encoding: 'latin1' });
  const lines = map.lines({ encoding: 'latin1' });
  lines.next();
  const matches = map.matchAll(/\d/);
  const { value: match } = matches.next();
  const scan = map.scan('a', { batch: 10 });
  await scan.next();
  const stream = map.createReadStream();
  const cursor = map.cursor();
  cursor.read(3);
  const word = map.atomic(0);
  const waiting = word.waitAsync(word.load());
  const counting = map.count('a');
  const filling = map.fillAsync('a1\nb2\nc3\n', 0, text.length);

  for (let count = 1; count < 5; count++) map.resize(text.length + count * 50_000);

  t.is(index.line(1), 'b2');
  t.is(index.line(index.length - 1), 'c3');
  t.is([...lines].length, index.length - 1);
  t.is([...matches].length, index.length - 1);
  t.is(match?.bytes()?.toString(), '1');
  let found = 1;
  for await (const _ of scan) found++;
  t.is(found, 200_000);
  t.is(await counting, 200_000);
  await filling;
  const streamed = Buffer.concat(await Readable.from(stream).toArray());
  t.true(streamed.equals(Buffer.from(text)), 'a stream ends where the map ended when it began');
  t.is(cursor.read(3).toString(), 'b2\n');
  t.is(cursor.remaining, map.length - 6);
  word.add(1);
  word.notify();
  t.is(await waiting, 'ok');
});

test('a Mutex stays locked while its map grows, for other processes too', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(PAGE));
  using map = MmapMut.open(path);
  const mutex = new Mutex(map, 64);
  const guard = mutex.lockSync();
  for (let count = 2; count < 6; count++) map.resize(count * 3 * PAGE);
  const child = start(
    path,
    `const mutex = new sync.Mutex(map, 64);
     console.log(mutex.tryLock() === null ? 'held' : 'free');
     const guard = await mutex.lock();
     console.log('got it');
     guard.unlock();`,
  );
  t.is(await line(child), 'held');
  // Either may get it first: the process begins to wait when it gets round to it.
  const later = mutex.lock().then((next) => next.unlock());
  map.resize(100 * PAGE);
  guard.unlock();
  t.is(await line(child), 'got it');
  await later;
  t.is((await ended(child)).status, 0);
});

test('a wait that began before ends by a change that comes after', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(PAGE));
  using map = MmapMut.open(path);
  const word = map.atomic(128);
  const waiting = word.waitAsync(0);
  map.resize(50 * PAGE);
  using other = MmapMut.open(path);
  other.atomic(128).store(7);
  other.atomic(128).notify();
  t.is(await waiting, 'ok');
  t.is(word.load(), 7);
  t.is(map.atomic(128).load(), 7);
});

test('a copy-on-write map shows one truth: without a reserve growing detaches', (t) => {
  const path = temporaryFile(t, Buffer.alloc(2 * PAGE, 'a'));
  using map = MmapCow.open(path);
  map.write('private');
  const old = map.buffer;
  const match = map.exec(/private/);
  appendFileSync(path, Buffer.alloc(PAGE, 'b'));
  t.true(map.refresh());
  t.is(old.length, 0);
  t.is(map.buffer.toString('latin1', 0, 7), 'aaaaaaa');
  t.throws(() => match?.bytes(), { instanceOf: MmapError, code: 'ERR_MMAP_CHANGED' });
});

test('a map that shrinks or is replaced after it has grown detaches all that was made of it', (t) => {
  const path = temporaryFile(t, Buffer.alloc(PAGE, 'a'));
  using map = MmapMut.open(path);
  const made = [map.buffer];
  const match = map.exec(/a/);
  for (let pages = 3; pages < 8; pages += 2) {
    map.resize(pages * PAGE);
    made.push(map.buffer);
  }
  t.is(match?.bytes()?.toString(), 'a');
  if (isWindows) {
    // No mapped file is truncated there but by its own map.
    map.resize(100);
  } else {
    truncateSync(path, 100);
    t.true(map.refresh());
  }
  for (const old of made) t.is(old.length, 0);
  t.throws(() => match?.bytes(), { code: 'ERR_MMAP_CHANGED' });
  t.is(map.buffer.toString(), 'a'.repeat(100));
  map.resize(2 * PAGE);
  const { buffer } = map;
  map.resize(10);
  t.is(buffer.length, 0);
  t.is(readFileSync(path, 'latin1'), 'a'.repeat(10));
});

test('anonymous memory keeps its bytes when it grows, and its Buffers where it can stay', (t) => {
  using map = MmapMut.anonymous(PAGE - 96);
  map.fill('abc');
  const old = map.buffer;
  map.resize(PAGE);
  t.is(map.buffer.toString('latin1', 0, 3), 'abc');
  t.is(map.buffer.indexOf(0), PAGE - 96, 'what is added reads as zeros');
  // The rest of the last page is always there, on Unix.
  if (!isWindows) {
    map.write('new');
    t.is(old.toString('latin1', 0, 3), 'new');
  }
  for (let count = 0; count < 50; count++) {
    const before = map.buffer;
    const { length } = map;
    map.resize(length + 3 * PAGE);
    t.is(map.buffer.indexOf(0), PAGE - 96);
    t.is(map.buffer.lastIndexOf('c'), PAGE - 98);
    if (before.length > 0) {
      t.is(before.length, length);
      before.writeUInt32LE(count, 8);
      t.is(map.buffer.readUInt32LE(8), count, 'both are the same pages');
    }
  }
});

onLinux('growing without Buffers leaves one mapping (Linux: /proc/self/maps)', (t) => {
  const path = diskFile(t, PAGE);
  using map = Mmap.open(path);
  for (let pages = 2; pages < 3000; pages++) {
    truncateSync(path, pages * PAGE);
    t.true(map.refresh());
    if (pages % 100 === 0) t.is(mapsOf(path), 1);
  }
  map.close();
  t.false(holds(path));
});

onLinux('the mappings of before go with their last Buffer (Linux: /proc/self/maps)', async (t) => {
  const path = diskFile(t, PAGE);
  using map = Mmap.open(path);
  // Not in a variable of this function: Bun's collector takes what it finds on the stack for alive.
  const first = [map.buffer];
  for (let pages = 2; pages < 1000; pages++) {
    truncateSync(path, pages * PAGE);
    map.refresh();
    if (map.buffer[0] !== 7) t.fail();
  }
  await collectUntil(() => mapsOf(path) <= 2, 'only the first and the last are mapped');
  t.deepEqual(
    first.map((buffer) => [buffer.length, buffer[PAGE - 1]]),
    [[PAGE, 7]],
  );
  first.length = 0;
  await collectUntil(() => mapsOf(path) === 1, 'only the last is mapped');
  map.close();
  t.false(holds(path));
});

const onTransfer = 'transfer' in ArrayBuffer.prototype && process.platform === 'linux';
(onTransfer ? test : test.skip)(
  'close releases also what was transferred before the map grew (Linux, Node.js 22 and later)',
  async (t) => {
    const path = diskFile(t, PAGE);
    using map = MmapMut.open(path);
    const transferred: Uint8Array[] = [];
    for (let pages = 3; pages < 20; pages += 3) {
      const { buffer } = map;
      map.resize(pages * PAGE);
      const take: unknown = Reflect.get(buffer.buffer, 'transfer');
      const taken = Reflect.apply(take as () => ArrayBuffer, buffer.buffer, []);
      transferred.push(new Uint8Array(taken));
    }
    await collectUntil(() => true, 'the old objects are gone');
    for (const bytes of transferred) t.is(bytes[1], 7);
    transferred[0]?.fill(9, 0, 1);
    t.is(map.buffer[0], 9);
    map.close();
    t.false(holds(path));
    for (const bytes of transferred) {
      t.is(bytes[1], 0);
      bytes.fill(3);
    }
    t.is(readFileSync(path)[1], 7);
  },
);

function canShare(): boolean {
  try {
    MmapMut.anonymous(1, { shared: true }).close();
    return true;
  } catch {
    return false;
  }
}

(canShare() ? test : test.skip)(
  'a SharedArrayBuffer that was posted to a worker goes on (runtimes that can share)',
  async (t) => {
    const path = temporaryFile(t, Buffer.alloc(PAGE, 'a'));
    using map = MmapMut.open(path, { shared: true });
    const first = map.buffer;
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const bytes = new Uint8Array(workerData);
       parentPort.on('message', (at) => parentPort.postMessage([bytes.length, bytes[at]++]));`,
      { eval: true, workerData: first.buffer },
    );
    const ask = (at: number) =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage(at);
      });
    t.deepEqual(await ask(5), [PAGE, 97]);
    for (let count = 2; count < 5; count++) map.resize(count * 2 * PAGE);
    t.deepEqual(await ask(5), [PAGE, 98]);
    t.is(map.buffer[5], 99);
    t.is(map.buffer.length, 8 * PAGE);
    t.throws(() => map.resize(5), { code: 'ERR_MMAP_IN_USE' });
    map.close();
    t.deepEqual(await ask(5), [PAGE, 0], 'closing releases the memory of all lengths');
    await worker.terminate();
    t.is(readFileSync(path)[5], 99);
  },
);

test('a resize waits for none that is under way, and says so', async (t) => {
  const path = temporaryFile(t, 'abc');
  using map = MmapMut.open(path);
  const first = map.resizeAsync(100_000);
  t.throws(() => map.resize(5), { instanceOf: MmapError, code: 'ERR_MMAP_IN_USE' });
  await t.throwsAsync(map.resizeAsync(7), { code: 'ERR_MMAP_IN_USE' });
  await first;
  t.is(map.length, 100_000);
  map.resize(5);
  t.is(readFileSync(path, 'latin1'), 'abc\0\0');
});

onUnix('a second process sees each growth by refresh (Unix: the names of files)', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(PAGE));
  using map = MmapMut.open(path, { reserve: 2 ** 26 });
  const child = start(
    path,
    `const { Mmap } = require('memmap');
     map.close();
     const own = Mmap.open(${JSON.stringify(path)}, { reserve: 2 ** 26 });
     const { buffer } = own.buffer;
     console.log('ready');
     for await (const _ of process.stdin) {
       if (!own.refresh()) throw new Error('it has not grown');
       console.log(own.length, own.buffer.readUInt32LE(own.length - 4), own.buffer.buffer === buffer);
     }`,
  );
  t.is(await line(child), 'ready');
  for (let count = 1; count < 8; count++) {
    map.resize(PAGE + count * 50_000);
    map.buffer.writeUInt32LE(count, map.length - 4);
    child.stdin?.write('look\n');
    t.is(await line(child), `${map.length} ${count} true`);
  }
  child.stdin?.end();
  t.is((await ended(child)).status, 0);
});
