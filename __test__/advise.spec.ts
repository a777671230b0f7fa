import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Hint, Mmap, MmapCow, MmapMut } from 'memmap';
import { onLinux } from './helpers/gates';
import { mappings, mappingsOf } from './helpers/kernel';
import { inChild } from './helpers/processes';
import { diskFile, root } from './helpers/temporary';
import { until } from './helpers/until';

const PAGE = 4096;

/** The hints that leave a mark in `VmFlags`, and the mark. */
const MARKS: [Hint, string][] = [
  ['random', 'rr'],
  ['sequential', 'sr'],
  ['dontfork', 'dc'],
  ['dontdump', 'dd'],
  ['hugepage', 'hg'],
  ['nohugepage', 'nh'],
];

for (const [hint, mark] of MARKS) {
  onLinux(`advise('${hint}') marks the pages of the range and no others (Linux: smaps)`, (t) => {
    const path = diskFile(t, 8 * PAGE);
    using map = Mmap.open(path);
    t.true(map.advise(hint, 2 * PAGE + 5, 4 * PAGE - 5));
    const marked = mappingsOf(path).filter(({ flags }) => flags.includes(mark));
    t.is(marked.length, 1);
    t.is((marked[0]?.end ?? 0) - (marked[0]?.start ?? 0), 2 * PAGE);
    t.is(marked[0]?.start, (mappingsOf(path)[0]?.start ?? 0) + 2 * PAGE);
  });
}

onLinux("advise('normal') takes a mark away again (Linux: smaps)", (t) => {
  const path = diskFile(t, 8 * PAGE);
  using map = Mmap.open(path);
  map.advise('random');
  t.true(mappingsOf(path).some(({ flags }) => flags.includes('rr')));
  t.true(map.advise('normal'));
  t.false(mappingsOf(path).some(({ flags }) => flags.includes('rr')));
});

onLinux("advise('mergeable') marks anonymous memory, 'unmergeable' undoes it (Linux)", (t) => {
  const size = 37 * PAGE;
  using map = MmapMut.anonymous(size);
  const marked = () =>
    mappings(({ start, end, flags }) => end - start === size && flags.includes('mg')).length;
  if (map.advise('mergeable')) {
    t.is(marked(), 1);
    t.true(map.advise('unmergeable'));
    t.is(marked(), 0);
  } else {
    // A kernel without CONFIG_KSM knows neither.
    t.false(map.advise('unmergeable'));
  }
});

onLinux("advise('populate-read') and 'pageout' bring in and drop (Linux: mincore)", (t) => {
  const path = diskFile(t, 64 * PAGE);
  using map = Mmap.open(path);
  map.evictSync();
  t.is(map.residency().residentPages, 0);
  t.true(map.advise('populate-read'));
  t.is(map.residency().residentPages, 64);
  t.true(map.advise('cold'));
  t.is(map.residency().residentPages, 64, 'cold only marks the pages');
  t.true(map.advise('pageout'));
  t.true(map.residency().residentPages < 64);
});

onLinux("advise('willneed') reads ahead (Linux: mincore)", async (t) => {
  const path = diskFile(t, 16 * PAGE);
  using map = Mmap.open(path);
  map.evictSync();
  t.is(map.residency().residentPages, 0);
  t.true(map.advise('willneed'));
  // How much is read ahead is the kernel's choice; one page now and then is left out.
  await until(() => map.residency().residentPages >= 8, 'half of the pages are resident');
  t.pass();
});

test('a hint that another platform knows is no error, and false', (t) => {
  using map = MmapMut.anonymous(PAGE);
  t.is(map.advise('zero-wired-pages'), process.platform === 'darwin');
  t.is(map.advise('dontdump'), process.platform === 'linux');
});

onLinux("'dontneed' forgets private changes, of whole pages in the range only (Linux)", (t) => {
  const path = diskFile(t, 4 * PAGE);
  using map = MmapCow.open(path);
  map.fill(9);
  t.true(map.advise('dontneed', PAGE - 1, 3 * PAGE - 1));
  t.deepEqual([...map.subarray(PAGE - 1, PAGE + 1)], [9, 7]);
  t.deepEqual([...map.subarray(2 * PAGE - 1, 2 * PAGE + 1)], [7, 9]);
  t.true(map.advise('dontneed'));
  t.true(map.buffer.every((byte) => byte === 7));
});

onLinux("'dontneed' forgets the private changes at unaligned ends of a map (Linux)", (t) => {
  const path = diskFile(t, 4 * PAGE);
  using map = MmapCow.open(path, { offset: 100, length: 2 * PAGE });
  map.fill(9);
  t.true(map.advise('dontneed'));
  t.true(map.buffer.every((byte) => byte === 7));
});

onLinux("'dontneed' and 'free' spare the neighbours in anonymous memory (Linux)", (t) => {
  using map = MmapMut.anonymous(4 * PAGE);
  map.fill(9);
  t.true(map.advise('dontneed', 1, 2 * PAGE + 1));
  t.deepEqual([...map.subarray(PAGE - 1, PAGE + 1)], [9, 0]);
  t.deepEqual([...map.subarray(2 * PAGE - 1, 2 * PAGE + 1)], [0, 9]);
  t.true(map.advise('free', 2 * PAGE + 1, 3 * PAGE - 1), 'no whole page: nothing to do');
  t.is(map.buffer[2 * PAGE + 1], 9);
  t.true(map.advise('free'));
});

onLinux("'dontneed' loses nothing of a file that is mapped for writing (Linux)", (t) => {
  const path = diskFile(t, 2 * PAGE);
  using map = MmapMut.open(path);
  map.fill(9);
  t.true(map.advise('dontneed'));
  t.true(map.buffer.every((byte) => byte === 9));
  t.false(map.advise('free'), 'a file has no pages to free');
});

onLinux("'remove' makes a hole in the file, of whole pages in the range only (Linux)", (t) => {
  const path = diskFile(t, 64 * PAGE);
  using map = MmapMut.open(path, { offset: 10 });
  map.flushSync();
  const before = statSync(path).blocks;
  if (!map.advise('remove', PAGE, 61 * PAGE)) {
    t.pass('this file system makes no holes');
    return;
  }
  const bytes = readFileSync(path);
  const zeros = bytes.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  t.is(zeros, 59 * PAGE);
  t.is(bytes.indexOf(0), 2 * PAGE);
  t.is(bytes.lastIndexOf(0), 61 * PAGE - 1);
  t.true(statSync(path).blocks < before);
});

test('hints that discard bytes are refused where they make no sense', (t) => {
  const path = diskFile(t, 10);
  using map = Mmap.open(path);
  using cow = MmapCow.open(path);
  const refused = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' };
  // @ts-expect-error: it is no hint for a read-only map
  t.throws(() => map.advise('dontneed'), refused);
  // @ts-expect-error: it is no hint for a read-only map
  t.throws(() => map.advise('remove'), refused);
  // @ts-expect-error: it is no hint for a copy-on-write map
  t.throws(() => cow.advise('remove'), refused);
  // @ts-expect-error: it destroys memory, and is left out
  t.throws(() => cow.advise('hwpoison'), refused);
  // @ts-expect-error: no string
  t.throws(() => cow.advise(4), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
});

onLinux('marking every second page of a gigabyte leaves the runtime its memory (Linux)', (t) => {
  // Each mark divides the kernel's mapping; past 65,530 of them the engine ends the process.
  const marks = {
    advise: "refused = !map.advise('random', at, at + 4096);",
    mlock: 'refused = caught(() => map.mlock(at, at + 4096))?.code ?? false;',
  };
  for (const [what, mark] of Object.entries(marks)) {
    const answer = inChild(`
      let refused = false;
      const map = memmap.MmapMut.anonymous(2 ** 30, { noReserve: true });
      for (let at = 0; at < map.length && !refused; at += 8192) { ${mark} }
      const kept = Array.from({ length: 100 }, () => [new ArrayBuffer(2 ** 20), Array.from({ length: 1e4 }, () => ({}))]);
      done({ refused, kept: kept.length, whole: map.advise('random') });`) as { refused: unknown };
    t.like(answer, { kept: 100, whole: true }, what);
    // A user without the right to lock more meets that limit first.
    const expected = what === 'advise' ? [true] : ['ERR_MMAP_UNSUPPORTED', 'ENOMEM'];
    t.true(expected.includes(answer.refused as never), `${what}: ${answer.refused}`);
  }
});

test('docs/memory.md has a row for every hint, and for no other', (t) => {
  using map = MmapMut.anonymous(1);
  const error = t.throws(() => map.advise('?' as Hint));
  const known = [...(error?.message.matchAll(/'([\w-]+)'/g) ?? [])].map(([, hint]) => hint);
  const text = readFileSync(join(root, 'docs', 'memory.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([\w-]+)` \| (?:all|Mmap)/gm)].map(([, hint]) => hint);
  t.true(known.length > 20);
  t.deepEqual(rows.sort(), known.sort());
});

test('advise checks its range and the state of the map', (t) => {
  const map = Mmap.open(diskFile(t, 10));
  t.throws(() => map.advise('random', 0, 11), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.advise('random', 5, 4), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.advise('random', Number.NaN), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.advise('random', 2 ** 53), { code: 'ERR_OUT_OF_RANGE' });
  t.is(map.advise('random', 10, 10n), process.platform !== 'win32');
  map.close();
  t.throws(() => map.advise('random'), { code: 'ERR_MMAP_CLOSED' });
});
