/** resize: the file and the map get a new length together. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapMut } from 'memmap';
import { onLinux } from './helpers/gates';
import { node } from './helpers/processes';
import { pattern, temporaryFile } from './helpers/temporary';

test('a file grows with zeros and shrinks, which detaches every old Buffer', (t) => {
  const content = pattern(5000);
  const path = temporaryFile(t, content);
  using map = MmapMut.open(path);
  for (const length of [5001, 12_288, 4096n, 4095, 1, 0, 1, 8193]) {
    const made = [map.buffer, map.subarray(0, 1), map.view(Uint8Array)];
    const lengths = made.map((one) => (length < map.length ? 0 : one.length));
    map.resize(length);
    t.is(map.length, Number(length));
    t.is(statSync(path).size, Number(length));
    t.deepEqual(
      made.map((old) => old.length),
      lengths,
    );
    t.is(map.buffer.length, Number(length));
  }
  t.deepEqual([...map.subarray(1)], Array(8192).fill(0), 'truncated bytes do not come back');
  map.write('end', 8190);
  t.is(readFileSync(path, 'latin1').slice(-3), 'end');
});

test('a resize to the same length changes nothing', (t) => {
  using map = MmapMut.open(temporaryFile(t, 'content'));
  const { buffer } = map;
  map.resize(7);
  t.is(map.buffer, buffer);
  t.is(buffer.toString(), 'content');
});

test('growing reserves the room, unless it is told not to', (t) => {
  const path = temporaryFile(t, 'x');
  using map = MmapMut.open(path);
  map.resize(2 ** 20, { allocate: false });
  t.true(statSync(path).blocks * 512 < 2 ** 20);
  map.resize(2 ** 21);
  // Blocks are counted in units of 512 bytes.
  if (process.platform === 'linux') t.true(statSync(path).blocks * 512 >= 2 ** 20);
});

test('a map that reaches the end of its file from an offset on can be resized', (t) => {
  const path = temporaryFile(t, 'head|tail');
  for (const options of [{ offset: 5 }, { offset: 5, length: 4 }]) {
    writeFileSync(path, 'head|tail');
    using map = MmapMut.open(path, options);
    map.resize(6);
    map.write('!!', 4);
    t.is(readFileSync(path, 'utf8'), 'head|tail!!');
    map.resize(0);
    t.is(readFileSync(path, 'utf8'), 'head|');
    map.resize(2);
    map.write('ok');
    t.is(readFileSync(path, 'utf8'), 'head|ok');
    t.false(map.refresh(), 'the length that was resized to is the one to keep');
  }
});

test('a map of part of a file never truncates or grows the rest: the error says so', (t) => {
  const path = temporaryFile(t, '0123456789');
  for (const options of [{ length: 5 }, { offset: 3, length: 4 }, { length: 0 }]) {
    using map = MmapMut.open(path, options);
    const { buffer } = map;
    for (const length of [map.length + 1, 1, 20]) {
      if (length === map.length) continue;
      const error = t.throws(() => map.resize(length), { instanceOf: RangeError });
      t.regex(error.message, /of a file of 10 bytes, and only a map that reaches the end/);
    }
    t.is(map.buffer, buffer);
  }
  t.is(readFileSync(path, 'utf8'), '0123456789');
});

test('a map whose file was changed by others is not resized until it is refreshed', (t) => {
  const path = temporaryFile(t, '0123456789');
  using map = MmapMut.open(path);
  truncateSync(path, 20);
  t.throws(() => map.resize(5), { code: 'ERR_OUT_OF_RANGE', message: /20 bytes.*refresh/ });
  t.true(map.refresh());
  map.resize(5);
  t.is(readFileSync(path, 'utf8'), '01234');
});

test('a resize that fails leaves file and map as they were', (t) => {
  const path = temporaryFile(t, 'content');
  using map = MmapMut.open(path);
  const { buffer } = map;
  for (const allocate of [true, false]) {
    const error = t.throws(() => map.resize(Number.MAX_SAFE_INTEGER, { allocate }));
    t.is(error.name, 'MmapError');
    t.is(Reflect.get(error, 'path'), path);
  }
  t.is(map.buffer, buffer);
  t.is(buffer.toString(), 'content');
  t.is(readFileSync(path, 'utf8'), 'content');
});

test('other maps of the file see the new bytes once they are refreshed', (t) => {
  const path = temporaryFile(t, 'content');
  using map = MmapMut.open(path);
  using reader = Mmap.open(path);
  map.resize(9);
  map.write('!!', 7);
  t.is(reader.buffer.toString(), 'content');
  t.true(reader.refresh());
  t.is(reader.buffer.toString(), 'content!!');
});

test('resizeAsync resizes as resize does', async (t) => {
  const path = temporaryFile(t, 'abc');
  using map = MmapMut.open(path);
  await map.resizeAsync(2 ** 20);
  t.is(statSync(path).size, 2 ** 20);
  t.is(map.length, 2 ** 20);
  t.is(map.buffer.toString('latin1', 0, 4), 'abc\0');
  await map.resizeAsync(2);
  t.is(readFileSync(path, 'latin1'), 'ab');
  using anonymous = MmapMut.anonymous(3);
  anonymous.write('xyz');
  await anonymous.resizeAsync(5);
  t.is(anonymous.buffer.toString('latin1'), 'xyz\0\0');
  // Which of them is the first depends on when the jobs run.
  const [first, second] = await Promise.allSettled([map.resizeAsync(100), map.resizeAsync(200)]);
  t.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
  t.is(map.length, first.status === 'fulfilled' ? 100 : 200);
});

test('a file shrinks while flushes of it are under way, which end as changed', async (t) => {
  const path = temporaryFile(t, '');
  using map = MmapMut.open(path);
  for (let round = 0; round < 5; round++) {
    map.resize(2 ** 23);
    for (let at = 0; at < map.length; at += 4096) map.buffer[at] = round + 1;
    const flushes = [map.flush(), map.flush(0, 2 ** 20), map.flush(2 ** 22)];
    const ended = Promise.allSettled(flushes);
    // The flushes have begun in some rounds, and not yet in others.
    if (round % 2 === 1) await new Promise(setImmediate);
    map.resize(4096);
    t.is(statSync(path).size, 4096);
    t.is(map.buffer[0], round + 1);
    for (const { status, ...rest } of await ended) {
      const code = 'reason' in rest ? rest.reason.code : undefined;
      t.is(code, status === 'fulfilled' ? undefined : 'ERR_MMAP_CHANGED');
    }
  }
});

onLinux('resizing anonymous memory moves its pages and copies none (Linux)', (t) => {
  const peak = `Number(/VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1])`;
  const { stdout, stderr, status } = node([
    '-e',
    `
    const fs = require('node:fs');
    const { MmapMut } = require('memmap');
    const map = MmapMut.anonymous(200 << 20);
    map.fill('abc');
    const before = ${peak};
    map.resize(300 << 20);
    map.resize((200 << 20) - 4000);
    map.resize(200 << 20);
    console.log(JSON.stringify({ grown: ${peak} - before, start: map.buffer.toString('latin1', 0, 6),
      at: map.buffer[(200 << 20) - 4001], rest: map.buffer.indexOf(97, (200 << 20) - 4000) }));
  `,
  ]);
  t.is(status, 0, stderr);
  const { grown, start, at, rest } = JSON.parse(stdout);
  t.true(grown < 50 * 1024, `${grown} KiB more were in memory`);
  t.is(start, 'abcabc');
  t.is(at, 'abc'.charCodeAt(((200 << 20) - 4001) % 3));
  t.is(rest, -1, 'what is added reads as zeros');
});
