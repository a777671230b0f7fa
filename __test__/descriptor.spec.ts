import { once } from 'node:events';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { type MapDescriptor, Mmap, MmapCow, MmapMut } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import { Mutex } from 'memmap/sync';
import { onLinux, onUnix } from './helpers/gates';
import { inChild } from './helpers/processes';
import { diskFile, diskPath, root } from './helpers/temporary';

test('a descriptor is a small object that survives cloning and JSON', (t) => {
  const path = diskFile(t, '0123456789');
  using map = MmapMut.open(path, { offset: 2, length: 5 });
  const descriptor = map.descriptor();
  t.like(descriptor, { kind: 'MmapMut', path, offset: 2, length: 5 });
  t.deepEqual(structuredClone(descriptor), descriptor);
  t.deepEqual(JSON.parse(JSON.stringify(descriptor)), descriptor);
});

test('every kind of map opens the same range from a descriptor of any kind', (t) => {
  const path = diskFile(t, '0123456789');
  for (const source of [Mmap, MmapMut, MmapCow]) {
    const map = source.open(path, { offset: 2, length: 5 });
    const descriptor = map.descriptor();
    t.is(descriptor.kind, source.name as 'Mmap');
    map.close();
    for (const kind of [Mmap, MmapMut, MmapCow]) {
      using again = kind.from(descriptor, { populate: true });
      t.true(again instanceof kind);
      t.is(again.buffer.toString(), '23456');
      t.is(again.offset, 2);
      t.is(again.path, path);
    }
  }
});

test('a worker maps what it is sent, and both see each other', async (t) => {
  const path = diskPath(t);
  using map = MmapMut.create(path, 8192);
  map.write('from the main thread', 4096);
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { MmapMut } = require(workerData.root);
     const map = MmapMut.from(workerData.descriptor);
     const text = map.buffer.toString('latin1', 4096, 4116);
     map.write('from the worker');
     map.close();
     parentPort.postMessage(text);`,
    { eval: true, workerData: { root: root, descriptor: map.descriptor() } },
  );
  const text = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  t.is(text, 'from the main thread');
  t.is(map.buffer.toString('latin1', 0, 15), 'from the worker');
  await worker.terminate();
});

test('another process maps what it is sent', (t) => {
  const path = diskPath(t);
  using map = MmapMut.create(path, 100);
  const sent = JSON.stringify(map.descriptor());
  inChild(`memmap.MmapMut.from(${sent}).write('hello', 10); done(1);`);
  t.is(map.buffer.toString('latin1', 10, 15), 'hello');
});

test('a file that was replaced is an error, not a silent other file', (t) => {
  const path = diskFile(t, 'the first');
  const map = Mmap.open(path);
  const descriptor = map.descriptor();
  map.close();
  writeFileSync(`${path}.new`, 'the other');
  renameSync(`${path}.new`, path);
  for (const kind of [Mmap, MmapMut, MmapCow]) {
    t.throws(() => kind.from(descriptor), { code: 'ERR_MMAP_REPLACED' });
  }
});

onUnix('a map whose file was replaced has no descriptor (Unix: a mapped file is replaced)', (t) => {
  const path = diskFile(t, 'the first');
  using map = Mmap.open(path);
  writeFileSync(`${path}.new`, 'the other');
  renameSync(`${path}.new`, path);
  t.throws(() => map.descriptor(), { code: 'ERR_MMAP_UNSUPPORTED' });
  t.is(map.buffer.toString(), 'the first');
});

test('a shorter file in its place is told as replaced, not as short', (t) => {
  const path = diskFile(t, '0123456789');
  const map = Mmap.open(path);
  const descriptor = map.descriptor();
  map.close();
  writeFileSync(`${path}.new`, '');
  renameSync(`${path}.new`, path);
  t.throws(() => Mmap.from(descriptor), { code: 'ERR_MMAP_REPLACED' });
});

test('a new file with the number of a deleted one is told by its time of birth', (t) => {
  const path = diskFile(t, 'the first');
  const map = Mmap.open(path);
  const descriptor = map.descriptor();
  map.close();
  if (descriptor.created === null) {
    t.pass('this file system does not know when a file was made');
    return;
  }
  // ext4 gives the number of the deleted file to the next one; others may not.
  unlinkSync(path);
  writeFileSync(path, 'the other');
  t.throws(() => Mmap.from(descriptor), { code: 'ERR_MMAP_REPLACED' });
});

test('a deleted file is not found, and a shortened one is too short', (t) => {
  const path = diskFile(t, '0123456789');
  const map = Mmap.open(path);
  const descriptor = map.descriptor();
  map.close();
  truncateSync(path, 9);
  t.throws(() => Mmap.from(descriptor), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' });
  unlinkSync(path);
  t.throws(() => Mmap.from(descriptor), { code: 'ENOENT' });
});

onLinux('maps opened by descriptor or FileHandle find their path (Linux: /proc)', async (t) => {
  const path = diskFile(t, '0123456789');
  const fd = openSync(path, 'r');
  using map = Mmap.open(fd);
  closeSync(fd);
  t.is(map.path, null);
  t.is(map.descriptor().path, path);
  const handle = await open(path);
  using other = Mmap.open(handle);
  await handle.close();
  t.is(Mmap.from(other.descriptor()).buffer.toString(), '0123456789');
});

onLinux('a renamed file is found under its new name (Linux: /proc)', (t) => {
  const path = diskFile(t, '0123456789');
  using map = Mmap.open(path);
  renameSync(path, `${path}.moved`);
  const descriptor = map.descriptor();
  t.is(descriptor.path, `${path}.moved`);
  t.is(Mmap.from(descriptor).length, 10);
});

onLinux('a file that has lost its name is found by no other (Linux: /proc)', (t) => {
  const path = diskFile(t, '0123456789');
  const fd = openSync(path, 'r');
  using map = Mmap.open(fd);
  closeSync(fd);
  linkSync(path, `${path}.other`);
  unlinkSync(path);
  const error = t.throws(() => map.descriptor(), { code: 'ERR_MMAP_UNSUPPORTED' });
  t.regex(error?.message ?? '', /deleted or replaced/);
  // A second file at the old path, with the suffix that Linux gives to deleted ones, is no answer.
  writeFileSync(`${path} (deleted)`, 'bait');
  t.throws(() => map.descriptor(), { code: 'ERR_MMAP_UNSUPPORTED' });
});

onLinux('a path that is no UTF-8 travels as bytes (Linux)', (t) => {
  const folder = Buffer.from(dirname(diskPath(t)));
  const path = Buffer.concat([folder, Buffer.from([0x2f, 0xff, 0xfe])]);
  writeFileSync(path, 'bytes');
  using map = Mmap.open(path);
  const descriptor = structuredClone(map.descriptor());
  t.deepEqual(Buffer.from(descriptor.path as Uint8Array), path);
  t.is(Mmap.from(descriptor).buffer.toString(), 'bytes');
});

test('a relative path is made absolute, wherever the process went meanwhile', (t) => {
  const path = diskFile(t, '0123456789');
  mkdirSync(join(dirname(path), 'elsewhere'));
  const answer = inChild(
    `
    const { chdir } = process;
    const { dirname } = require('node:path');
    chdir(dirname(file));
    const map = memmap.Mmap.open('file');
    chdir('elsewhere');
    done(map.descriptor());`,
    path,
  ) as MapDescriptor;
  t.is(answer.path, path);
});

test('closed maps have no descriptor', (t) => {
  const map = MmapMut.anonymous(10);
  map.close();
  t.throws(() => map.descriptor(), { code: 'ERR_MMAP_CLOSED' });
});

test('threads of one process share anonymous memory by its descriptor', async (t) => {
  using map = MmapMut.anonymous(8192);
  map.write('from the main thread', 4096);
  const descriptor = map.descriptor();
  t.like(descriptor, { kind: 'MmapMut', path: '', offset: 0, length: 8192 });
  t.deepEqual(JSON.parse(JSON.stringify(descriptor)), descriptor);
  t.deepEqual(map.descriptor(), descriptor);
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { MmapMut } = require(workerData.root);
     const { Mutex } = require(workerData.root + '/dist/sync.js');
     const map = MmapMut.from(workerData.descriptor);
     const text = map.buffer.toString('latin1', 4096, 4116);
     const guard = new Mutex(map, 0).lockSync();
     map.write('from the worker', 100);
     setTimeout(() => {
       guard.unlock();
       map.close();
       parentPort.postMessage({ text, after: map.length });
     }, 50);
     parentPort.postMessage('locked');`,
    { eval: true, workerData: { root, descriptor } },
  );
  const messages: unknown[] = [];
  worker.on('message', (message) => messages.push(message));
  const exit = once(worker, 'exit');
  await once(worker, 'message');
  const guard = await new Mutex(map, 0).lock();
  t.false(guard.abandoned);
  guard.unlock();
  await exit;
  t.deepEqual(messages, ['locked', { text: 'from the main thread', after: 0 }]);
  // One map was closed and its thread has ended: the others keep the memory.
  t.is(map.buffer.toString('latin1', 100, 115), 'from the worker');
});

test('anonymous memory that others may have opened stays where it is', (t) => {
  const map = MmapMut.anonymous(4096);
  map.resize(8192);
  const descriptor = map.descriptor();
  const again = MmapMut.from(descriptor);
  const third = MmapMut.from(descriptor, {});
  const { buffer } = map;
  again.buffer[5] = 7;
  t.is(buffer[5], 7);
  t.throws(() => map.resize(4096), { code: 'ERR_MMAP_IN_USE' });
  t.throws(() => again.resize(4096), { code: 'ERR_MMAP_IN_USE' });
  t.is(map.length, 8192);
  map.close();
  t.is(buffer.length, 0);
  t.is(again.buffer[5], 7);
  again.close();
  // Never by a Buffer, as the second.
  t.is(third.copy(Buffer.alloc(8192)), 8192);
  third.close();
  t.throws(() => MmapMut.from(descriptor), { code: 'ERR_MMAP_REPLACED', message: /was closed/ });
});

test('a descriptor of anonymous memory opens nothing else', (t) => {
  using map = MmapMut.anonymous(4096);
  const descriptor = map.descriptor();
  for (const kind of [Mmap, MmapCow]) {
    t.throws(() => kind.from(descriptor), { code: 'ERR_MMAP_UNSUPPORTED', message: /MmapMut/ });
  }
  const replaced = { code: 'ERR_MMAP_REPLACED' };
  const wrong = [{ inode: '0' }, { inode: '99999' }, { created: null }, { created: '5' }];
  for (const change of [...wrong, { length: 4095 }, { length: 2 ** 40 }]) {
    t.throws(() => MmapMut.from({ ...descriptor, ...change }), replaced, JSON.stringify(change));
  }
  const elsewhere = inChild(
    `try { memmap.MmapMut.from(JSON.parse(file)); } catch (error) { done(error.code); }`,
    JSON.stringify(descriptor),
  );
  t.is(elsewhere, 'ERR_MMAP_REPLACED');
});

test('what is no descriptor is refused', (t) => {
  const path = diskFile(t, '0123456789');
  using map = Mmap.open(path);
  const good = map.descriptor();
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };
  for (const bad of [undefined, null, 'file', 5]) {
    t.throws(() => Mmap.from(bad as never), type);
  }
  t.throws(() => Mmap.from({ ...good, path: 5 } as never), type);
  t.throws(() => Mmap.from({ ...good, inode: 5 } as never), type);
  t.throws(() => Mmap.from({ ...good, offset: '0' } as never), type);
  t.throws(() => Mmap.from({ ...good, created: undefined } as never), type);
  t.throws(() => Mmap.from(good, 5 as never), type);
  const value = { code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(() => Mmap.from({ ...good, kind: 'Map' } as never), value);
  t.throws(() => Mmap.from({ ...good, device: '-1' }), value);
  t.throws(() => Mmap.from({ ...good, path: 'a\0b' }), value);
  const range = { code: 'ERR_OUT_OF_RANGE' };
  t.throws(() => Mmap.from({ ...good, offset: -1 }), range);
  t.throws(() => Mmap.from({ ...good, length: 2 ** 53 }), range);
  t.throws(() => Mmap.from({ ...good, length: 11 }), range);
  t.throws(() => Mmap.from({ ...good, inode: '9'.repeat(39) }), range);
});

onUnix('a map knows that its path leads to another file (Unix: a mapped file is renamed)', (t) => {
  const path = diskFile(t, '0123456789');
  const map = Mmap.open(path);
  using fd = MmapMut.open(Buffer.from(path));
  t.false(map.replaced);
  renameSync(path, `${path}.1`);
  t.true(map.replaced, 'there is none');
  writeFileSync(path, '0123456789');
  t.true(map.replaced);
  t.true(fd.replaced);
  renameSync(`${path}.1`, path);
  t.false(map.replaced);
  truncateSync(path, 0);
  t.is(map.buffer[0], 0);
  t.false(map.replaced, 'whatever became of its bytes');
  map.close();
  t.throws(() => map.replaced, { code: 'ERR_MMAP_CLOSED' });
  t.false(MmapMut.anonymous(1).replaced);
  const descriptor = openSync(path, 'r');
  using byDescriptor = Mmap.open(descriptor);
  closeSync(descriptor);
  unlinkSync(path);
  t.false(byDescriptor.replaced);
});

onLinux('shared memory knows that its name belongs to another object (Linux)', (t) => {
  const name = SharedMemory.generateName();
  using map = SharedMemory.create(name, 100);
  t.false(map.replaced);
  SharedMemory.unlink(name);
  t.true(map.replaced);
  using other = SharedMemory.create(name, 100);
  t.true(map.replaced);
  t.false(other.replaced);
  SharedMemory.unlink(name);
});
