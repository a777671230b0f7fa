/** Memory that belongs to no file. */
import test from 'ava';
import { MmapMut } from 'memmap';

test('anonymous memory begins as zeros and can be written', (t) => {
  using map = MmapMut.anonymous(100_000);
  t.is(map.length, 100_000);
  t.is(map.offset, 0);
  t.is(map.path, null);
  t.true(map.buffer.equals(Buffer.alloc(100_000)));
  map.write('text', 99_996);
  t.is(map.subarray(-4).toString(), 'text');
});

test('anonymous memory of no bytes is a map, too', (t) => {
  using map = MmapMut.anonymous(0n);
  t.is(map.length, 0);
  t.is(map.buffer.length, 0);
  map.resize(3);
  t.deepEqual([...map.buffer], [0, 0, 0]);
});

test('two pieces of anonymous memory are not the same', (t) => {
  using one = MmapMut.anonymous(10);
  using other = MmapMut.anonymous(10);
  one.fill(1);
  t.is(other.buffer[0], 0);
});

test('anonymous memory keeps its content when it is resized; new bytes are zeros', (t) => {
  using map = MmapMut.anonymous(5000);
  map.fill('abc');
  const before = Buffer.from(map.buffer);
  const old = map.buffer;
  map.resize(20_000);
  t.is(old.length, 0, 'old Buffers are detached');
  t.true(map.subarray(0, 5000).equals(before));
  t.true(map.subarray(5000).equals(Buffer.alloc(15_000)));
  map.resize(10);
  map.resize(5000);
  t.true(map.buffer.equals(Buffer.concat([before.subarray(0, 10), Buffer.alloc(4990)])));
});

test('anonymous memory has nothing to flush or to refresh', async (t) => {
  using map = MmapMut.anonymous(10);
  map.flushSync();
  await map.flush();
  t.false(map.refresh());
  t.throws(() => map.flushSync(0, 11), { code: 'ERR_OUT_OF_RANGE' });
});

test('memory that the system does not have is ENOMEM', (t) => {
  const error = t.throws(() => MmapMut.anonymous(Number.MAX_SAFE_INTEGER), {
    name: 'MmapError',
    code: 'ENOMEM',
  });
  t.is(Reflect.get(error, 'syscall'), 'mmap');
  using map = MmapMut.anonymous(3);
  map.write('abc');
  const { buffer } = map;
  t.throws(() => map.resize(Number.MAX_SAFE_INTEGER), { code: 'ENOMEM' });
  t.is(buffer.toString(), 'abc', 'the map is as it was');
});
