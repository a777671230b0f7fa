/** Another process truncates a file under a live map; then the lost bytes are touched. */
import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gunzipSync, gzip } from 'node:zlib';
import { type Faults, Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
import { kernelMaps } from '../helpers/kernel';
import { errorsOf } from '../helpers/methods';
import { isEmulated } from '../helpers/patience';
import { newFile, truncateElsewhere } from '../helpers/scratch';
import { until } from '../helpers/until';
import { play } from './tools';

const LENGTH = 1 << 20;
const KEPT = 5000;

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let index = 0; index < bytes.length; index++) total += bytes[index] ?? Number.NaN;
  return total;
}

/** What is left of a file of 1s, as a map of its old length shows it. */
function truncated(): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  return bytes.fill(1, 0, KEPT);
}

/** Each way to read. Each gets a Buffer whose file has just been truncated. */
const readers: Record<string, (buffer: Buffer) => unknown> = {
  'a compiled loop': (buffer) => assert.strictEqual(sum(buffer), KEPT),
  'Buffer.indexOf': (buffer) => assert.strictEqual(buffer.indexOf(2), -1),
  'Buffer.equals': (buffer) => assert(buffer.equals(truncated())),
  'Buffer.toString': (buffer) =>
    assert.strictEqual(buffer.toString('latin1'), truncated().toString('latin1')),
  'a typed array': (buffer) => {
    const words = new Float64Array(buffer.buffer, buffer.byteOffset, LENGTH / 8);
    assert.strictEqual(words[LENGTH / 8 - 1], 0);
  },
  crypto: (buffer) => {
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    assert.strictEqual(hash(buffer), hash(truncated()));
  },
  'zlib on the pool': async (buffer) => {
    const packed = await promisify(gzip)(buffer);
    assert(gunzipSync(packed).equals(truncated()));
  },
};

const scenarios: Record<string, () => unknown> = {
  readers: async () => {
    // The loop is compiled before it meets the hole.
    for (let count = 0; count < 30; count++) sum(truncated());
    for (const [name, read] of Object.entries(readers)) {
      for (const kind of [Mmap, MmapMut, MmapCow]) {
        const path = newFile(LENGTH, 1);
        const map = kind.open(path);
        const { buffer } = map;
        assert.strictEqual(sum(buffer), LENGTH);
        truncateElsewhere(path, KEPT);
        await read(buffer);
        const lost = { truncated: true, lostFrom: KEPT, io: null, strayWrites: 0 };
        assert.deepStrictEqual(map.faults, lost, `${kind.name} ${name}`);
        map.close();
      }
    }
  },

  'every method': async () => {
    const path = newFile(LENGTH, 1);
    const map = MmapMut.open(path);
    const { buffer } = map;
    truncateElsewhere(path, KEPT);
    assert.strictEqual(buffer[LENGTH - 1], 0);
    const message =
      /truncated to 5000 bytes; the map covers 1048576, and those from byte 5000 on are lost/;
    for (const round of [1, 2]) {
      const errors = await errorsOf(map);
      assert(errors.size > 10);
      for (const [name, { error, worksLost }] of errors) {
        if (worksLost) continue;
        assert(error instanceof MmapError, `${name}, round ${round}: ${error}`);
        assert.strictEqual(error.code, 'ERR_MMAP_TRUNCATED', name);
        assert.match(error.message, message, name);
      }
      assert.strictEqual(map.length, LENGTH, `round ${round}`);
    }
    assert.strictEqual(map.refresh(), true);
    assert.strictEqual(map.length, KEPT);
    assert.deepStrictEqual(map.faults, {
      truncated: false,
      lostFrom: null,
      io: null,
      strayWrites: 0,
    });
    assert.strictEqual(sum(map.buffer), KEPT);
    map.close();
  },

  'native writes': () => {
    const path = newFile(LENGTH, 1);
    const map = MmapMut.open(path);
    truncateElsewhere(path, KEPT);
    assert.throws(() => map.write('lost', LENGTH - 10), { code: 'ERR_MMAP_TRUNCATED' });
    assert.strictEqual(statSync(path).size, KEPT);
    assert.strictEqual(map.refresh(), true);
    truncateElsewhere(path, 10);
    assert.throws(() => map.fill(2), { code: 'ERR_MMAP_TRUNCATED' });
    assert.deepStrictEqual(readFileSync(path), Buffer.alloc(10, 2));
  },

  searches: async () => {
    // Each searches the lost bytes natively, and must say so rather than answer.
    const searches: ((map: Mmap) => unknown)[] = [
      (map) => map.indexOf('~'),
      (map) => map.lastIndexOf('~'),
      (map) => map.countSync('~'),
      (map) => map.findAllSync(['~', '!']),
      (map) => map.exec(/~+/),
      (map) => [...map.matchAll(/~/)],
      (map) => [...map.lines()],
      (map) => map.lineCountSync(),
      (map) => map.lineIndexSync(),
      (map) => map.cursor().readLine(),
      (map) => map.count('~'),
      (map) => map.findAll(/~/),
      (map) => map.lineCount(),
      (map) => map.lineIndex(),
      (map) => map.prefetch(),
      async (map) => {
        for await (const match of map.scan('~')) assert.fail(`found ${match.index}`);
      },
    ];
    for (const [index, search] of searches.entries()) {
      const path = newFile(LENGTH, 1);
      const map = Mmap.open(path);
      truncateElsewhere(path, KEPT);
      const wanted = { code: 'ERR_MMAP_TRUNCATED' };
      await assert.rejects(async () => search(map), wanted, `search ${index}`);
      map.close();
    }
  },

  flush: async () => {
    // msync says that all is well; nothing is touched that could fault.
    const path = newFile(LENGTH, 1);
    const map = MmapMut.open(path);
    map.buffer[LENGTH - 1] = 2;
    truncateElsewhere(path, KEPT);
    assert.throws(() => map.flushSync(), { code: 'ERR_MMAP_TRUNCATED' });
    assert.throws(() => map.buffer, { code: 'ERR_MMAP_TRUNCATED' });
    map.refresh();
    truncateElsewhere(path, 1);
    await assert.rejects(map.flush(), { code: 'ERR_MMAP_TRUNCATED' });
  },

  worker: async () => {
    // A worker reads a map of its own; the main thread has none.
    const path = newFile(LENGTH, 1);
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { Mmap } = require(workerData.memmap);
      const map = Mmap.open(workerData.path, { onFault: (faults) => parentPort.postMessage(faults) });
      const { buffer } = map;
      parentPort.once('message', () => {
        let sum = 0;
        for (const byte of buffer) sum += byte;
        parentPort.postMessage(sum);
      });
      // A map that waits to be told of faults keeps no event loop alive.
      setInterval(() => {}, 1000);
      parentPort.postMessage('ready');`;
    const worker = new Worker(script, {
      eval: true,
      workerData: { path, memmap: require.resolve('memmap') },
    });
    const said: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message: unknown) => {
        said.push(message);
        if (message === 'ready') {
          truncateElsewhere(path, KEPT);
          worker.postMessage('go');
        }
        if (said.length === 3) resolve();
      });
    });
    assert.deepStrictEqual(said.slice(0, 2), ['ready', KEPT]);
    assert.strictEqual((said[2] as Faults).lostFrom, KEPT);
    await worker.terminate();
  },

  notified: async () => {
    const path = newFile(LENGTH, 1);
    const told: Faults[] = [];
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const map = Mmap.open(path, { onFault: (faults) => told.push(faults) });
    const other = Mmap.open(newFile(LENGTH, 3), { onFault: () => assert.fail('not this map') });
    const { buffer } = map;
    truncateElsewhere(path, KEPT);
    assert.strictEqual(buffer[LENGTH - 1], 0);
    const toldOf = (count: number) =>
      until(() => told.length === count, `the listener is called ${count} times`);
    await toldOf(1);
    await until(() => warnings.length > 0, 'the process is warned');
    assert.deepStrictEqual(told, [map.faults]);
    map.refresh();
    truncateElsewhere(path, 1);
    assert.strictEqual(map.faults.truncated, false);
    assert.strictEqual(map.subarray().indexOf(7), -1);
    await toldOf(2);
    // The file is truncated further while the first truncation is known.
    truncateElsewhere(path, LENGTH);
    assert.strictEqual(map.refresh(), true);
    const { buffer: longer } = map;
    truncateElsewhere(path, 5 * 65_536);
    assert.strictEqual(longer[LENGTH - 1], 0);
    await toldOf(3);
    truncateElsewhere(path, 65_536);
    assert.strictEqual(longer[65_536], 0);
    await toldOf(4);
    assert.deepStrictEqual(
      told.map(({ lostFrom }) => lostFrom),
      [KEPT, 1, 5 * 65_536, 65_536],
    );
    // One warning for the process, however many files are truncated.
    const codes = warnings.map((warning) => Reflect.get(warning, 'code'));
    assert.deepStrictEqual(codes, ['ERR_MMAP_TRUNCATED']);
    assert.match(warnings[0]?.message ?? '', /^memmap: a mapped file '.+' was truncated/);
    assert(warnings[0]?.message.includes(path), warnings[0]?.message);
    assert.strictEqual(sum(other.buffer), 3 * LENGTH);
  },

  'a listener that throws': async () => {
    const calls: number[] = [];
    const thrown: unknown[] = [];
    process.on('uncaughtException', (error) => thrown.push(error));
    const maps = [0, 1, 2].map((n) => {
      const path = newFile(LENGTH, 1);
      const onFault = () => {
        calls.push(n);
        throw new Error(`listener ${n}`);
      };
      const map = Mmap.open(path, { onFault });
      const { buffer } = map;
      truncateElsewhere(path, KEPT);
      return { map, buffer };
    });
    for (const { buffer } of maps) assert.strictEqual(buffer[LENGTH - 1], 0);
    await until(() => thrown.length === 3, 'each error is thrown');
    assert.deepStrictEqual([...calls].sort(), [0, 1, 2]);
    // Until here the maps are in use: the listener of a map that was collected is not called.
    for (const { map } of maps) map.close();
  },

  regrown: () => {
    const path = newFile(LENGTH, 1);
    const map = Mmap.open(path);
    const { buffer } = map;
    truncateSync(path, KEPT);
    writeFileSync(path, Buffer.alloc(LENGTH, 4));
    assert.strictEqual(sum(buffer), 4 * LENGTH);
    assert.deepStrictEqual(map.faults.truncated, false);
    assert.strictEqual(map.refresh(), false);
  },

  tail: () => {
    const path = newFile(64 << 20, 1);
    const map = Mmap.open(path);
    const { buffer } = map;
    truncateElsewhere(path, 1 << 20);
    const before = kernelMaps().length;
    assert.strictEqual(sum(buffer), 1 << 20);
    const grown = kernelMaps().length - before;
    // One for each page would be 16,128. An emulated runtime itself maps some memory meanwhile.
    assert(grown < (isEmulated ? 100 : 10), `a lost tail of 63 MiB cost ${grown} kernel maps`);
  },

  'middle of the file': () => {
    const path = newFile(LENGTH, 1);
    const map = Mmap.open(path, { offset: 4097, length: 20_000 });
    const { buffer } = map;
    assert.strictEqual(buffer.length, 20_000);
    truncateElsewhere(path, 10_000);
    assert.strictEqual(sum(buffer), 10_000 - 4097);
    assert.strictEqual(map.faults.lostFrom, 10_000 - 4097);
    truncateElsewhere(path, 100);
    assert.strictEqual(map.refresh(), true);
    assert.strictEqual(map.length, 0);
    truncateElsewhere(path, LENGTH);
    assert.strictEqual(map.refresh(), true);
    assert.strictEqual(map.length, 20_000);
  },
};

play(scenarios);
