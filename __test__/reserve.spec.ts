/** reserve: maps that grow where they are. */
import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import test from 'ava';
import { type MemoryMap, Mmap, MmapCow, MmapMut } from 'memmap';
import { isWindows, onLinux, onUnix } from './helpers/gates';
import { holds, mappingsOf, mapsOf } from './helpers/kernel';
import { codeOf } from './helpers/maps';
import { inChild } from './helpers/processes';
import { diskFile, diskPath, pattern, temporaryFile } from './helpers/temporary';

const PAGE = 4096;
const MIB = 2 ** 20;
const RESERVE = 64 * MIB;

/** The bytes behind the end of the map that its ArrayBuffer shows. */
function behind(map: MemoryMap): Uint8Array {
  const { buffer, byteOffset, length } = map.buffer;
  return new Uint8Array(buffer, byteOffset + length);
}

for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
  onUnix(`${name} grows where it is, as one ArrayBuffer (Unix)`, (t) => {
    const path = temporaryFile(t, pattern(5000));
    using map = open(path, { reserve: RESERVE });
    t.is(map.length, 5000);
    const first = map.buffer;
    t.is(first.length, 5000);
    t.true(first.equals(pattern(5000)));
    t.is(first.buffer.byteLength, RESERVE);
    for (let count = 1; count < 30; count++) {
      const length = 5000 + count * 3000;
      truncateSync(path, length);
      const { buffer } = map;
      t.true(map.refresh());
      t.false(map.refresh());
      t.is(map.length, length);
      t.is(map.buffer.length, length);
      t.not(map.buffer, buffer);
      t.is(map.buffer.buffer, first.buffer);
      t.is(map.subarray(4000, 6000).buffer, first.buffer);
    }
    appendFileSync(path, 'end');
    map.refresh();
    t.is(map.buffer.toString('latin1', map.length - 3), 'end');
    t.true(first.equals(pattern(5000)));
    map.close();
    t.is(first.length, 0);
  });

  test(`${name} takes any reserve, and goes on beyond it`, (t) => {
    const path = temporaryFile(t, 'one');
    using map = open(path, { reserve: BigInt(4 * PAGE) });
    const made = [map.buffer];
    for (const text of [' two', ' three '.repeat(2000), ' four '.repeat(2000)]) {
      appendFileSync(path, text);
      t.true(map.refresh());
      t.is(map.buffer.toString(), readFileSync(path, 'utf8'));
      made.push(map.buffer);
    }
    if (name !== 'MmapCow') t.is(made[0]?.toString(), 'one');
    map.close();
    t.is(map.length, 0);
    for (const old of made) t.is(old.length, 0);
  });

  onUnix(`${name} with a reserve follows a file that is truncated and grows (Unix)`, (t) => {
    const path = temporaryFile(t, 'one');
    using map = open(path, { reserve: BigInt(4 * PAGE) });
    const made = [map.buffer];
    appendFileSync(path, ' two '.repeat(5000));
    t.true(map.refresh());
    made.push(map.buffer);
    truncateSync(path, 2);
    t.true(map.refresh());
    for (const old of made) t.is(old.length, 0);
    t.is(map.buffer.toString(), 'on');
    appendFileSync(path, 'ly');
    t.true(map.refresh());
    t.is(map.buffer.toString(), 'only');
  });
}

onUnix('a map of an empty file grows as well (Unix)', (t) => {
  const path = temporaryFile(t, '');
  for (const [index, { open }] of [Mmap, MmapMut, MmapCow].entries()) {
    using map = open(path, { reserve: RESERVE });
    const { buffer } = map.buffer;
    t.is(map.length, index * 5000);
    appendFileSync(path, 'x'.repeat(5000));
    t.true(map.refresh());
    t.is(map.buffer.buffer, buffer);
    t.is(map.countSync('x'), (index + 1) * 5000);
  }
});

test('a map from an odd offset on grows, too', (t) => {
  const path = temporaryFile(t, pattern(10_000));
  for (const { open } of [Mmap, MmapMut, MmapCow]) {
    truncateSync(path, 10_000);
    using map = open(path, { offset: 9_997, reserve: RESERVE });
    using tail = open(path, { offset: 10_000, reserve: RESERVE });
    appendFileSync(path, 'z'.repeat(10_000));
    t.true(map.refresh());
    t.true(tail.refresh());
    t.is(map.buffer.toString('latin1', 3), 'z'.repeat(10_000));
    t.is(tail.buffer.toString('latin1'), 'z'.repeat(10_000));
  }
});

test('create and resize grow within the reserve', async (t) => {
  const path = diskPath(t);
  using map = MmapMut.create(path, 0, { reserve: RESERVE });
  const first = map.buffer;
  for (let count = 1; count < 20; count++) {
    map.resize(count * 5000, { allocate: count % 2 === 0 });
    map.write(String(count), count * 5000 - 10);
  }
  await map.resizeAsync(MIB);
  t.is(map.length, MIB);
  if (!isWindows) t.is(map.buffer.buffer, first.buffer);
  t.is(readFileSync(path).length, MIB);
  t.is(readFileSync(path, 'latin1').slice(19 * 5000 - 10, 19 * 5000 - 8), '19');
  map.resize(5000);
  t.is(map.length, 5000);
  t.is(readFileSync(path, 'latin1').slice(4990, 4991), '1');
  const { buffer } = map.buffer;
  map.resize(MIB);
  if (!isWindows) t.is(map.buffer.buffer, buffer);
  t.is(map.buffer.indexOf('2'), -1, 'truncated bytes do not come back');
  await map.flush();
});

onLinux('growing takes no new mapping, and closing releases all of it (Linux)', (t) => {
  const path = diskFile(t, PAGE);
  using map = MmapMut.open(path, { reserve: 2 ** 30 });
  const first = mappingsOf(path)[0];
  map.buffer.fill(1);
  for (let count = 1; count < 200; count++) {
    map.resize(count * MIB, { allocate: false });
    map.buffer[count * MIB - 1] = count;
  }
  const all = mappingsOf(path);
  t.is(all.length, 1);
  t.is(all[0]?.start, first?.start);
  t.is(all[0]?.end, first?.end);
  map.close();
  t.false(holds(path));
});

test('a copy-on-write map grows with its private pages, also within the last of them', (t) => {
  const path = temporaryFile(t, Buffer.alloc(2 * PAGE + 100, 'a'));
  using map = MmapCow.open(path, { reserve: RESERVE });
  map.write('private', 10);
  map.write('last page', 2 * PAGE);
  const old = map.buffer;
  appendFileSync(path, Buffer.alloc(2 * PAGE, 'b'));
  t.true(map.refresh());
  if (isWindows) return t.is(old.length, 0);
  const text = map.buffer.toString('latin1');
  t.is(text.slice(10, 17), 'private');
  t.is(text.slice(2 * PAGE, 2 * PAGE + 9), 'last page');
  t.is(text.slice(2 * PAGE + 100), 'b'.repeat(2 * PAGE));
  t.is(old.toString('latin1'), text.slice(0, old.length));
  t.is(readFileSync(path, 'latin1').indexOf('p'), -1);
});

onLinux('a page that was never written stays the file’s when its end grows (Linux)', (t) => {
  const path = diskFile(t, 'a'.repeat(100));
  using map = MmapCow.open(path, { reserve: RESERVE });
  t.is(map.buffer[0], 97);
  appendFileSync(path, 'b'.repeat(100));
  t.true(map.refresh());
  t.is(map.buffer[150], 98);
  t.is(mappingsOf(path)[0]?.sizes.Anonymous, 0);
});

onUnix('bytes that are only reserved can be touched, and come alive later (Unix)', (t) => {
  for (const { open } of [Mmap, MmapMut, MmapCow]) {
    const path = temporaryFile(t, 'start');
    using map = open(path, { reserve: RESERVE });
    for (let round = 1; round < 4; round++) {
      const rest = behind(map);
      t.is(rest[rest.length - 1], 0);
      t.is(rest[round * MIB], 0);
      rest.fill(0x77, round * MIB, round * MIB + 10_000);
      t.is(rest[PAGE], 0, 'a page before those that were touched');
      const faults = { truncated: false, lostFrom: null, io: null, strayWrites: 0 };
      t.deepEqual({ ...map.faults }, faults);
      const { length } = map;
      appendFileSync(path, Buffer.alloc(2 * MIB, 0x61));
      t.true(map.refresh());
      t.deepEqual({ ...map.faults }, faults);
      t.is(map.buffer.subarray(length).indexOf(0x77), -1);
      t.true(map.buffer.subarray(length).equals(Buffer.alloc(2 * MIB, 0x61)));
      if (map instanceof MmapMut) {
        map.buffer.write('mark', length + MIB);
        t.is(readFileSync(path, 'latin1').slice(length + MIB, length + MIB + 4), 'mark');
        map.buffer.fill(0x61, length, length + 2 * MIB);
      }
    }
    map.close();
  }
});

onUnix('a stray write is found after the map has grown, too (Unix: what is reserved)', (t) => {
  const path = temporaryFile(t, 'start');
  using map = Mmap.open(path, { reserve: RESERVE });
  behind(map)[5 * MIB] = 1;
  appendFileSync(path, Buffer.alloc(6 * MIB, 0x61));
  t.true(map.refresh());
  const old = map.buffer;
  map.buffer[5 * MIB] = 2;
  t.is(map.faults.strayWrites, 1);
  t.throws(() => map.countSync('a'), { code: 'ERR_MMAP_READ_ONLY' });
  t.is(readFileSync(path)[5 * MIB], 0x61);
  appendFileSync(path, 'b');
  t.true(map.refresh(), 'which detaches');
  t.is(old.length, 0);
  t.is(map.buffer[5 * MIB], 0x61);
});

test('a reserve that no map could grow into is refused', (t) => {
  const path = temporaryFile(t, '0123456789');
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
  for (const { open } of [Mmap, MmapMut, MmapCow]) {
    const error = t.throws(() => open(path, { length: 5, reserve: 100 }), range);
    t.regex(error.message, /only a map that reaches the end of its file/);
    t.throws(() => open(path, { length: 0, reserve: 100 }), range);
    t.regex(t.throws(() => open(path, { reserve: 9 }), range).message, /has 10 bytes already/);
    t.throws(() => open(path, { reserve: 0 }), range);
    t.throws(() => open(path, { reserve: 100, keepDescriptor: false }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
    });
    open(path, { reserve: 10 }).close();
    open(path, { offset: 5, length: 5, reserve: 5 }).close();
    open(path, { offset: 10, reserve: 5 }).close();
  }
  t.throws(() => MmapMut.create(diskPath(t), 10, { reserve: 9 }), range);
  // Windows reserves nothing.
  const vast = () => Mmap.open(path, { reserve: Number.MAX_SAFE_INTEGER }).close();
  t.is(codeOf(vast), isWindows ? undefined : 'ENOMEM');
});

test('without the guard nothing is reserved, and the map grows all the same', (t) => {
  const path = temporaryFile(t, 'one');
  using map = Mmap.open(path, { reserve: RESERVE, guard: false });
  const old = map.buffer;
  t.true(old.buffer.byteLength < RESERVE);
  appendFileSync(path, ' two'.repeat(5000));
  t.true(map.refresh());
  t.is(old.toString(), 'one');
  t.is(map.buffer.length, 20_003);
});

onLinux('a reserve of 1 TiB is address space only (Linux)', (t) => {
  if (process.arch !== 'x64') return t.pass();
  const path = diskFile(t, 'start');
  const code = `
    const { appendFileSync } = require('node:fs');
    const { constants } = require('node:buffer');
    const map = memmap.MmapMut.open(file, { reserve: 2 ** 40 });
    const first = map.buffer;
    const { buffer } = first;
    appendFileSync(file, 'x'.repeat(5000));
    map.refresh();
    // Node.js 20 and Bun hold 4 GiB in one.
    const room = Math.min(2 ** 40, constants.MAX_LENGTH);
    done([map.length, map.buffer.buffer === buffer, buffer.byteLength === room,
      process.memoryUsage.rss() < 2 ** 29]);`;
  t.deepEqual(inChild(code, path), [5005, true, true, true]);
  t.is(mapsOf(path), 0);
});
