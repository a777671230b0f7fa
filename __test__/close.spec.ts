import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';

function newFile(t: ExecutionContext, content = '0123456789'): string {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, content);
  return path;
}

/** A map of each class and of each kind of memory. */
function eachMap(t: ExecutionContext): (Mmap | MmapMut | MmapCow)[] {
  const path = newFile(t);
  const empty = newFile(t, '');
  return [
    Mmap.open(path),
    MmapMut.open(path),
    MmapCow.open(path),
    MmapMut.anonymous(10),
    Mmap.open(empty),
    MmapMut.open(path, { offset: 10 }),
  ];
}

/** Calls that are right while the map is open, for every public method of every class. */
const calls: Record<string, (map: MmapMut) => unknown> = {
  buffer: (map) => map.buffer,
  subarray: (map) => map.subarray(0, 0),
  view: (map) => map.view(Uint8Array, 0, 0),
  dataView: (map) => map.dataView(0, 0),
  refresh: (map) => map.refresh(),
  indexOf: (map) => map.indexOf('a'),
  lastIndexOf: (map) => map.lastIndexOf('a'),
  includes: (map) => map.includes('a'),
  count: (map) => map.count('a'),
  countSync: (map) => map.countSync('a'),
  findAll: (map) => map.findAll('a'),
  findAllSync: (map) => map.findAllSync('a'),
  exec: (map) => map.exec(/a/),
  matchAll: (map) => map.matchAll(/a/),
  scan: (map) => map.scan('a'),
  lines: (map) => map.lines(),
  lineCount: (map) => map.lineCount(),
  lineCountSync: (map) => map.lineCountSync(),
  lineIndex: (map) => map.lineIndex(),
  lineIndexSync: (map) => map.lineIndexSync(),
  cursor: (map) => map.cursor(),
  createReadStream: (map) => map.createReadStream(),
  write: (map) => map.write('', 0),
  fill: (map) => map.fill(1, 0, 0),
  copyWithin: (map) => map.copyWithin(0, 0, 0),
  flush: (map) => map.flush(0, 0),
  flushSync: (map) => map.flushSync(0, 0),
  resize: (map) => map.resize(10),
  advise: (map) => map.advise('random'),
  prefetch: (map) => map.prefetch(0, 0),
  prefetchSync: (map) => map.prefetchSync(0, 0),
  residency: (map) => map.residency(),
  mlock: (map) => map.mlock(),
  munlock: (map) => map.munlock(),
  evict: (map) => map.evict(0, 0),
  evictSync: (map) => map.evictSync(0, 0),
  descriptor: (map) => map.descriptor(),
  atomic: (map) => map.atomic(0),
};

/** What a closed map still answers. */
const STATE = new Set(['constructor', 'length', 'offset', 'path', 'closed', 'close', 'faults']);

/** The names of everything public that an object inherits. */
function publicNames(object: object): string[] {
  const names = new Set<string>();
  for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names].filter((name) => !STATE.has(name) && name !== 'replaceMemory');
}

test('every method of a closed map says that it is closed', async (t) => {
  for (const map of eachMap(t)) {
    const names = publicNames(map);
    map.close();
    for (const name of names) {
      const call = calls[name];
      if (call === undefined) {
        t.fail(`${name} is missing in this test`);
        continue;
      }
      const where = `${map.constructor.name} ${name}`;
      const error = await t.throwsAsync(async () => call(map as MmapMut), undefined, where);
      t.like(error, { name: 'MmapError', code: 'ERR_MMAP_CLOSED' }, where);
      if (map.path !== null) t.regex(String(error?.message), /file' is closed; open it again/);
    }
  }
});

test('a closed map has length 0 and keeps its path and offset', (t) => {
  const path = newFile(t);
  const map = Mmap.open(path, { offset: 3 });
  map.close();
  t.is(map.length, 0);
  t.is(map.offset, 3);
  t.is(map.path, path);
  t.true(map.closed);
  t.regex(inspect(map), /^Mmap \{.*length: 0, closed: true/s);
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
  const path = newFile(t, '0123456789abcdef');
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
  const path = newFile(t);
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
  const path = newFile(t, 'x'.repeat(100_000));
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
  const path = newFile(t);
  const map = MmapMut.open(path);
  const { buffer } = map;
  buffer.write('before');
  map.close();
  buffer[0] = 0x41;
  t.is(readFileSync(path, 'utf8'), 'before6789');
});

test('closing one map of a file leaves the others alone', (t) => {
  const path = newFile(t);
  const maps = [MmapMut.open(path), MmapMut.open(path), Mmap.open(path)] as const;
  const { buffer } = maps[1];
  void maps[0].buffer;
  maps[0].close();
  buffer.write('other');
  t.is(maps[2].buffer.toString(), 'other56789');
  for (const map of maps) map.close();
});
