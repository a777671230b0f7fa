/** JavaScript writes into the Buffer of a read-only map. */
import assert from 'node:assert';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { type Faults, Mmap } from 'memmap';
import { kernelMaps } from '../helpers/kernel';
import { isEmulated } from '../helpers/patience';
import { newFile, newPath } from '../helpers/scratch';
import { until } from '../helpers/until';
import { consistsOf, play } from './tools';

const PAGE = 4096;

const scenarios: Record<string, () => unknown> = {
  once: async () => {
    const path = newFile(10 * PAGE, 1);
    const { mtimeMs } = statSync(path);
    const told: Faults[] = [];
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const map = Mmap.open(path, { onFault: (faults) => told.push(faults) });
    const { buffer } = map;
    buffer[3 * PAGE] = 2;
    assert.strictEqual(buffer[3 * PAGE], 2);
    buffer[3 * PAGE + 1] = 2;
    buffer.fill(2, 5 * PAGE, 5 * PAGE + 1);
    await until(() => told.length > 0 && warnings.length > 0, 'the listeners are called');
    assert.strictEqual(map.faults.strayWrites, 2);
    // Once, and then the map goes on.
    assert.throws(() => map.subarray(0, 1), { code: 'ERR_MMAP_READ_ONLY', message: /2 pages/ });
    assert.strictEqual(map.subarray(0, 1)[0], 1);
    buffer[7 * PAGE] = 2;
    assert.throws(() => map.buffer, { code: 'ERR_MMAP_READ_ONLY' });
    assert.strictEqual(map.buffer, buffer);
    assert.deepStrictEqual(
      warnings.map((warning) => Reflect.get(warning, 'code')),
      ['ERR_MMAP_READ_ONLY'],
    );
    assert(consistsOf(readFileSync(path), 1));
    assert.strictEqual(statSync(path).mtimeMs, mtimeMs);
    // Refreshing drops what was scribbled.
    assert.strictEqual(map.refresh(), true);
    assert.strictEqual(map.faults.strayWrites, 0);
    assert(consistsOf(map.buffer, 1));
  },

  'kept up to date': () => {
    const path = newFile(10 * PAGE, 1);
    const map = Mmap.open(path);
    const { buffer } = map;
    buffer[0] = 2;
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(10 * PAGE, 3));
    closeSync(file);
    // The page that was scribbled on is private, the others go on showing the file.
    assert.deepStrictEqual([buffer[0], buffer[1]], [2, 1]);
    assert(consistsOf(buffer.subarray(PAGE), 3));
  },

  'many maps': () => {
    const path = newFile(512 * PAGE);
    const before = kernelMaps().length;
    const maps = Array.from({ length: 200 }, () => Mmap.open(path));
    for (const { buffer } of maps) {
      for (let at = 0; at < buffer.length; at += 2 * PAGE) buffer[at] = 7;
    }
    const grown = kernelMaps().length - before;
    assert(grown < 20_000, `200 maps became ${grown} kernel maps`);
    for (const map of maps) {
      assert(map.faults.strayWrites > 0);
      map.close();
    }
    // What closed maps have cost counts no more.
    const map = Mmap.open(path);
    const { buffer } = map;
    for (let at = 0; at < 20 * PAGE; at += 2 * PAGE) buffer[at] = 7;
    assert.strictEqual(map.faults.strayWrites, 10);
  },

  many: () => {
    // Each page that differs from its neighbours could cost a kernel map, of which there are few.
    const path = newPath();
    const file = openSync(path, 'w');
    const size = 2 ** 31;
    // A quarter of a million pages, or a million: a process may have 65,530 kernel maps.
    const length = isEmulated ? size : 4 * size;
    ftruncateSync(file, length);
    closeSync(file);
    let written = 0;
    for (let offset = 0; offset < length; offset += size) {
      const map = Mmap.open(path, { offset, length: size });
      const { buffer } = map;
      for (let at = 0; at < buffer.length; at += 2 * PAGE) {
        buffer[at] = 7;
        written++;
      }
      assert(kernelMaps().length < 20_000, 'nearly out of kernel maps');
      assert(map.faults.strayWrites > 256);
      map.close();
    }
    assert.strictEqual(written, length / (2 * PAGE));
    assert.strictEqual(statSync(path).blocks, 0);
  },
};

play(scenarios);
