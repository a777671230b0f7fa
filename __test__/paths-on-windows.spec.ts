/** Paths on Windows: names that no file can have, names that are not valid Unicode, long forms. */
import { openSync, realpathSync, writeFileSync } from 'node:fs';
import { join, toNamespacedPath } from 'node:path';
import { Mmap, MmapMut } from 'memmap';
import { FileLock } from 'memmap/sync';
import { onWindows } from './helpers/gates';
import { temporaryFile, temporaryFolder } from './helpers/temporary';

function codeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return Reflect.get(Object(error), 'code');
  }
}

onWindows('paths that lead nowhere are refused as node:fs refuses them (Windows)', (t) => {
  const folder = temporaryFolder(t);
  const path = temporaryFile(t, 'content');
  for (const wrong of [
    join(folder, 'a|b'),
    join(folder, 'a*?b'),
    join(folder, 'missing'),
    join(folder, 'missing', 'missing'),
    join(path, 'below-a-file'),
    'nowhere:\\a',
    join(folder, 'x'.repeat(300)),
  ]) {
    const expected = codeOf(() => openSync(wrong, 'r'));
    t.is(typeof expected, 'string', wrong);
    t.is(
      codeOf(() => Mmap.open(wrong)),
      expected,
      wrong,
    );
  }
});

onWindows('a name with half a surrogate pair is its WTF-8, as in libuv (Windows)', (t) => {
  const wtf8 = Buffer.concat([
    // As the system says it: the name of a folder may be a short form, such as `RUNNER~1`.
    Buffer.from(join(realpathSync.native(temporaryFolder(t)), 'a')),
    Buffer.of(0xed, 0xa0, 0x80),
    Buffer.from('b'),
  ]);
  try {
    using made = MmapMut.create(wtf8, 3);
    made.write('abc');
    const descriptor = made.descriptor();
    t.deepEqual(Buffer.from(descriptor.path), wtf8);
    using again = Mmap.from(descriptor);
    t.is(again.buffer.toString(), 'abc');
  } catch (error) {
    // NTFS has such names. Wine's folders are Unix's, and have none.
    t.is(Reflect.get(Object(error), 'code'), 'ENOENT');
  }
  // As in node:fs a string has no such names: the half is replaced, and means another file.
  t.throws(() => Mmap.open(`${wtf8.toString('utf8').slice(0, -4)}\ud800b`), { code: 'ENOENT' });
  t.throws(() => Mmap.open(Buffer.from([0x61, 0xff])), { code: 'ERR_MMAP_UNSUPPORTED' });
});

onWindows(
  String.raw`descriptors have no \\?\ before the path where it needs none (Windows)`,
  (t) => {
    const path = join(temporaryFolder(t), 'file');
    writeFileSync(path, 'content');
    for (const form of [path, toNamespacedPath(path)]) {
      using map = Mmap.open(form);
      const descriptor = map.descriptor();
      t.is(typeof descriptor.path, 'string');
      t.false(String(descriptor.path).startsWith('\\\\?\\'), String(descriptor.path));
      using again = Mmap.from(descriptor);
      t.is(again.buffer.toString(), 'content');
    }
  },
);

onWindows('a lock on a file is released once, also of a shared descriptor (Windows)', (t) => {
  const path = temporaryFile(t, 'content');
  for (let round = 0; round < 3; round++) {
    const lock = FileLock.acquireSync(path);
    t.is(FileLock.tryAcquire(path), null);
    lock.release();
    const shared = FileLock.acquireSync(path, { shared: true });
    using second = FileLock.acquireSync(path, { shared: true });
    shared.release();
    t.true(second.held);
    t.is(FileLock.tryAcquire(path), null);
  }
});
