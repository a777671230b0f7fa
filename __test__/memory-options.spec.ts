import { readFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { onLinux } from './helpers/gates';
import { mappings, mappingsOf, total } from './helpers/kernel';
import { diskFile } from './helpers/temporary';

const PAGE = 4096;
const MIB = 2 ** 20;

onLinux('populate brings the whole range in, and copies no private page (Linux: smaps)', (t) => {
  const path = diskFile(t, MIB);
  for (const kind of [Mmap, MmapCow, MmapMut]) {
    using cold = kind.open(path);
    t.is(total(mappingsOf(path), 'Rss'), 0);
    cold.close();
    using map = kind.open(path, { populate: true });
    t.is(map.length, MIB);
    t.is(total(mappingsOf(path), 'Rss'), MIB);
    t.is(total(mappingsOf(path), 'Anonymous'), 0);
  }
});

onLinux('populate gives anonymous memory its pages (Linux: mincore)', (t) => {
  using lazy = MmapMut.anonymous(64 * PAGE);
  t.is(lazy.residency().residentPages, 0);
  using map = MmapMut.anonymous(64 * PAGE, { populate: true });
  t.is(map.residency().residentPages, 64);
});

onLinux('hugePages asks for transparent huge pages (Linux: smaps)', (t) => {
  const path = diskFile(t, 4 * MIB);
  using map = Mmap.open(path, { hugePages: true });
  t.is(map.length, 4 * MIB);
  t.true(mappingsOf(path).every(({ flags }) => flags.includes('hg')));
  const size = 6 * MIB + PAGE;
  using memory = MmapMut.anonymous(size, { hugePages: 'transparent' });
  t.is(memory.length, size);
  t.is(mappings(({ start, end, flags }) => end - start === size && flags.includes('hg')).length, 1);
});

onLinux('reserved huge pages are used, or their lack is told (Linux)', (t) => {
  const facts = readFileSync('/proc/meminfo', 'latin1');
  const size = Number(/Hugepagesize: *(\d+)/.exec(facts)?.[1]) * 1024;
  const free = Number(/HugePages_Free: *(\d+)/.exec(facts)?.[1]);
  t.throws(() => MmapMut.anonymous(size + PAGE, { hugePages: true }), {
    instanceOf: RangeError,
    message: new RegExp(`a multiple of ${size}`),
  });
  if (free === 0) {
    const error = t.throws(() => MmapMut.anonymous(size, { hugePages: true }));
    t.like(error, { code: 'ENOMEM', syscall: 'mmap' });
    t.regex(error?.message ?? '', /nr_hugepages/);
    return;
  }
  using map = MmapMut.anonymous(size, { hugePages: true });
  map.write('x', size - 1);
  t.is(mappings(({ end, start, flags }) => end - start === size && flags.includes('ht')).length, 1);
  map.resize(0);
  map.resize(size);
  t.is(map.buffer[size - 1], 0);
});

onLinux('noReserve maps more than there is memory (Linux: smaps)', (t) => {
  const size = 2 ** 42;
  if (readFileSync('/proc/sys/vm/overcommit_memory', 'latin1').trim() === '2') {
    t.throws(() => MmapMut.anonymous(size, { noReserve: true }), { code: 'ENOMEM' });
    return;
  }
  if (readFileSync('/proc/sys/vm/overcommit_memory', 'latin1').trim() === '0') {
    t.throws(() => MmapMut.anonymous(size), { code: 'ENOMEM' });
  }
  using map = MmapMut.anonymous(size, { noReserve: true });
  t.is(map.length, size);
  // The kernel joins neighbours of the same kind into one.
  const found = mappings(({ start, end }) => end - start >= size);
  t.is(found.length, 1);
  t.true(found[0]?.flags.includes('nr'));
  map.write('x', size - 1);
  t.is(map.residency(size - 1).residentPages, 1);
});

test('the options are booleans, and are read once', (t) => {
  const path = diskFile(t, 10);
  for (const name of ['populate', 'hugePages', 'shared']) {
    t.throws(() => Mmap.open(path, { [name]: 1 }), { code: 'ERR_INVALID_ARG_TYPE' }, name);
    t.throws(() => MmapMut.create(`${path}2`, 1, { [name]: 'no' }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  }
  for (const name of ['populate', 'hugePages', 'shared', 'noReserve']) {
    t.throws(() => MmapMut.anonymous(1, { [name]: 'no' }), { code: 'ERR_INVALID_ARG_TYPE' }, name);
  }
  t.throws(() => MmapMut.anonymous(2 * MIB, { hugePages: true, noReserve: true }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
  let reads = 0;
  const options = {
    get populate() {
      reads++;
      return true;
    },
  };
  Mmap.open(path, options).close();
  t.is(reads, 1);
});

test('an empty map takes every option', (t) => {
  const path = diskFile(t, 0);
  using map = Mmap.open(path, { populate: true, hugePages: true });
  t.is(map.length, 0);
  t.is(map.residency().pages, 0);
  map.prefetchSync();
  map.mlock();
  map.munlock();
  using memory = MmapMut.anonymous(0, { populate: true, noReserve: true });
  t.is(memory.length, 0);
  t.is(memory.residency().residentPages, 0);
});
