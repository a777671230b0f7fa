/**
 * Creating where there is no room: all of it or nothing. The disk, a small file system of its own,
 * is given as last argument; the objects of shared memory are on a small file system, too.
 */
import assert from 'node:assert';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MmapMut } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import { play } from './tools';

const MIB = 2 ** 20;

play({
  /** A disk in memory of 1 MiB: a sparse file fits, its pages do not. */
  async populate(disk: string) {
    const path = join(disk, 'file');
    const options = { allocate: false, populate: true };
    assert.throws(() => MmapMut.create(path, 4 * MIB, options), { name: 'MmapError' });
    await assert.rejects(MmapMut.createAsync(path, 4 * MIB, options), { name: 'MmapError' });
    assert.deepStrictEqual(readdirSync(disk), []);
    writeFileSync(path, 'old');
    const overwrite = { ...options, overwrite: true };
    assert.throws(() => MmapMut.create(path, 4 * MIB, overwrite), { name: 'MmapError' });
    assert.throws(() => MmapMut.create(path, 4 * MIB, { overwrite: true }), { code: 'ENOSPC' });
    assert.deepStrictEqual(readdirSync(disk), ['file']);
    assert.strictEqual(readFileSync(path, 'latin1'), 'old');
    using map = MmapMut.create(path, 4096, overwrite);
    assert.strictEqual(map.length, 4096);
    assert.deepStrictEqual(readdirSync(disk), ['file']);
  },

  /** `/dev/shm` has 1 MiB. */
  async 'shared memory'() {
    const before = readdirSync('/dev/shm');
    assert.throws(() => SharedMemory.create('large', 4 * MIB), { code: 'ENOSPC' });
    await assert.rejects(SharedMemory.createAsync('large', 4 * MIB), { code: 'ENOSPC' });
    assert.deepStrictEqual(readdirSync('/dev/shm'), before);
    using memory = SharedMemory.create('small', 4096, { populate: true });
    assert.throws(() => SharedMemory.create('small', 4096), { code: 'EEXIST' });
    assert.deepStrictEqual(readdirSync('/dev/shm'), [...before, 'small']);
    assert.deepStrictEqual(SharedMemory.list(), ['small']);
    assert.strictEqual(memory.length, 4096);
    assert.match(String(memory.descriptor().path), /small$/);
    SharedMemory.unlink('small');
  },

  /** An ext2 of 4 MiB, which has no fallocate(2): zeros are written instead. */
  async 'no fallocate'(disk: string) {
    const path = join(disk, 'file');
    for (const length of [100 * MIB, 8192 * MIB]) {
      assert.throws(() => MmapMut.create(path, length), { code: 'ENOSPC' });
      assert(!existsSync(path));
    }
    const map = MmapMut.create(path, MIB);
    assert(statSync(path).blocks * 512 >= MIB);
    assert(map.buffer.equals(Buffer.alloc(MIB)));
    map.write('kept');
    assert.throws(() => map.resize(100 * MIB), { code: 'ENOSPC' });
    await assert.rejects(map.resizeAsync(100 * MIB), { code: 'ENOSPC' });
    assert.strictEqual(statSync(path).size, MIB);
    await map.resizeAsync(2 * MIB);
    assert.strictEqual(map.buffer.toString('latin1', 0, 4), 'kept');
    assert(statSync(path).blocks * 512 >= 2 * MIB);
    map.close();
  },
});
