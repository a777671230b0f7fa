/** buffer, subarray, view and dataView: windows onto the mapped bytes, without a copy; and copy. */
import test from 'ava';
import { Mmap, MmapMut } from 'memmap';
import { pattern, temporaryFile } from './helpers/temporary';

const content = pattern(10_000);

test('buffer is one Buffer of the whole map, the same every time', (t) => {
  using map = Mmap.open(temporaryFile(t, content), { offset: 5 });
  const { buffer } = map;
  t.true(Buffer.isBuffer(buffer));
  t.is(map.buffer, buffer);
  t.is(buffer.length, map.length);
  t.true(buffer.equals(content.subarray(5)));
});

test('subarray takes what Buffer.subarray takes, and gives the same bytes', (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const ends = [0, 1, -1, 4096, -4096, 9999, 10_000, 10_001, -10_000, -10_001, 2 ** 32, -(2 ** 53)];
  for (const start of [undefined, ...ends, Infinity]) {
    for (const end of [undefined, ...ends, -Infinity]) {
      const expected = content.subarray(start, end);
      t.true(map.subarray(start, end).equals(expected), `${start} to ${end}`);
    }
  }
  t.true(map.subarray(-(2n ** 64n), 2n ** 64n).equals(content));
  t.true(map.subarray(-10n, -3n).equals(content.subarray(-10, -3)));
});

test('copy takes what Buffer.copy takes, and copies the same bytes', (t) => {
  using map = Mmap.open(temporaryFile(t, content), { offset: 3 });
  const source = content.subarray(3);
  for (const targetStart of [undefined, 0, 1, 99, 100, 101, 2 ** 32]) {
    for (const start of [undefined, 0, 1, 9000, 9990, source.length]) {
      for (const end of [undefined, 0, 1, 50, 9001, 9995, source.length, 20_000]) {
        const [target, expected] = [Buffer.alloc(100, 1), Buffer.alloc(100, 1)];
        const title = `${targetStart}, ${start}, ${end}`;
        const copied = map.copy(target, targetStart, start, end);
        t.is(copied, source.copy(expected, targetStart, start, end), title);
        t.deepEqual(target, expected, title);
      }
    }
  }
  const target = new Uint8Array(4);
  t.is(map.copy(target, 1n, 2n, 4n), 2);
  t.deepEqual([...target], [0, ...content.subarray(5, 7), 0]);
  t.is(map.copy(new Uint8Array(0)), 0);
});

test('copy refuses what Buffer.copy refuses, and coerces nothing', (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const target = Buffer.alloc(10);
  const copy = (...values: unknown[]) => Reflect.apply(map.copy, map, values);
  for (const values of [[-1], [0, -1], [0, 10_001], [0, 0, -1], [0.5], [0, Number.NaN]]) {
    t.throws(() => copy(target, ...values), { code: 'ERR_OUT_OF_RANGE' }, String(values));
  }
  for (const wrong of [undefined, null, 'text', [1], new Uint16Array(2), new ArrayBuffer(8)]) {
    t.throws(() => copy(wrong), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
  }
  t.throws(() => copy(target, '1'), { code: 'ERR_INVALID_ARG_TYPE' });
  t.deepEqual(target, Buffer.alloc(10));
});

test('copy into the map itself moves bytes that overlap', (t) => {
  using map = MmapMut.anonymous(16);
  map.write('0123456789');
  t.is(map.copy(map.buffer, 2, 0, 8), 8);
  t.is(map.buffer.toString('latin1', 0, 10), '0101234567');
});

test('windows share their memory with the map, and with each other', (t) => {
  using map = MmapMut.anonymous(64);
  const part = map.subarray(8, 16);
  const words = map.view(Uint32Array, 8, 2);
  const data = map.dataView(8, 8);
  part[0] = 0x78;
  words[1] = 0x01020304;
  data.setInt16(2, -2, true);
  t.deepEqual([...map.buffer.subarray(8, 16)], [0x78, 0, 0xfe, 0xff, 4, 3, 2, 1]);
  const arrayBuffers = new Set([map.buffer, part, words, data].map(({ buffer }) => buffer));
  t.is(arrayBuffers.size, 1, 'one ArrayBuffer for all');
});

const FLOAT16: unknown = Reflect.get(globalThis, 'Float16Array');
const TYPES = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ...(FLOAT16 === undefined ? [] : [FLOAT16 as Int16ArrayConstructor]),
];

for (const type of TYPES) {
  test(`view makes a ${type.name} at every aligned offset, and only there`, (t) => {
    const path = temporaryFile(t, content);
    const size = type.BYTES_PER_ELEMENT;
    for (const base of [0, 1, 8, 4099]) {
      using map = Mmap.open(path, { offset: base });
      for (let offset = 0; offset < 17; offset++) {
        if ((base + offset) % size !== 0) {
          const refusal = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
          t.throws(() => map.view(type, offset), refusal, `${base} + ${offset}`);
          continue;
        }
        const view = map.view(type, offset);
        const count = Math.floor((map.length - offset) / size);
        const copy = content.buffer.slice(
          content.byteOffset + base + offset,
          content.byteOffset + base + offset + count * size,
        );
        t.is(view.constructor, type);
        t.is(view.length, count);
        t.true(
          Buffer.from(view.buffer, view.byteOffset, view.byteLength).equals(Buffer.from(copy)),
        );
        t.is(map.view(type, BigInt(offset), 3n).length, 3);
      }
    }
  });
}

test('view refuses what does not fit, and what is no typed array', (t) => {
  using map = MmapMut.anonymous(20);
  t.is(map.view(Float64Array).length, 2, 'as many whole elements as fit');
  t.is(map.view(Float64Array, 16).length, 0);
  for (const [offset, length] of [
    [0, 3],
    [8, 2],
    [16, 1],
    [21, 0],
    [2 ** 32, 0],
  ] as const) {
    t.throws(() => map.view(Float64Array, offset, length), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
    });
  }
  class Derived extends Uint8Array {}
  for (const type of [Buffer, DataView, Array, ArrayBuffer, Derived, 'Uint8Array', undefined]) {
    t.throws(() => map.view(type as never), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('dataView covers any range that exists', (t) => {
  using map = Mmap.open(temporaryFile(t, content), { offset: 3 });
  const whole = map.dataView();
  t.is(whole.byteLength, 9997);
  t.is(map.dataView(13, 8).getBigUint64(0, true), content.readBigUInt64LE(16));
  t.is(map.dataView(13n).getFloat64(1), content.readDoubleBE(17));
  t.is(map.dataView(9997).byteLength, 0);
  for (const [offset, length] of [
    [0, 9998],
    [9997, 1],
    [9998, 0],
    [2 ** 32, 1],
  ] as const) {
    t.throws(() => map.dataView(offset, length), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('everything made of a map has length 0 once the map is closed', (t) => {
  const map = MmapMut.open(temporaryFile(t, content));
  const made = [map.buffer, map.subarray(5), map.view(Float64Array)];
  const data = map.dataView(4);
  t.is(map.close(), undefined);
  t.deepEqual(
    made.map(({ length }) => length),
    [0, 0, 0],
  );
  t.is(data.buffer.byteLength, 0);
  t.throws(() => data.getInt8(0), { instanceOf: TypeError });
  t.is(map.length, 0);
  t.true(map.closed);
  map.close();
});
