/** write, fill and copyWithin, on the maps that can be written. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { MmapCow, MmapMut } from 'memmap';
import { temporaryFile } from './helpers/temporary';

const OUT_OF_RANGE = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
const CONTENT = '0123456789abcdef';

for (const { name, open } of [MmapMut, MmapCow]) {
  test(`${name}.write copies strings in every encoding and every kind of bytes`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    const read = () => map.buffer.toString('latin1');
    t.is(map.write('ABC'), 3);
    t.is(read(), 'ABC3456789abcdef');
    t.is(map.write('ü', 4), 2, 'UTF-8 is the default');
    t.is(map.write('ü', 7, 'latin1'), 1);
    t.is(read(), 'ABC3\xc3\xbc6\xfc89abcdef');
    t.is(map.write('58595a', 0n, 'hex'), 3);
    t.is(map.write('UVc=', 3, 'base64'), 2);
    t.is(map.write('z', 14, 'utf16le'), 2);
    t.is(read(), 'XYZQW\xbc6\xfc89abcdz\0');
    t.is(map.write(Uint8Array.of(49, 50), 14), 2);
    t.is(map.write(Uint16Array.of(0x3433), 0), 2);
    t.is(map.write(new DataView(Uint8Array.of(0, 53, 54, 0).buffer, 1, 2), 2), 2);
    t.is(map.write(Float32Array.of(0), 4), 4);
    const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(55);
    t.is(map.write(shared, 4), 2);
    t.is(read(), '345677\0\x0089abcd12');
  });

  test(`${name}.write writes all or nothing, up to the last byte`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    t.is(map.write('XY', 14), 2);
    t.is(map.write('', 16), 0);
    for (const [data, offset] of [
      ['XY', 15],
      ['X', 16],
      ['', 17],
      ['x'.repeat(17), 0],
      ['x', 2 ** 32],
    ] as const) {
      t.throws(() => map.write(data, offset), OUT_OF_RANGE);
      t.throws(() => map.write(Buffer.from(data), offset), OUT_OF_RANGE);
    }
    t.is(map.buffer.toString(), '0123456789abcdXY');
  });

  test(`${name}.write takes bytes of the map itself, overlapping too`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    map.write(map.subarray(0, 10), 2);
    t.is(map.buffer.toString(), '010123456789cdef');
    map.write(map.subarray(2, 12), 0);
    t.is(map.buffer.toString(), '012345678989cdef');
  });

  test(`${name} checks the encoding also where bytes are given`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    t.throws(() => map.write(Buffer.of(1), 0, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => map.fill(1, 0, 1, 'no such' as never), { code: 'ERR_INVALID_ARG_VALUE' });
    t.is(map.buffer.toString(), CONTENT);
  });

  test(`${name} trusts no array that lies about its length`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    class Liar extends Uint8Array {
      override get length(): number {
        return 2;
      }
    }
    const long = new Liar(17).fill(65);
    t.throws(() => map.write(long, 0), OUT_OF_RANGE);
    t.throws(() => map.write(long, 14), OUT_OF_RANGE);
    t.is(map.fill(new Liar(0), 0, 16), map);
    t.is(map.buffer.toString(), CONTENT);
    class Closer extends Uint8Array {
      override get length(): number {
        map.close();
        return 1;
      }
    }
    t.throws(() => map.write(new Closer(1), 0), { code: 'ERR_MMAP_CLOSED' });
  });

  test(`${name}.fill repeats bytes and strings, the last one truncated`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    const read = () => map.buffer.toString('latin1');
    t.is(map.fill(0x41, 14), map);
    t.is(read(), '0123456789abcdAA');
    map.fill('xyz', 0, 8n);
    t.is(read(), 'xyzxyzxy89abcdAA');
    map.fill(Uint8Array.of(0x30, 0x31), 3, 6).fill('ü', 8, 9, 'latin1').fill('4243', 9, 12, 'hex');
    t.is(read(), 'xyz010xy\xfcBCBcdAA');
    map.fill('a pattern longer than the range', 0, 4).fill(0, 5, 5);
    t.is(read(), 'a pa10xy\xfcBCBcdAA');
    map.fill(Uint16Array.of(0x5a59));
    t.is(read(), 'YZ'.repeat(8));
    map.fill(255);
    t.is(read(), '\xff'.repeat(16));
  });

  test(`${name}.fill takes a pattern that lies in the map itself`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    map.fill(map.subarray(1, 4), 2);
    t.is(map.buffer.toString(), `01${'123'.repeat(4)}12`);
  });

  test(`${name}.fill refuses what is no byte and no range`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    for (const value of [256, -1, 0.5]) t.throws(() => map.fill(value), OUT_OF_RANGE);
    for (const value of ['', new Uint8Array(0), new DataView(new ArrayBuffer(0))]) {
      t.throws(() => map.fill(value), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    for (const [start, end] of [
      [0, 17],
      [17, 17],
      [5, 4],
      [2 ** 32, undefined],
      [-1, 3],
    ] as const) {
      t.throws(() => map.fill(1, start, end), OUT_OF_RANGE);
    }
    t.is(map.buffer.toString(), CONTENT);
  });

  test(`${name}.copyWithin moves bytes, overlapping in either direction`, (t) => {
    const moves: [number, number, number | undefined][] = [
      [0, 4, 8],
      [2, 0, 14],
      [0, 2, 16],
      [0, 0, undefined],
      [16, 3, 3],
      [15, 0, 1],
    ];
    for (const [target, start, end] of moves) {
      using map = open(temporaryFile(t, CONTENT));
      t.is(map.copyWithin(target, start, end), map);
      const expected = Buffer.from(CONTENT);
      expected.copyWithin(target, start, end);
      t.is(map.buffer.toString(), expected.toString());
    }
  });

  test(`${name}.copyWithin refuses what does not fit, and moves nothing`, (t) => {
    using map = open(temporaryFile(t, CONTENT));
    const bad: [number, number, number | undefined][] = [
      [1, 0, undefined],
      [16, 0, 1],
      [17, 0, 0],
      [0, 17, 17],
      [0, 0, 17],
      [0, 5, 4],
      [2 ** 32, 0, 1],
      [-1, 0, 1],
    ];
    for (const [target, start, end] of bad) {
      t.throws(() => map.copyWithin(target, start, end), OUT_OF_RANGE, `${target} ${start} ${end}`);
    }
    t.is(map.buffer.toString(), CONTENT);
  });
}

test('what is written to a read-write map reaches the file; to a copy-on-write map never', (t) => {
  const path = temporaryFile(t, CONTENT);
  using mutable = MmapMut.open(path, { offset: 2, length: 4 });
  const copy = MmapCow.open(path, { offset: 2, length: 4 });
  copy.write('copy');
  copy.fill('*', 1, 3).copyWithin(3, 0, 1);
  copy.buffer[0] = 0x21;
  t.is(copy.buffer.toString(), '!**c');
  t.is(readFileSync(path, 'utf8'), CONTENT);
  mutable.write('MUT!');
  mutable.buffer[3] = 0x3f;
  t.is(copy.buffer.toString(), '!**c', 'a page that was written is private');
  copy.close();
  t.is(readFileSync(path, 'utf8'), '01MUT?6789abcdef');
});

/** Longer than the chunks in which the asynchronous methods work. */
const LONG = 40 * 2 ** 20;

test('fillAsync fills as fill does, across its chunks', async (t) => {
  using one = MmapMut.anonymous(LONG);
  using other = MmapMut.anonymous(LONG);
  for (const value of [7, 'abc', Buffer.from('0123456')]) {
    one.fill(value, 3, LONG - 5);
    const progress: number[] = [];
    await other.fillAsync(value, 3, LONG - 5, { onProgress: (done) => progress.push(done) });
    t.true(one.buffer.equals(other.buffer));
    t.true(progress.length >= 3);
    t.is(progress.at(-1), LONG - 8);
  }
  const pattern = Buffer.from('kept');
  const filling = other.fillAsync(pattern);
  pattern.fill('x');
  await filling;
  t.is(other.buffer.toString('latin1', 0, 8), 'keptkept', 'the bytes are those of the call');
  const aborting = new AbortController();
  const aborted = other.fillAsync(0, 0, LONG, {
    signal: aborting.signal,
    onProgress: () => aborting.abort(),
  });
  await t.throwsAsync(aborted, { name: 'AbortError' });
  t.is(other.buffer[LONG - 1], 'kept'.charCodeAt((LONG - 1) % 4));
});

test('copyWithinAsync moves as copyWithin does, in both directions, overlapping or not', async (t) => {
  using one = MmapMut.anonymous(LONG);
  for (let at = 0; at < LONG; at += 4) one.buffer.writeUInt32LE(at, at);
  const moves: [number, number, number][] = [
    [5, 1000, LONG],
    [1000, 5, LONG - 2000],
    [0, LONG / 2, LONG],
    [LONG - 10, 0, 10],
    [7, 7, LONG],
  ];
  for (const [target, start, end] of moves) {
    const expected = Buffer.from(one.buffer).copyWithin(target, start, end);
    await one.copyWithinAsync(target, start, end);
    t.true(one.buffer.equals(expected), `${target} ${start} ${end}`);
  }
});
