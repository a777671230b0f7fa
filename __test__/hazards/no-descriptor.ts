/** Maps that keep no descriptor of their file. */
import assert from 'node:assert';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { Mutex } from 'memmap/sync';
import { newFile, newPath, truncateElsewhere } from '../helpers/scratch';
import { play } from './tools';

const MAPS = 10_000;
const LENGTH = 64 << 10;
const withoutDescriptor = { keepDescriptor: false };
const unsupported = { code: 'ERR_MMAP_UNSUPPORTED', message: /keepDescriptor: false/ };

const scenarios: Record<string, () => unknown> = {
  /** As many as no process may have descriptors. */
  many: () => {
    const path = newPath();
    writeFileSync(path, 'a small file');
    const maps: Mmap[] = [];
    for (let index = 0; index < MAPS; index++) maps.push(Mmap.open(path, withoutDescriptor));
    for (const map of maps) assert.strictEqual(map.buffer.toString(), 'a small file');
    // Descriptors are left, of which maps that keep theirs soon use up the rest.
    closeSync(openSync(path, 'r'));
    const kept: Mmap[] = [];
    assert.throws(() => {
      for (let index = 0; index < MAPS; index++) kept.push(Mmap.open(path));
    }, /EMFILE/);
    for (const map of [...maps, ...kept]) map.close();
  },

  /** What works as on any map, and what is refused by name. */
  methods: async () => {
    for (const kind of [Mmap, MmapMut, MmapCow]) {
      const path = newFile(LENGTH);
      const map = kind.open(path, withoutDescriptor);
      assert.strictEqual(map.indexOf('aaa', 100), 100);
      assert.strictEqual(await map.count('a'), LENGTH);
      await map.prefetch();
      map.advise('random');
      assert.strictEqual(map.copy(Buffer.alloc(LENGTH)), LENGTH);
      assert.throws(() => map.refresh(), unsupported);
      assert.throws(() => map.fileSize, unsupported);
      assert.throws(() => map.replaced, unsupported);
      assert.throws(() => map.residency(), unsupported);
      assert.throws(() => map.descriptor(), unsupported);
      if (!(map instanceof MmapCow)) {
        await assert.rejects(async () => map.evict(), unsupported);
        assert.throws(() => map.evictSync(), unsupported);
      }
      if (map instanceof MmapMut) {
        assert.throws(() => map.flushSync(), unsupported);
        await assert.rejects(async () => map.flush(), unsupported);
        assert.throws(() => map.resize(10), unsupported);
        map.fill(0, 4096, 4104);
        new Mutex(map, 4096).lockSync().unlock();
        map.write('written', LENGTH - 7);
        assert.strictEqual(readFileSync(path).toString('latin1', LENGTH - 7), 'written');
      }
      // Nothing was lost by what was refused.
      assert.strictEqual(map.length, LENGTH);
      assert.strictEqual(map.buffer[8], 0x61);
      map.close();
    }
  },

  /** The guard cannot ask for the file's size. */
  truncated: () => {
    for (const kind of [Mmap, MmapMut, MmapCow]) {
      const path = newFile(LENGTH);
      const map = kind.open(path, withoutDescriptor);
      const { buffer } = map;
      truncateElsewhere(path, LENGTH / 2);
      assert.strictEqual(buffer[LENGTH - 1], 0);
      const { truncated, io } = map.faults;
      assert.strictEqual(truncated, false);
      assert(io !== null && io.start < LENGTH && io.end === LENGTH, `${io?.start} to ${io?.end}`);
      const lost = { code: 'ERR_MMAP_IO', message: /open the file again/ };
      assert.throws(() => map.indexOf('x'), lost);
      assert.throws(() => map.copy(Buffer.alloc(1)), lost);
      assert.throws(() => map.refresh(), unsupported);
      assert.strictEqual(buffer[0], 0x61);
      map.close();
    }
  },

  /** A call that reads lost bytes itself. */
  'lost bytes': async () => {
    const path = newFile(LENGTH);
    const lost = { code: 'ERR_MMAP_IO' };
    const calls: ((map: Mmap) => unknown)[] = [
      (map) => map.countSync('a'),
      (map) => map.count('a'),
      (map) => map.prefetch(),
      (map) => map.copy(Buffer.alloc(LENGTH)),
      (map) => [...map.lines()],
      // Elsewhere the system answers as for too low a limit.
      ...(process.platform === 'linux' ? [(map: Mmap) => map.mlock(0, 1)] : []),
    ];
    for (const call of calls) {
      writeFileSync(path, Buffer.alloc(LENGTH, 0x61));
      const map = Mmap.open(path, withoutDescriptor);
      truncateElsewhere(path, 0);
      await assert.rejects(async () => call(map), lost, String(call));
      map.close();
    }
  },

  'stray write': () => {
    const path = newFile(LENGTH);
    const map = Mmap.open(path, withoutDescriptor);
    map.buffer[10] = 1;
    assert.throws(() => map.indexOf('x'), { code: 'ERR_MMAP_READ_ONLY' });
    assert.strictEqual(map.faults.strayWrites, 1);
    assert.strictEqual(readFileSync(path)[10], 0x61);
    map.close();
  },
};

play(scenarios);
