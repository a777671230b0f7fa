import { truncateSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { onLinux } from './helpers/gates';
import { mappingsOf, total } from './helpers/kernel';
import { type Caught, inChild } from './helpers/processes';
import { diskFile } from './helpers/temporary';

const PAGE = 4096;

/**
 * The bytes of a file that this process has locked in memory. What the kernel counts as `Locked` is
 * less while another process has the same pages, if only between its fork and its exec.
 */
function locked(path: string): number {
  return total(
    mappingsOf(path).filter(({ flags }) => flags.includes('lo')),
    'Rss',
  );
}

onLinux('mlock locks the pages of the range and brings them in (Linux: smaps)', (t) => {
  const path = diskFile(t, 8 * PAGE);
  using map = Mmap.open(path);
  map.evictSync();
  map.mlock(PAGE + 1, 3 * PAGE);
  t.is(locked(path), 2 * PAGE);
  t.is(map.residency(PAGE, 3 * PAGE).residentPages, 2);
  map.munlock(2 * PAGE, 3 * PAGE);
  t.is(locked(path), PAGE);
  map.munlock();
  t.is(locked(path), 0);
});

onLinux('mlock copies no page of a private map, and locks what is copied later (Linux)', (t) => {
  const path = diskFile(t, 8 * PAGE);
  using map = MmapCow.open(path);
  map.mlock();
  t.is(locked(path), 8 * PAGE);
  t.is(total(mappingsOf(path), 'Anonymous'), 0);
  map.write('x', PAGE);
  t.is(total(mappingsOf(path), 'Anonymous'), PAGE);
  t.is(locked(path), 8 * PAGE);
});

onLinux('mlock makes anonymous memory resident, pages of its own (Linux)', (t) => {
  using map = MmapMut.anonymous(8 * PAGE);
  map.mlock();
  t.is(map.residency().residentPages, 8);
  map.munlock();
});

onLinux('closing unlocks (Linux: VmLck)', (t) => {
  const answer = inChild(
    `
    const locked = () => Number(/VmLck:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'latin1'))[1]);
    const before = locked();
    const map = memmap.MmapMut.open(file);
    map.buffer;
    map.mlock();
    const during = locked();
    map.close();
    done([during - before, locked() - before]);`,
    diskFile(t, 8 * PAGE),
  );
  t.deepEqual(answer, [32, 0]);
});

onLinux('mlock names the limit where it is too low (Linux: RLIMIT_MEMLOCK)', (t) => {
  const answer = inChild(
    `
    const maps = [memmap.Mmap.open(file), memmap.MmapMut.open(file)];
    // Root may lock without a limit.
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const errors = maps.map((map) => caught(() => map.mlock()));
    maps[0].mlock(0, 4096);
    done(errors);`,
    diskFile(t, 256 * 1024),
    ['sh', '-c', 'ulimit -l 64; exec "$@"', 'sh', process.execPath],
  ) as Caught[];
  t.is(answer.length, 2);
  for (const error of answer) {
    t.is(error.code, 'ENOMEM');
    t.is(error.syscall, 'mlock');
    t.regex(error.message, /262144 bytes were to be locked, and RLIMIT_MEMLOCK allows .* 65536/);
  }
});

onLinux('mlock of truncated bytes reports the truncation, not the limit (Linux)', (t) => {
  for (const kind of [Mmap, MmapMut, MmapCow]) {
    const path = diskFile(t, 8 * PAGE);
    using map = kind.open(path);
    truncateSync(path, PAGE);
    t.throws(() => map.mlock(), { code: 'ERR_MMAP_TRUNCATED' }, kind.name);
  }
});

test('locks check their range and the state of the map', (t) => {
  const map = Mmap.open(diskFile(t, 10));
  t.throws(() => map.mlock(0, 11), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.munlock(11), { code: 'ERR_OUT_OF_RANGE' });
  map.mlock(10);
  map.munlock();
  map.close();
  t.throws(() => map.mlock(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => map.munlock(), { code: 'ERR_MMAP_CLOSED' });
});
