/**
 * What garbage collection does to maps that are dropped and Buffers that are kept. Linux only:
 * the kernel is asked what it still maps.
 */
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { collect, collectUntil } from '../helpers/garbage';
import { holds, mapsOf } from '../helpers/kernel';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 1 << 20;

const scenarios: Record<string, (path: string) => Promise<void>> = {
  'dropped maps': async (path) => {
    for (let count = 0; count < 20; count++) {
      Mmap.open(path);
      MmapMut.open(path).buffer.fill(0x61);
      MmapCow.open(path).subarray(1, 2);
    }
    assert(mapsOf(path) > 0);
    await collectUntil(() => !holds(path), 'dropped maps are still mapped or open');
  },

  'kept Buffer': async (path) => {
    const kept: Buffer[] = [];
    kept.push(MmapMut.open(path).subarray(10, 20));
    await collect();
    await collect();
    assert.strictEqual(mapsOf(path), 1);
    kept[0]?.fill(0x62);
    assert.strictEqual(readFileSync(path).toString('latin1', 8, 22), 'aabbbbbbbbbbaa');
    kept.length = 0;
    await collectUntil(() => !holds(path), 'the last Buffer is gone and the file still mapped');
  },

  'kept typed array': async (path) => {
    const kept: unknown[] = [MmapMut.open(path).view(Float64Array, 8, 4)];
    await collect();
    await collect();
    assert.strictEqual(mapsOf(path), 1);
    kept[0] = MmapMut.open(path).dataView(3);
    await collectUntil(() => mapsOf(path) === 1, 'the typed array is gone and its map is not');
    kept.length = 0;
    await collectUntil(() => !holds(path), 'the DataView is gone and the file still mapped');
  },

  'closed maps with kept Buffers': async (path) => {
    const kept: Buffer[] = [];
    for (let count = 0; count < 20; count++) {
      const map = MmapMut.open(path);
      kept.push(map.buffer);
      map.close();
      assert(!holds(path), 'a closed map keeps its file mapped or open');
    }
    assert(kept.every((buffer) => buffer.length === 0));
    await collect();
    assert(consistsOf(readFileSync(path), 0x61));
  },

  'flush of a dropped map': async (path) => {
    const map = MmapMut.open(path);
    map.buffer.fill(0x63);
    const flushed = map.flush();
    await collect();
    await flushed;
    assert(consistsOf(readFileSync(path), 0x63));
  },

  // What is made for the first promise of a thread serves all later ones, and must not keep that map.
  'the first search of a thread': async (path) => {
    assert.strictEqual(await Mmap.open(path).count('b'), 0);
    await collectUntil(() => !holds(path), 'the first map that was searched is never collected');
  },

  'the first wait of a thread': async (path) => {
    const wait = async () => {
      const word = MmapMut.open(path).atomic(0);
      await word.waitAsync(word.load(), { timeout: 1 });
    };
    await wait();
    await collectUntil(() => !holds(path), 'the first map that was waited for is never collected');
  },

  'a signal that lives on': async (path) => {
    const { signal } = new AbortController();
    assert.strictEqual(await Mmap.open(path).count('b', { signal }), 0);
    await collectUntil(() => !holds(path), 'a signal keeps the first map that was used with it');
    assert(!signal.aborted);
  },
};

async function main(): Promise<void> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    await scenario(newFile(LENGTH)).catch((error) => {
      throw new Error(name, { cause: error });
    });
  }
  survived();
}

main();
