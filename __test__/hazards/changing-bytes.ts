/**
 * Searches in bytes that another thread changes all the time. What is found is up to chance, but
 * each answer must lie within the map, in order, and no search may fail or write to stderr.
 */
import assert from 'node:assert';
import { Worker } from 'node:worker_threads';
import { Mmap, type Pattern } from 'memmap';
import { isEmulated } from '../helpers/patience';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

const LENGTH = 1 << 16;
const ROUNDS = isEmulated ? 4 : 15;

/** Expressions for each of the engine's ways to search: many read the bytes of a match again. */
const PATTERNS: Pattern[] = [
  /[a-c]+x[a-c]+/,
  /[a-c]{2,}[xy]/,
  /(a|b)x([a-c]+)y/,
  /[^x]+xyx/,
  /[a-c]+xx[a-c]*y/,
  /x[a-c]+$/m,
  /\b[a-c]+\b/,
  /ax|by|cx/,
  /(?:a[bx]*){3,}y/,
  'xy',
  ['xyx', 'axb', 'yx'],
];

/** Changes random bytes of a file until told to end. */
const WRITER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { MmapMut } = require(workerData.memmap);
  const map = MmapMut.open(workerData.path);
  const bytes = map.buffer;
  const end = new Int32Array(workerData.end);
  const alphabet = Buffer.from('aabbccxy \\n');
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8;
  parentPort.postMessage('begun');
  while (Atomics.load(end, 0) === 0) {
    for (let turn = 0; turn < 10_000; turn++) {
      bytes[random() % bytes.length] = alphabet[random() % alphabet.length];
    }
  }
  map.close();`;

async function main(): Promise<void> {
  const path = newFile(LENGTH);
  const end = new SharedArrayBuffer(4);
  const flags = new Int32Array(end);
  const workerData = { path, end, memmap: require.resolve('memmap') };
  const writer = new Worker(WRITER, { eval: true, workerData });
  const ended = new Promise((resolve) => writer.on('exit', resolve));
  await new Promise((resolve) => writer.once('message', resolve));
  const map = Mmap.open(path);
  let found = 0;
  const check = (offsets: Iterable<[number, number]>) => {
    let last = 0;
    for (const [first, behind] of offsets) {
      assert(last <= first && first <= behind && behind <= LENGTH, `${first} to ${behind}`);
      last = behind;
      found++;
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const pattern of PATTERNS) {
      assert((await map.count(pattern)) <= LENGTH + 1);
      assert(map.countSync(pattern) <= LENGTH + 1);
      const offsets = await map.findAll(pattern);
      assert.deepStrictEqual(offsets, offsets.toSorted());
      for await (const { index, end } of map.scan(pattern)) check([[index, end]]);
      if (!(pattern instanceof RegExp)) continue;
      const matches = [...map.matchAll(pattern)];
      check(matches.map(({ index, end }) => [index, end]));
      for (const { index, end, indices } of matches) {
        for (const [first, behind] of indices.filter((group) => group !== undefined)) {
          assert(index <= first && first <= behind && behind <= end);
        }
      }
    }
  }
  assert(found > 1000, `only ${found} matches`);
  Atomics.store(flags, 0, 1);
  await ended;
  map.close();
  survived();
}

main();
