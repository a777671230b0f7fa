import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { member, membersOf } from './helpers/methods';
import { temporaryFile } from './helpers/temporary';

/** A map of each class and of each kind of memory. */
function eachMap(t: ExecutionContext): (Mmap | MmapMut | MmapCow)[] {
  const path = temporaryFile(t, '0123456789');
  const empty = temporaryFile(t, '');
  return [
    Mmap.open(path),
    MmapMut.open(path),
    MmapCow.open(path),
    MmapMut.anonymous(10),
    Mmap.open(empty),
    MmapMut.open(path, { offset: 10 }),
  ];
}

test('every method of a closed map says that it is closed', async (t) => {
  for (const map of eachMap(t)) {
    map.close();
    for (const [defining, name] of membersOf(map)) {
      const { worksClosed, call } = member(map, defining, name);
      if (worksClosed) continue;
      const where = `${map.constructor.name} ${String(name)}`;
      const error = await t.throwsAsync(async () => call(), undefined, where);
      t.like(error, { name: 'MmapError', code: 'ERR_MMAP_CLOSED' }, where);
      if (map.path !== null) t.regex(String(error?.message), /file' is closed; open it again/);
    }
  }
});

test('a closed map has length 0 and keeps its path and offset', (t) => {
  const path = temporaryFile(t, '0123456789');
  const map = Mmap.open(path, { offset: 3 });
  map.close();
  t.is(map.length, 0);
  t.is(map.offset, 3);
  t.is(map.path, path);
  t.true(map.closed);
  t.regex(inspect(map), /^Mmap \{.*length: 0,\s+closed: true/s);
});

test('closing twice, and using a closed map, is harmless', (t) => {
  for (const map of eachMap(t)) {
    void map.buffer;
    t.is(map.close(), undefined);
    t.is(map.close(), undefined);
    t.is(map[Symbol.dispose](), undefined);
  }
  for (const map of eachMap(t)) {
    map.close();
    map.close();
    t.true(map.closed);
  }
});

test('close detaches everything that was made from the map', (t) => {
  const path = temporaryFile(t, '0123456789abcdef');
  for (const map of [Mmap.open(path), MmapMut.open(path), MmapCow.open(path)]) {
    const { buffer } = map;
    const parts = [map.subarray(1, 3), map.view(Float64Array), buffer.subarray(2)];
    const data = map.dataView(4);
    const iterator = buffer.values();
    iterator.next();
    map.close();
    for (const part of [buffer, ...parts]) {
      t.is(part.length, 0);
      t.is(part.byteLength, 0);
      t.is(part[0], undefined);
    }
    t.throws(() => data.getUint8(0), { instanceOf: TypeError });
    t.throws(() => iterator.next(), { instanceOf: TypeError });
    t.is(buffer.buffer.byteLength, 0);
  }
});

test('a method that is running closes the map by a getter of its options', async (t) => {
  const path = temporaryFile(t, '0123456789');
  const closed = { name: 'MmapError', code: 'ERR_MMAP_CLOSED' };
  const resized = MmapMut.open(path);
  t.throws(
    () =>
      resized.resize(20, {
        get allocate() {
          resized.close();
          return true;
        },
      }),
    closed,
  );
  const flushed = MmapMut.open(path);
  await t.throwsAsync(
    flushed.flush(0, 10, {
      get signal() {
        flushed.close();
        return undefined;
      },
    }),
    closed,
  );
  t.is(readFileSync(path, 'utf8'), '0123456789');
});

test('close ends a flush that is running, by closing in its progress report, too', async (t) => {
  const path = temporaryFile(t, 'x'.repeat(100_000));
  const closed = { name: 'MmapError', code: 'ERR_MMAP_CLOSED' };
  const map = MmapMut.open(path);
  map.fill(0x79);
  const flushed = map.flush();
  map.close();
  await t.throwsAsync(flushed, closed);
  const again = MmapMut.open(path);
  const reported = again.flush(0, again.length, { onProgress: () => again.resize(50_000) });
  // The last chunk was written before the map went.
  await t.notThrowsAsync(reported);
  t.is(readFileSync(path, 'utf8'), 'y'.repeat(50_000));
});

test('what is written before close reaches the file, what is written after it does not', (t) => {
  const path = temporaryFile(t, '0123456789');
  const map = MmapMut.open(path);
  const { buffer } = map;
  buffer.write('before');
  map.close();
  buffer[0] = 0x41;
  t.is(readFileSync(path, 'utf8'), 'before6789');
});

test('closing one map of a file leaves the others alone', (t) => {
  const path = temporaryFile(t, '0123456789');
  const maps = [MmapMut.open(path), MmapMut.open(path), Mmap.open(path)] as const;
  const { buffer } = maps[1];
  void maps[0].buffer;
  maps[0].close();
  buffer.write('other');
  t.is(maps[2].buffer.toString(), 'other56789');
  for (const map of maps) map.close();
});
