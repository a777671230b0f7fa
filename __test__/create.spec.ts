/** Creating files. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { Mmap, MmapCow, type MmapError, MmapMut } from 'memmap';
import { isWindows, onUnix } from './helpers/gates';
import { node } from './helpers/processes';
import { temporaryFile, temporaryFolder } from './helpers/temporary';

test('create makes a file of zeros and maps it', (t) => {
  const folder = temporaryFolder(t);
  const names = [
    join(folder, 'a'),
    Buffer.from(join(folder, 'b')),
    pathToFileURL(join(folder, 'c')),
  ];
  for (const [index, name] of names.entries()) {
    using map = MmapMut.create(name, 10_000);
    const path = join(folder, 'abc'.charAt(index));
    t.is(map.path, path);
    t.is(map.length, 10_000);
    t.is(map.offset, 0);
    t.true(map.buffer.equals(Buffer.alloc(10_000)));
    map.write('written', 9_993);
    t.is(readFileSync(path, 'latin1').slice(-7), 'written');
    t.is(statSync(path).size, 10_000);
  }
});

test('create reserves the blocks, unless it is told not to', (t) => {
  const folder = temporaryFolder(t);
  using full = MmapMut.create(join(folder, 'full'), 2 ** 20);
  using sparse = MmapMut.create(join(folder, 'sparse'), 2n ** 20n, { allocate: false });
  t.is(full.length, sparse.length);
  // Blocks are counted in units of 512 bytes.
  if (process.platform === 'linux') t.true(statSync(join(folder, 'full')).blocks * 512 >= 2 ** 20);
  t.true(statSync(join(folder, 'sparse')).blocks * 512 < 2 ** 20);
});

test('create makes an empty file, which can be resized', (t) => {
  const path = join(temporaryFolder(t), 'empty');
  using map = MmapMut.create(path, 0);
  t.is(statSync(path).size, 0);
  map.resize(5);
  map.write('hello');
  t.is(readFileSync(path, 'utf8'), 'hello');
});

test('create refuses a file that exists, and leaves it as it is', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'file');
  writeFileSync(path, 'content');
  for (const options of [undefined, {}, { overwrite: false }, { overwrite: undefined }]) {
    const error = t.throws(() => MmapMut.create(path, 10, options), {
      name: 'MmapError',
      code: 'EEXIST',
    });
    t.is(Reflect.get(error, 'syscall'), 'open');
    t.is(Reflect.get(error, 'path'), path);
  }
  t.is(readFileSync(path, 'utf8'), 'content');
  t.deepEqual(readdirSync(folder), ['file']);
});

onUnix(
  'create makes no file behind a link that leads nowhere (Unix: a link needs no right)',
  (t) => {
    const folder = temporaryFolder(t);
    symlinkSync('nowhere', join(folder, 'link'));
    t.throws(() => MmapMut.create(join(folder, 'link'), 10), { code: 'EEXIST' });
    t.deepEqual(readdirSync(folder), ['link']);
  },
);

test('a file whose map is closed is replaced, and deleted, though its Buffers are in use', (t) => {
  const path = temporaryFile(t, 'the old content');
  const kept = [Mmap, MmapMut, MmapCow].map(({ open }) => {
    const map = open(path);
    const { buffer } = map;
    t.is(buffer.toString(), 'the old content');
    map.close();
    return buffer;
  });
  const fresh = MmapMut.create(path, 4, { overwrite: true });
  fresh.write('new!');
  kept.push(fresh.buffer);
  fresh.close();
  t.is(readFileSync(path, 'utf8'), 'new!');
  unlinkSync(path);
  t.deepEqual(readdirSync(dirname(path)), []);
  for (const buffer of kept) t.is(buffer.length, 0);
});

onUnix('overwrite leaves live maps the old file (Unix: a mapped file is replaced)', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'file');
  writeFileSync(path, 'the old content');
  using old = MmapMut.open(path);
  using reader = Mmap.open(path);
  using fresh = MmapMut.create(path, 4, { overwrite: true });
  t.is(fresh.path, path);
  fresh.write('new!');
  old.write('THE');
  old.flushSync();
  t.is(old.buffer.toString(), 'THE old content');
  t.is(reader.buffer.toString(), 'THE old content');
  t.false(reader.refresh(), 'the old file has not changed its size');
  t.is(readFileSync(path, 'utf8'), 'new!');
  t.deepEqual(readdirSync(folder), ['file']);
});

test('overwrite also creates, by every form of path', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'file');
  for (const name of [path, Buffer.from(path), pathToFileURL(path)]) {
    MmapMut.create(name, 3, { overwrite: true }).close();
    t.is(statSync(path).size, 3);
  }
  t.deepEqual(readdirSync(folder), ['file']);
});

test('overwrite works for a name of the greatest length and for bytes that are no UTF-8', (t) => {
  const folder = temporaryFolder(t);
  const longest = join(folder, 'x'.repeat(255));
  MmapMut.create(longest, 1).close();
  MmapMut.create(longest, 2, { overwrite: true }).close();
  t.is(statSync(longest).size, 2);
  if (process.platform !== 'linux') return;
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]);
  MmapMut.create(odd, 3, { overwrite: true }).close();
  t.is(statSync(odd).size, 3);
  using map = Mmap.open(odd);
  t.is(map.length, 3);
  t.is(readdirSync(folder).length, 2);
});

test('what create refuses leaves nothing behind', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'x');
  const refused: [path: string, code: string][] = [
    [join(folder, 'missing', 'file'), 'ENOENT'],
    [join(folder, 'file', 'below'), isWindows ? 'ENOENT' : 'ENOTDIR'],
    [join(folder, 'x'.repeat(256)), isWindows ? 'ENOENT' : 'ENAMETOOLONG'],
  ];
  for (const [path, code] of refused) {
    for (const overwrite of [false, true]) {
      t.throws(() => MmapMut.create(path, 10, { overwrite }), { name: 'MmapError', code });
    }
  }
  t.throws(() => MmapMut.create(join(folder, 'folder'), 10), { code: 'EEXIST' });
  t.throws(() => MmapMut.create(join(folder, 'folder'), 10, { overwrite: true }), {
    name: 'MmapError',
    code: 'EISDIR',
  });
  t.deepEqual(readdirSync(folder).sort(), ['file', 'folder']);
});

test('a file longer than any can be is refused, and leaves nothing behind', (t) => {
  const folder = temporaryFolder(t);
  for (const overwrite of [false, true]) {
    // More than any file can have, so it is found out after the file was created.
    const vast = () => MmapMut.create(join(folder, 'vast'), Number.MAX_SAFE_INTEGER, { overwrite });
    const { name, code } = t.throws(vast) as MmapError;
    t.is(name, 'MmapError');
    t.true(['EFBIG', 'ENOSPC', 'EINVAL'].includes(code), code);
  }
  t.deepEqual(readdirSync(folder), []);
});

const SHM = '/dev/shm';
/** Only of Linux: under Wine, which shows the folder, the disk would be filled. */
const limited =
  process.platform === 'linux' &&
  existsSync(SHM) &&
  statfsSync(SHM).blocks * statfsSync(SHM).bsize < 2 ** 40;
(limited ? test : test.skip)(
  'a full disk is ENOSPC at create and at resize, and leaves nothing behind (Linux, a small /dev/shm)',
  (t) => {
    const folder = temporaryFolder(t, SHM);
    const path = join(folder, 'file');
    for (const overwrite of [false, true]) {
      const error = t.throws(() => MmapMut.create(path, 2 ** 40, { overwrite }), {
        name: 'MmapError',
        code: 'ENOSPC',
      });
      t.is(Reflect.get(error, 'path'), path);
      t.is(Reflect.get(error, 'syscall'), 'fallocate');
      t.deepEqual(readdirSync(folder), []);
    }
    using map = MmapMut.create(path, 5);
    map.write('hello');
    const buffer = map.buffer;
    t.throws(() => map.resize(2 ** 40), { name: 'MmapError', code: 'ENOSPC' });
    t.is(map.length, 5);
    t.is(buffer.toString(), 'hello', 'the Buffer is still attached');
    t.is(readFileSync(path, 'utf8'), 'hello');
    t.throws(() => MmapMut.create(path, 2 ** 40, { overwrite: true }), { code: 'ENOSPC' });
    t.is(readFileSync(path, 'utf8'), 'hello', 'the old file is still in place');
  },
);

onUnix('mode sets the permission bits, less the umask (Unix only)', (t) => {
  const folder = temporaryFolder(t);
  chmodSync(dirname(join(folder, 'x')), 0o700);
  // In a child: a umask belongs to the whole process, and cannot be set in a worker.
  const script = `
      const { MmapMut } = require('memmap');
      const { statSync } = require('node:fs');
      process.umask(0o027);
      const bits = (name, options) => {
        const path = process.argv.at(-1) + '/' + name;
        MmapMut.create(path, 1, options).close();
        return (statSync(path).mode & 0o777).toString(8);
      };
      console.log(bits('a'), bits('b', { mode: 0o600 }), bits('c', { mode: 0o777n }),
        bits('d', { mode: 0 }), bits('b', { mode: 0o444, overwrite: true }));`;
  const child = node(['-e', script, folder]);
  t.is(child.stderr, '');
  t.is(child.stdout, '640 600 750 0 440\n');
});
