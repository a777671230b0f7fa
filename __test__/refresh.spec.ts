/** refresh: a map follows a file that others made longer or shorter. */
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
import { onUnix } from './helpers/gates';
import { temporaryFile } from './helpers/temporary';

for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
  test(`${name}.refresh follows a file that grows`, (t) => {
    const path = temporaryFile(t, 'one');
    using map = open(path);
    const first = map.buffer;
    t.false(map.refresh());
    t.is(map.buffer, first, 'nothing changed');
    appendFileSync(path, ' two');
    t.is(map.buffer.toString(), 'one');
    t.true(map.refresh());
    t.is(first.toString(), name === 'MmapCow' ? '' : 'one');
    t.is(map.buffer.toString(), 'one two');
  });

  test(`${name}.refresh follows an empty file that grows`, (t) => {
    const path = temporaryFile(t, '');
    using map = open(path);
    t.false(map.refresh());
    writeFileSync(path, 'again');
    t.true(map.refresh());
    t.is(map.buffer.toString(), 'again');
  });

  onUnix(`${name}.refresh follows a file that is truncated, emptied and grows (Unix)`, (t) => {
    const path = temporaryFile(t, 'one two');
    using map = open(path);
    truncateSync(path, 2);
    t.true(map.refresh());
    t.is(map.buffer.toString(), 'on');
    truncateSync(path, 0);
    t.true(map.refresh());
    t.is(map.length, 0);
    t.false(map.closed);
    writeFileSync(path, 'again');
    t.true(map.refresh());
    t.is(map.buffer.toString(), 'again');
  });

  test(`${name}.refresh keeps to the part that was asked for`, (t) => {
    const path = temporaryFile(t, '0123456789');
    using part = open(path, { offset: 4, length: 4 });
    using tail = open(path, { offset: 4 });
    appendFileSync(path, 'abc');
    t.false(part.refresh());
    t.true(tail.refresh());
    t.is(tail.buffer.toString(), '456789abc');
    t.is(part.buffer.toString(), '4567');
  });

  onUnix(`${name}.refresh keeps to the part of a file that is truncated (Unix)`, (t) => {
    const path = temporaryFile(t, '0123456789');
    using part = open(path, { offset: 4, length: 4 });
    using tail = open(path, { offset: 4 });
    truncateSync(path, 6);
    t.true(part.refresh());
    t.is(part.buffer.toString(), '45');
    truncateSync(path, 2);
    t.true(part.refresh());
    t.true(tail.refresh());
    t.is(part.length + tail.length, 0);
    writeFileSync(path, '0123456789');
    t.true(part.refresh());
    t.is(part.buffer.toString(), '4567');
    t.is(part.offset, 4);
  });
}

test('refresh stays with the file that was opened, whatever its path names now', (t) => {
  const path = temporaryFile(t, 'first');
  using map = Mmap.open(path);
  renameSync(path, `${path}.old`);
  writeFileSync(path, 'the second file');
  t.false(map.refresh());
  appendFileSync(`${path}.old`, ' file');
  t.true(map.refresh());
  t.is(map.buffer.toString(), 'first file');
});

test('refresh drops the changes of a copy-on-write map only where it says that the map changed', (t) => {
  const path = temporaryFile(t, 'content');
  using map = MmapCow.open(path);
  map.write('CON');
  t.false(map.refresh());
  t.is(map.buffer.toString(), 'CONtent');
  appendFileSync(path, '!');
  t.true(map.refresh());
  t.is(map.buffer.toString(), 'content!');
});

test('what began before a resize says that the open map has changed, and what to do', async (t) => {
  const path = temporaryFile(t, Buffer.from('a1\nb2\nc3\n'.repeat(50_000)));
  using map = MmapMut.open(path);
  const index = await map.lineIndex();
  const lines = map.lines({ encoding: 'latin1' });
  lines.next();
  const matches = map.matchAll(/\d/);
  const { value: match } = matches.next();
  const scan = map.scan('a');
  await scan.next();
  const stream = map.createReadStream();
  const words = map.atomic(0).waitAsync(map.atomic(0).load());
  const counting = map.count('a');
  map.resize(map.length - 3);
  t.is(map.closed, false);
  const changed = {
    instanceOf: MmapError,
    code: 'ERR_MMAP_CHANGED',
    message: /was resized or refreshed since.*(begin again|build it anew)/,
  };
  t.throws(() => index.line(1), changed);
  t.throws(() => lines.next(), changed);
  t.throws(() => matches.next(), changed);
  t.throws(() => match?.bytes(), changed);
  t.throws(() => match?.toString(), changed);
  await t.throwsAsync(scan.next(), changed);
  await t.throwsAsync(words, changed);
  await t.throwsAsync(counting, changed);
  await t.throwsAsync(async () => {
    for await (const _ of stream);
  }, changed);
});
