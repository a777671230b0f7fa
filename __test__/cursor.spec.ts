import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import fc from 'fast-check';
import { codeOf, mapOf } from './helpers/maps';

test('a cursor reads what a naive model reads, and never partially', (t) => {
  const step = fc.oneof(
    fc.record({ call: fc.constant('read' as const), by: fc.nat(12) }),
    fc.record({ call: fc.constant('readByte' as const), by: fc.constant(1) }),
    fc.record({
      call: fc.constantFrom('start' as const, 'current' as const, 'end' as const),
      by: fc.integer({ min: -30, max: 30 }),
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), fc.array(step), (bytes, steps) => {
      using map = mapOf(bytes);
      const cursor = map.cursor();
      let at = 0;
      for (const { call, by } of steps) {
        const base = { start: 0, end: bytes.length }[call as 'start'] ?? at;
        const target = base + by;
        const fits = target >= 0 && target <= bytes.length;
        let answer: unknown;
        const code = codeOf(() => {
          if (call === 'read') answer = cursor.read(by);
          else if (call === 'readByte') answer = Buffer.of(cursor.readByte());
          else cursor.seek(by, call);
        });
        t.is(code, fits ? undefined : 'ERR_OUT_OF_RANGE');
        if (fits) {
          if (answer !== undefined) t.deepEqual(answer, Buffer.from(bytes.subarray(at, target)));
          at = target;
        }
        t.is(cursor.position, at);
        t.is(cursor.remaining, bytes.length - at);
      }
    }),
  );
});

test('read without a length takes the rest, without a copy', (t) => {
  using map = mapOf('0123456789');
  const cursor = map.cursor(4);
  const rest = cursor.read();
  t.is(rest.toString(), '456789');
  t.is(rest.buffer, map.buffer.buffer);
  t.is(cursor.read().length, 0);
  t.is(
    codeOf(() => cursor.readByte()),
    'ERR_OUT_OF_RANGE',
  );
});

test('readUntil reads up to and with the delimiter, or nothing', (t) => {
  using map = mapOf('key: value; more');
  const cursor = map.cursor();
  t.is(cursor.readUntil(': ')?.toString(), 'key: ');
  t.is(cursor.readUntil(0x3b)?.toString(), 'value;');
  t.is(cursor.readUntil(';'), null);
  t.is(cursor.position, 11);
  t.is(cursor.readUntil(Buffer.from('more'))?.toString(), ' more');
  t.is(cursor.readUntil('x'), null);
  t.is(
    codeOf(() => cursor.readUntil('')),
    'ERR_INVALID_ARG_VALUE',
  );
});

test('a cursor of a writable map writes, and never past the end', (t) => {
  using map = mapOf('..........');
  const cursor = map.cursor(2);
  t.is(cursor.write('ab'), 2);
  cursor.writeByte(0x63);
  t.is(cursor.write(new Uint16Array([0x6564])), 2);
  t.is(cursor.position, 7);
  t.is(
    codeOf(() => cursor.write('long')),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => cursor.writeByte(256)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => cursor.writeByte('a' as never)),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(cursor.position, 7);
  t.is(map.buffer.toString(), '..abcde...');
});

test('arguments are checked, and a closed map ends every call', (t) => {
  const map = mapOf('abc\n');
  t.is(
    codeOf(() => map.cursor(5)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.cursor(-1)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.cursor('1' as never)),
    'ERR_INVALID_ARG_TYPE',
  );
  const cursor = map.cursor(4n);
  t.is(
    codeOf(() => cursor.seek(0, 'middle' as 'start')),
    'ERR_INVALID_ARG_VALUE',
  );
  t.is(
    codeOf(() => cursor.seek(Number.NaN)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => cursor.read(-1)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => cursor.read(2 ** 53)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(cursor.seek(-2, 'end'), 2);
  map.close();
  t.is(cursor.remaining, 0);
  for (const call of [
    () => cursor.read(),
    () => cursor.read(0),
    () => cursor.readByte(),
    () => cursor.readLine(),
    () => cursor.readUntil('a'),
    () => cursor.write('a'),
    () => cursor.writeByte(1),
    () => cursor.seek(0),
    () => map.cursor(),
    () => map.createReadStream(),
  ]) {
    t.is(codeOf(call), 'ERR_MMAP_CLOSED', String(call));
  }
});

test('a cursor goes on when its map grows, and has nothing left when it shrinks', (t) => {
  using map = mapOf('abcd');
  const cursor = map.cursor(4);
  map.resize(6);
  t.is(cursor.remaining, 2);
  map.resize(2);
  t.is(cursor.remaining, 0);
  t.is(cursor.position, 4);
  t.is(cursor.readLine(), null);
  t.is(
    codeOf(() => cursor.read(1)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(cursor.seek(0), 0);
});

test('a stream gives all bytes of its range in parts of the size asked for', async (t) => {
  using map = mapOf(Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251)));
  t.deepEqual(await buffer(map.createReadStream()), Buffer.from(map.buffer));
  t.deepEqual(
    await buffer(map.createReadStream({ start: 10, end: 990 })),
    Buffer.from(map.subarray(10, 990)),
  );
  const sizes: number[] = [];
  await pipeline(
    map.createReadStream({ highWaterMark: 300 }),
    new Writable({
      write(part: Buffer, _, done) {
        sizes.push(part.length);
        // The consumer may keep a part, or write to it.
        part.fill(0);
        done();
      },
    }),
  );
  t.deepEqual(sizes, [300, 300, 300, 100]);
  t.is(map.buffer[999], 999 % 251);
  t.is((await buffer(map.createReadStream({ start: 5, end: 5 }))).length, 0);
});

test('a stream of a map that is closed meanwhile fails', async (t) => {
  const map = mapOf(Buffer.alloc(100_000));
  const stream = map.createReadStream({ highWaterMark: 1000 });
  let parts = 0;
  const read = (async () => {
    for await (const _ of stream) if (++parts === 3) map.close();
  })();
  await t.throwsAsync(read, { code: 'ERR_MMAP_CLOSED' });
  t.true(parts < 100);
});
