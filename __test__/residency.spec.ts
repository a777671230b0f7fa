import { readFileSync, truncateSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { needs, onLinux } from './helpers/gates';
import { mappingsOf, total } from './helpers/kernel';
import { type Caught, inChild } from './helpers/processes';
import { diskFile } from './helpers/temporary';

const PAGE = 4096;
const MIB = 2 ** 20;

onLinux('residency counts the pages that hold bytes of the range (Linux)', (t) => {
  const path = diskFile(t, 10 * PAGE + 1);
  using map = Mmap.open(path, { offset: 1 });
  map.prefetchSync();
  const all = map.residency();
  t.is(all.pageSize, PAGE);
  t.is(all.pages, 11);
  t.is(all.residentPages, 11);
  t.is(all.map.length, 11);
  t.is(map.residency(PAGE - 2, PAGE).pages, 2, 'two bytes on two pages');
  t.is(map.residency(PAGE - 1, PAGE).pages, 1);
  t.is(map.residency(5, 5).pages, 0);
});

onLinux('residency tells which pages of anonymous memory were touched (Linux)', (t) => {
  using map = MmapMut.anonymous(8 * PAGE);
  map.advise('nohugepage');
  t.is(map.residency().residentPages, 0);
  map.write('x', 3 * PAGE);
  t.deepEqual([...map.residency().map], [0, 0, 0, 1, 0, 0, 0, 0]);
});

onLinux('residency refuses where the kernel would only say "all in memory" (Linux)', (t) => {
  // A file of root's is not this user's. As root, become another user first.
  const answer = inChild(`
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const map = memmap.Mmap.open('/etc/passwd');
    done(caught(() => map.residency()));`) as Caught;
  t.is(answer.code, 'ERR_MMAP_UNSUPPORTED');
  t.regex(answer.message, /owns the file or may write it/);
});

onLinux('evictSync empties memory and cache, prefetchSync fills them (Linux)', (t) => {
  const path = diskFile(t, 5 * MIB + 3);
  using map = Mmap.open(path, { offset: 4095 });
  const { pages } = map.residency();
  map.evictSync();
  t.is(map.residency().residentPages, 0);
  t.is(total(mappingsOf(path), 'Rss'), 0);
  map.prefetchSync(MIB, 2 * MIB);
  t.is(map.residency(MIB, 2 * MIB).residentPages, map.residency(MIB, 2 * MIB).pages);
  map.prefetchSync();
  t.is(map.residency().residentPages, pages);
  t.is(total(mappingsOf(path), 'Rss'), pages * PAGE, 'mapped, too: no fault is left to happen');
});

onLinux('evict writes what was changed before it drops it (Linux)', async (t) => {
  const path = diskFile(t, 3 * MIB);
  using map = MmapMut.open(path);
  map.fill(9, 1, 3 * MIB);
  const progress: number[] = [];
  await map.evict(undefined, undefined, { onProgress: (done) => progress.push(done) });
  t.deepEqual(progress, [3 * MIB]);
  t.is(map.residency().residentPages, 0);
  t.deepEqual([...map.subarray(0, 2)], [7, 9]);
  t.is(readFileSync(path).lastIndexOf(7), 0);
});

onLinux('evict drops a range of a larger file, beyond the borders of chunks (Linux)', async (t) => {
  const path = diskFile(t, 140 * MIB);
  using map = Mmap.open(path);
  map.prefetchSync();
  await map.evict(3 * MIB + 5, 137 * MIB);
  t.is(map.residency(3 * MIB + 5, 137 * MIB).residentPages, 0);
  t.is(map.residency(0, MIB).residentPages, MIB / PAGE, 'what is far from the range stays');
});

test('evict never touches maps without a file behind them', async (t) => {
  const path = diskFile(t, 10);
  using cow = MmapCow.open(path);
  using anonymous = MmapMut.anonymous(10);
  for (const map of [cow, anonymous]) {
    map.fill(1);
    t.throws(() => map.evictSync(), { code: 'ERR_MMAP_UNSUPPORTED' });
    await t.throwsAsync(map.evict(), { code: 'ERR_MMAP_UNSUPPORTED' });
    t.is(map.buffer[9], 1);
  }
});

onLinux('evict says so where pages are locked (Linux)', (t) => {
  using map = Mmap.open(diskFile(t, PAGE));
  map.mlock();
  t.throws(() => map.evictSync(), { code: 'ERR_MMAP_UNSUPPORTED', message: /munlock/ });
  map.munlock();
  map.evictSync();
  t.is(map.residency().residentPages, 0);
});

onLinux('after prefetch, reading does not wait for the disk (Linux: major faults)', (t) => {
  const path = diskFile(t, 16 * MIB);
  const faults = (prepare: string) =>
    inChild(
      `
      const map = memmap.Mmap.open(file);
      map.evictSync();
      const bytes = map.buffer;
      ${prepare}
      const before = process.resourceUsage();
      let sum = 0;
      for (let at = 0; at < bytes.length; at += 4096) sum += bytes[at];
      const after = process.resourceUsage();
      done([sum, after.majorPageFault - before.majorPageFault, after.minorPageFault - before.minorPageFault]);`,
      path,
    ) as [number, number, number];
  const [sum, cold] = faults('');
  t.true(cold > 0, 'without prefetch it does');
  for (const prepare of ['await map.prefetch();', 'map.prefetchSync();']) {
    const [same, major, minor] = faults(prepare);
    t.is(same, sum);
    t.is(major, 0);
    t.true(minor < 1000, 'the pages are mapped, not only in the cache');
  }
});

onLinux('prefetch copies no page of a private map (Linux: smaps)', async (t) => {
  const path = diskFile(t, 4 * MIB);
  using map = MmapCow.open(path);
  await map.prefetch();
  t.is(total(mappingsOf(path), 'Rss'), 4 * MIB);
  t.is(total(mappingsOf(path), 'Anonymous'), 0);
});

onLinux('prefetch works in chunks that an abort ends (Linux: mincore)', async (t) => {
  const path = diskFile(t, 64 * MIB);
  using map = Mmap.open(path);
  map.evictSync();
  const controller = new AbortController();
  const reason = new Error('enough');
  const seen: [number, number][] = [];
  const onProgress = (done: number, all: number) => {
    seen.push([done, all]);
    controller.abort(reason);
  };
  const error = await t.throwsAsync(
    map.prefetch(0, undefined, { signal: controller.signal, onProgress, concurrency: 2 }),
    { name: 'AbortError' },
  );
  t.is(error?.cause, reason);
  t.deepEqual(seen, [[8 * MIB, 64 * MIB]]);
  const { residentPages, pages } = map.residency();
  t.true(residentPages >= pages / 8 && residentPages < pages / 2);
});

test('prefetch ends when the map is closed', async (t) => {
  const map = Mmap.open(diskFile(t, 32 * MIB));
  const running = map.prefetch();
  map.close();
  await t.throwsAsync(running, { code: 'ERR_MMAP_CLOSED' });
  await t.throwsAsync(map.prefetch(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => map.prefetchSync(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => map.residency(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => map.evictSync(), { code: 'ERR_MMAP_CLOSED' });
});

onLinux('prefetch of truncated bytes is an error (Linux)', async (t) => {
  const path = diskFile(t, 8 * PAGE);
  using map = Mmap.open(path);
  truncateSync(path, 2 * PAGE);
  await t.throwsAsync(map.prefetch(), { code: 'ERR_MMAP_TRUNCATED' });
});

const python = process.platform === 'linux' ? needs('python3') : test.skip;
python(
  'prefetch reads the file where the kernel has no MADV_POPULATE_READ (Linux, needs python3)',
  (t) => {
    // A seccomp filter answers EINVAL to madvise(..., 22), as Linux before 5.14 does.
    const number = { x64: 28, arm64: 233 }[process.arch as string];
    if (number === undefined) {
      t.pass('the number of madvise is not known for this processor');
      return;
    }
    const withoutPopulate = `
import ctypes, os, struct, sys
def step(code, yes, no, value): return struct.pack('HBBI', code, yes, no, value)
program = b''.join([
  step(0x20, 0, 0, 0), step(0x15, 0, 3, ${number}),
  step(0x20, 0, 0, 32), step(0x15, 0, 1, 22),
  step(0x06, 0, 0, 0x00050000 | 22), step(0x06, 0, 0, 0x7fff0000)])
memory = ctypes.create_string_buffer(program)
libc = ctypes.CDLL(None, use_errno=True)
header = struct.pack('HxxxxxxQ', 6, ctypes.addressof(memory))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])`;
    const path = diskFile(t, 4 * MIB);
    const answer = inChild(
      `
    const map = memmap.MmapCow.open(file);
    const cached = memmap.Mmap.open(file);
    cached.evictSync();
    const known = map.advise('populate-read');
    map.prefetchSync();
    const { pages, residentPages } = map.residency();
    const lines = require('node:fs').readFileSync('/proc/self/smaps', 'utf8').split(file);
    const sizes = lines.slice(1).map((text) => /Anonymous: *(\\d+)/.exec(text)[1]);
    done({ known, pages, residentPages, sizes });`,
      path,
      ['python3', '-c', withoutPopulate, process.execPath],
    ) as { known: boolean; pages: number; residentPages: number; sizes: string[] };
    t.false(answer.known);
    t.is(answer.residentPages, answer.pages);
    t.true(answer.sizes.every((copied) => copied === '0'));
  },
);

test('ranges and options are checked', async (t) => {
  using map = Mmap.open(diskFile(t, 10));
  t.throws(() => map.residency(0, 11), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.prefetchSync(11), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.evictSync(-1), { code: 'ERR_OUT_OF_RANGE' });
  await t.throwsAsync(map.prefetch(0.5), { code: 'ERR_OUT_OF_RANGE' });
  await t.throwsAsync(map.prefetch(0, 1, { onProgress: 1 as never }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  await t.throwsAsync(map.evict(0, 1, { signal: {} as never }), { code: 'ERR_INVALID_ARG_TYPE' });
});
