/** Opening a file: by what it can be named, and which part of it is mapped. */
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open as openHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { type FileLike, Mmap, MmapCow, MmapMut } from 'memmap';
import { isWindows, onUnix } from './helpers/gates';
import { pattern, temporaryFile, temporaryFolder } from './helpers/temporary';

const CLASSES = [Mmap, MmapMut, MmapCow];

for (const { name, open } of CLASSES) {
  test(`${name}.open takes a path as a string, Buffer, Uint8Array or file URL`, (t) => {
    const path = join(temporaryFolder(t), 'a b%20ü');
    writeFileSync(path, 'content');
    const bytes = Buffer.from(path);
    const forms: FileLike[] = [path, bytes, new Uint8Array(bytes), pathToFileURL(path)];
    for (const form of forms) {
      using map = open(form);
      t.is(map.buffer.toString(), 'content');
      t.is(map.path, path);
    }
  });

  test(`${name}.open borrows a descriptor: it stays open, and the map outlives it`, (t) => {
    const path = temporaryFile(t, '0123456789');
    const fd = openSync(path, 'r+');
    const head = Buffer.alloc(4);
    readSync(fd, head, 0, 4, null);
    const map = open(fd, { offset: 2 });
    t.is(map.path, null);
    t.is(map.length, 8);
    map.close();
    t.is(readSync(fd, head, 0, 4, null), 4, 'still open');
    t.is(head.toString(), '4567', 'its position was not moved');
    using survivor = open(fd);
    closeSync(fd);
    t.is(survivor.buffer.toString(), '0123456789');
    t.is(survivor.refresh(), false);
  });

  test(`${name}.open borrows a FileHandle: it stays open, and the map outlives it`, async (t) => {
    const path = temporaryFile(t, '0123456789');
    const handle = await openHandle(path, 'r+');
    open(handle).close();
    t.is((await handle.stat()).size, 10);
    using map = open(handle, { length: 5 });
    await handle.close();
    t.is(map.buffer.toString(), '01234');
    t.throws(() => open(handle), { code: 'EBADF' });
  });

  test(`${name}.open maps from any byte on, of any length`, (t) => {
    const content = pattern(3 * 4096 + 17);
    const path = temporaryFile(t, content);
    const places = [0, 1, 7, 8, 4095, 4096, 4097, 8191, 8192, 3 * 4096, content.length - 1];
    for (const offset of places) {
      for (const length of [1, 9, 4096, 4097, undefined]) {
        if (offset + (length ?? 0) > content.length) continue;
        using map = open(path, { offset, length });
        const expected = content.subarray(offset, length && offset + length);
        t.is(map.offset, offset);
        t.is(map.length, expected.length);
        t.true(map.buffer.equals(expected), `${length} bytes from ${offset}`);
        t.true(map.subarray(1).equals(expected.subarray(1)));
        t.is(map.buffer.byteOffset, offset % 8);
      }
    }
  });

  test(`${name}.open takes bigints, and gives numbers back`, (t) => {
    using map = open(temporaryFile(t, '0123456789'), { offset: 3n, length: 4n });
    t.is(map.offset, 3);
    t.is(map.length, 4);
    t.is(map.buffer.toString(), '3456');
  });

  test(`${name}.open refuses what lies past the end of the file, and names its size`, (t) => {
    const path = temporaryFile(t, '0123456789');
    const past: [offset: number, length: number | undefined][] = [
      ...([
        [0, 11],
        [1, 10],
        [10, 1],
        [11, 0],
        [11, undefined],
      ] as [number, number][]),
      ...([
        [2 ** 32, 1],
        [2 ** 32, undefined],
        [Number.MAX_SAFE_INTEGER, 0],
      ] as [number, number][]),
      [0, 2 ** 32],
      [10, Number.MAX_SAFE_INTEGER],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ];
    for (const [offset, length] of past) {
      t.throws(() => open(path, { offset, length }), {
        instanceOf: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: /\b10 bytes/,
      });
    }
    t.is(readFileSync(path, 'utf8'), '0123456789', 'the file did not grow');
  });

  test(`${name}.open makes a map of length 0 of an empty file or an empty range`, (t) => {
    const folder = temporaryFolder(t);
    const empty = join(folder, 'empty');
    const path = join(folder, 'file');
    writeFileSync(empty, '');
    writeFileSync(path, '0123456789');
    const ranges: [string, object | undefined][] = [
      [empty, undefined],
      [empty, { offset: 0, length: 0 }],
      [path, { offset: 10 }],
      [path, { offset: 3, length: 0 }],
    ];
    for (const [file, options] of ranges) {
      using map = open(file, options);
      t.is(map.length, 0);
      t.false(map.closed);
      t.is(map.buffer.length, 0);
      t.is(map.buffer, map.buffer);
      t.is(map.subarray(0, 5).length, 0);
      t.is(map.view(Uint8Array).length, 0);
      t.is(map.dataView().byteLength, 0);
      t.false(map.refresh());
    }
  });

  onUnix(`${name}.open follows links (Unix: to make one needs no right)`, (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'file'), 'content');
    symlinkSync('file', join(folder, 'link'));
    symlinkSync('loop', join(folder, 'loop'));
    using map = open(join(folder, 'link'));
    t.is(map.buffer.toString(), 'content');
    t.throws(() => open(join(folder, 'loop')), { code: 'ELOOP' });
  });

  test(`${name}.open tells what the system refused: code, syscall, errno and path`, (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    mkdirSync(join(folder, 'folder'));
    const refused: [path: string, code: string, errno: number][] = [
      [join(folder, 'missing'), 'ENOENT', -2],
      [join(file, 'below'), isWindows ? 'ENOENT' : 'ENOTDIR', -20],
      ['', 'ENOENT', -2],
      [join(folder, 'x'.repeat(300)), isWindows ? 'ENOENT' : 'ENAMETOOLONG', -36],
    ];
    for (const [path, code, errno] of refused) {
      const error = t.throws(() => open(path), { name: 'MmapError', code });
      t.is(Reflect.get(error, 'syscall'), 'open');
      if (process.platform === 'linux') t.is(Reflect.get(error, 'errno'), errno);
      t.is(Reflect.get(error, 'path'), path);
      // The message is the one that fs gives for the same refusal.
      const same = t.throws(() => openSync(path, 'r'));
      t.is(error.message, same.message);
    }
    t.throws(() => open(123_456), { name: 'MmapError', code: 'EBADF' });
  });
}

test('a path that cannot name a file is an invalid value', (t) => {
  class Deceiving extends Uint8Array {
    override includes(): boolean {
      return false;
    }
  }
  const bad: [unknown, string][] = [
    ['a\0b', 'ERR_INVALID_ARG_VALUE'],
    [Buffer.from('a\0b'), 'ERR_INVALID_ARG_VALUE'],
    [Deceiving.from(Buffer.from('a\0b')), 'ERR_INVALID_ARG_VALUE'],
    [new URL('file:///C:/a%00b'), 'ERR_INVALID_ARG_VALUE'],
    [new URL('http://example.org/file'), 'ERR_INVALID_URL_SCHEME'],
  ];
  for (const [file, code] of bad) {
    for (const { open } of CLASSES) t.throws(() => open(file as FileLike), { code });
    t.throws(() => MmapMut.create(file as string, 1), { code });
  }
});

test('the three classes are told apart, and all are maps', (t) => {
  const path = temporaryFile(t, 'x');
  using readOnly = Mmap.open(path);
  using mutable = MmapMut.open(path);
  using copy = MmapCow.open(path);
  t.false(readOnly instanceof MmapMut || mutable instanceof Mmap || copy instanceof MmapMut);
  t.false('write' in readOnly);
  t.false('resize' in copy);
});

test('a class derived from a map opens instances of itself', (t) => {
  class Log extends Mmap {
    get lines100(): string[] {
      return [...this.lines({ encoding: 'latin1' })].slice(0, 100);
    }
  }
  class Table extends MmapMut {
    rows = 3;
  }
  class Draft extends MmapCow {}
  const path = temporaryFile(t, 'a\nb\n');
  using log = Log.open(path);
  t.true(log instanceof Log);
  t.deepEqual(log.lines100, ['a', 'b']);
  using table = Table.open(path);
  t.is(table.rows, 3);
  using created = Table.create(join(temporaryFolder(t), 'new'), 8);
  using anonymous = Table.anonymous(8);
  using found = Table.from(log.descriptor());
  using draft = Draft.from(log.descriptor());
  for (const map of [created, anonymous, found]) t.true(map instanceof Table);
  t.true(draft instanceof Draft);
});

test('a descriptor that cannot be written says what it would have to be opened for', (t) => {
  const descriptor = openSync(temporaryFile(t, 'x'), 'r');
  t.teardown(() => closeSync(descriptor));
  t.throws(() => MmapMut.open(descriptor), {
    code: isWindows ? 'EPERM' : 'EACCES',
    message: /the descriptor must be open for reading, for a MmapMut also for writing/,
  });
});

test('fileSize is that of the whole file, as it is now', (t) => {
  const path = temporaryFile(t, 'abcdef');
  using map = Mmap.open(path, { offset: 2, length: 2 });
  t.is(map.fileSize, 6);
  appendFileSync(path, 'gh');
  t.is(map.fileSize, 8);
  using anonymous = MmapMut.anonymous(10);
  t.is(anonymous.fileSize, null);
});

test('flushing a copy-on-write map checks its arguments and writes nothing', async (t) => {
  const path = temporaryFile(t, 'abc');
  using map = MmapCow.open(path);
  map.write('x');
  map.flushSync();
  await map.flush();
  t.is(readFileSync(path, 'latin1'), 'abc');
  t.throws(() => map.flushSync(4), { code: 'ERR_OUT_OF_RANGE' });
  const signal = AbortSignal.abort();
  await t.throwsAsync(map.flush(0, 3, { signal }), { name: 'AbortError' });
});
