/** Files larger than 4 GiB: every offset is exact, on every runtime. The files are sparse. */
import { constants } from 'node:buffer';
import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { temporaryFolder } from './helpers/temporary';

const GIB = 2 ** 30;
const SIZE = 6 * GIB;

/** Whether 6 GiB are more than this runtime's Buffers hold. */
const windowed = constants.MAX_LENGTH < SIZE;
const onlyWindowed = windowed ? test : test.skip;
const onlyWhole = windowed ? test.skip : test;

/** Writes a text into a file through `fs`. */
function poke(path: string, text: string, position: number): void {
  const fd = openSync(path, 'r+');
  // Not as a string, for which Deno ignores the position.
  const bytes = Buffer.from(text);
  writeSync(fd, bytes, 0, bytes.length, position);
  closeSync(fd);
}

/** Reads `length` bytes of a file through `fs`. */
function peek(path: string, position: number, length: number): string {
  const bytes = Buffer.alloc(length);
  const fd = openSync(path, 'r');
  readSync(fd, bytes, 0, length, position);
  closeSync(fd);
  return bytes.toString('latin1');
}

/** Texts across the borders of 2 and 4 GiB, at the beginning and at the end. */
const MARKS: [position: number, text: string][] = [
  [0, 'first'],
  [2 * GIB - 4, 'two|GiB'],
  [4 * GIB - 5, 'four|GiB'],
  [SIZE - 4, 'last'],
];

function sparse(t: ExecutionContext, size: number): string {
  const path = join(temporaryFolder(t), 'sparse');
  writeFileSync(path, '');
  truncateSync(path, size);
  for (const [position, text] of MARKS) if (position < size) poke(path, text, position);
  return path;
}

for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
  test(`${name}: the bytes of 6 GiB are where they should be`, (t) => {
    using map = open(sparse(t, SIZE));
    t.is(map.length, SIZE);
    for (const [position, text] of MARKS) {
      const end = position + text.length;
      t.is(map.subarray(position, end).toString(), text);
      t.is(map.subarray(position - SIZE, end === SIZE ? undefined : end - SIZE).toString(), text);
      t.is(map.dataView(position, 4).getUint8(1), text.charCodeAt(1));
      t.is(map.view(Uint8Array, position, text.length)[0], text.charCodeAt(0));
    }
    t.is(map.view(Uint32Array, 4 * GIB, 1)[0], Buffer.from('GiB\0').readUInt32LE());
    t.is(map.subarray(SIZE).length, 0);
    t.is(map.subarray(4 * GIB, 4 * GIB).length, 0);
  });

  test(`${name}: a map begins at exactly 2**32 bytes, and beside it`, (t) => {
    const path = sparse(t, SIZE);
    for (const offset of [2 ** 32, 2 ** 32 - 1, 2 ** 32 + 1, 2n ** 32n, 2 ** 31, SIZE - 4]) {
      using map = open(path, { offset, length: 4 });
      t.is(map.offset, Number(offset));
      t.is(map.buffer.toString('latin1'), peek(path, Number(offset), 4));
    }
    using rest = open(path, { offset: 2 ** 32 });
    t.is(rest.length, 2 * GIB);
    t.is(rest.subarray(0, 3).toString(), 'GiB');
    t.is(rest.subarray(-4).toString(), 'last');
    t.throws(() => open(path, { offset: 2 ** 32, length: 2 * GIB + 1 }), {
      code: 'ERR_OUT_OF_RANGE',
      message: /6442450944 bytes/,
    });
  });
}

test('writes beyond 4 GiB land there, and nowhere else', (t) => {
  const path = sparse(t, SIZE);
  using map = MmapMut.open(path);
  map.write('WRITE', 2 ** 32);
  map.fill('FILL', 5 * GIB, 5 * GIB + 8);
  map.copyWithin(2 ** 32 + 100, 2 ** 32 - 5, 2 ** 32 + 5);
  map.subarray(SIZE - 4)[0] = 'L'.charCodeAt(0);
  map.flushSync(4 * GIB, 5 * GIB);
  t.is(peek(path, 2 ** 32 - 5, 10), 'four|WRITE');
  t.is(peek(path, 2 ** 32 + 100, 10), 'four|WRITE');
  t.is(peek(path, 5 * GIB - 1, 10), '\0FILLFILL\0');
  t.is(peek(path, SIZE - 4, 4), 'Last');
  t.is(peek(path, 0, 8), 'first\0\0\0', 'nothing wrapped to the beginning');
  t.is(peek(path, GIB, 4), '\0\0\0\0');
  t.throws(() => map.write('x', SIZE), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.fill(1, 0, SIZE + 1), { code: 'ERR_OUT_OF_RANGE' });
  map.resize(SIZE + 10, { allocate: false });
  map.write('beyond', SIZE + 4);
  t.is(peek(path, SIZE + 4, 6), 'beyond');
});

onlyWindowed(
  'a map longer than a Buffer of this runtime is served by few ArrayBuffers (Node.js 20: 4 GiB)',
  (t) => {
    const path = sparse(t, SIZE);
    const map = Mmap.open(path, { offset: 3 });
    t.throws(() => map.buffer, { code: 'ERR_MMAP_UNSUPPORTED', message: /subarray/ });
    const tooLong = { name: 'MmapError', code: 'ERR_MMAP_UNSUPPORTED' };
    t.throws(() => map.subarray(), tooLong);
    t.throws(() => map.subarray(0, constants.MAX_LENGTH + 1), tooLong);
    t.throws(() => map.view(Uint8Array), tooLong);
    t.throws(() => map.dataView(0), tooLong);

    const made: Buffer[] = [];
    for (let at = 0; at < map.length; at += 4 * 2 ** 20)
      made.push(map.subarray(at, at + 5 * 2 ** 20));
    const arrayBuffers = new Set(made.map(({ buffer }) => buffer));
    t.true(made.length > 1500);
    t.true(arrayBuffers.size <= 3, `${arrayBuffers.size} ArrayBuffers`);
    for (const [position, text] of MARKS.slice(1)) {
      const length = 2 * GIB;
      const start = Math.min(position - 3 - 10, map.length - length);
      const window = map.subarray(start, start + length);
      t.is(window.length, length);
      const from = position - 3 - start;
      t.is(window.subarray(from, from + text.length).toString(), text, 'up to 2 GiB from anywhere');
    }
    const long = map.subarray(GIB, 4 * GIB + GIB / 2);
    t.is(long.length, 3.5 * GIB);
    t.is(long.subarray(3 * GIB - 8, 3 * GIB).toString(), 'four|GiB');
    map.close();
    t.true(
      [...made, long].every(({ length }) => length === 0),
      'all are detached',
    );
  },
);

onlyWhole('6 GiB are one Buffer (not on Node.js 20: its Buffers end at 4 GiB)', (t) => {
  using map = MmapMut.open(sparse(t, SIZE), { offset: 3 });
  const { buffer } = map;
  t.is(buffer.length, SIZE - 3);
  t.is(map.buffer, buffer);
  t.is(map.subarray(5 * GIB).buffer, buffer.buffer);
  for (const [position, text] of MARKS.slice(1)) {
    t.is(buffer.subarray(position - 3, position - 3 + text.length).toString(), text);
  }
});

onlyWhole('1 TiB is one Buffer (not on Node.js 20: its Buffers end at 4 GiB)', (t) => {
  const TIB = 2 ** 40;
  const path = sparse(t, TIB);
  for (const { open } of [Mmap, MmapMut, MmapCow]) {
    poke(path, 'the end', TIB - 7);
    using map = open(path);
    t.is(map.length, TIB);
    t.is(map.buffer.length, TIB);
    t.is(map.buffer[TIB - 1], 'd'.charCodeAt(0));
    t.is(map.subarray(-7).toString(), 'the end');
    t.is(map.buffer.subarray(4 * GIB - 5, 4 * GIB + 3).toString(), 'four|GiB');
    if (map instanceof MmapMut || map instanceof MmapCow) map.write('THE', TIB - 7);
    t.is(peek(path, TIB - 7, 7), map instanceof MmapMut ? 'THE end' : 'the end');
  }
});
