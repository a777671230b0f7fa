/**
 * Memory of its own that a process may have is limited (`ulimit -d`): patches of large maps do not
 * fit, and must be smaller. Linux only.
 */
import assert from 'node:assert';
import { closeSync, ftruncateSync, openSync, truncateSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { descriptorsOf, mapsOf } from '../helpers/kernel';
import { newPath } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const PAGE = 4096;
/** More than the limit. */
const LENGTH = 3 * 2 ** 30;

const path = newPath();
const file = openSync(path, 'w');
ftruncateSync(file, LENGTH);
closeSync(file);

/** The runtime must have room left, too. */
function useMemory(): void {
  const blocks = Array.from({ length: 32 }, () => Buffer.alloc(1 << 20, 1));
  assert(blocks.every((block) => block[0] === 1));
}

const scenarios: Record<string, () => unknown> = {
  'stray writes': () => {
    const map = Mmap.open(path);
    const { buffer } = map;
    for (let count = 0; count < 300; count++) {
      const at = LENGTH - PAGE - count * 1000 * PAGE;
      buffer[at] = count;
      assert.strictEqual(buffer[at], count & 255);
    }
    useMemory();
    assert(map.faults.strayWrites > 256);
    map.close();
  },

  'truncated tail': () => {
    for (const kind of [Mmap, MmapMut]) {
      truncateSync(path, LENGTH);
      const map = kind.open(path);
      const { buffer } = map;
      truncateSync(path, PAGE);
      assert.strictEqual(buffer[LENGTH - 1], 0);
      assert.strictEqual(map.faults.lostFrom, PAGE);
      for (let at = LENGTH - PAGE; at > PAGE; at -= LENGTH / 64) {
        buffer[at] = 7;
        assert.strictEqual(buffer[at], 7);
      }
      useMemory();
      map.close();
    }
  },

  close: async () => {
    const map = MmapMut.open(path);
    const { buffer } = map;
    buffer[0] = 1;
    assert(buffer.buffer instanceof ArrayBuffer);
    // Moved away, closing cannot detach it: what is written to it then must go nowhere.
    const stolen = Reflect.get(buffer.buffer, 'transfer')?.call(buffer.buffer);
    map.close();
    assert.deepStrictEqual([mapsOf(path), descriptorsOf(path)], [0, 0], 'the file is still in use');
    if (stolen !== undefined) {
      const bytes = new Uint8Array(stolen);
      assert.strictEqual(bytes[0], 0);
      for (let at = 0; at < LENGTH; at += LENGTH / 64) bytes[at] = 2;
      assert.strictEqual(bytes[0], 2);
    }
    useMemory();
    const other = MmapCow.open(path, { length: PAGE });
    assert.strictEqual(other.buffer[0], 1, 'a write after close reached the file');
    assert(consistsOf(other.buffer.subarray(1), 0));
  },
};

const run = scenarios[process.argv[2] ?? ''];
assert(run, 'no such scenario');
Promise.resolve(run()).then(survived);
