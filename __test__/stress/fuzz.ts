/**
 * Plays random sequences of the whole API with everything that could disturb it: `node --expose-gc
 * fuzz.js SEED STEPS`. The process must not die, every error must be one of those promised, what
 * `fuzz/checks.ts` watches must stay right, no lost byte may pass for an answer, no lock may have two
 * owners, no promise may stay pending, and no descriptor and no kernel map may be left. With the same
 * seed the same steps are played; what other threads do meanwhile differs.
 */
import assert from 'node:assert';
import { truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { collectUntil } from '../helpers/garbage';
import { descriptors, kernelMaps } from '../helpers/kernel';
import { until } from '../helpers/until';
import { buffering, closeFifos } from './fuzz/buffers';
import { closeLocks, locking } from './fuzz/locks';
import { opening } from './fuzz/opening';
import { paging } from './fuzz/paging';
import { dropReadings, reading } from './fuzz/reading';
import { dropMatches, searching } from './fuzz/searching';
import { closeTexts } from './fuzz/text';
import {
  type Action,
  allow,
  buffers,
  canaries,
  control,
  counts,
  files,
  LARGE,
  large,
  later,
  maps,
  models,
  pending,
  random,
  seed,
  steps,
} from './fuzz/world';

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { Mmap, MmapMut } = require(workerData.memmap);
  try {
    const map = workerData.write ? MmapMut.open(workerData.path) : Mmap.open(workerData.path);
    let sum = 0;
    for (const byte of map.buffer) sum += byte;
    if (workerData.close) map.close();
  } catch (error) {
    if (!String(error.code).startsWith('ERR_')) throw error;
  }
  if (workerData.stay) setInterval(() => {}, 1000);`;

async function aWorker(): Promise<void> {
  const worker = new Worker(WORKER, {
    eval: true,
    workerData: {
      memmap: require.resolve('memmap'),
      path: random.pick(files),
      write: random.below(2) === 0,
      close: random.below(2) === 0,
      stay: random.below(2) === 0,
    },
  });
  // The moment of its end is what the seed picks.
  const stop = setTimeout(() => worker.terminate(), random.below(30));
  await new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
  clearTimeout(stop);
}

const checking: Action[] = [
  [10, () => random.pick(models).change()],
  [2, () => random.pick(models).check()],
  [1, () => control.check()],
  [4, () => canaries.add()],
  [2, () => Reflect.get(globalThis, 'gc')?.()],
  [10, () => new Promise((resolve) => setImmediate(resolve))],
];

const actions = [
  ...[...opening, ...paging, ...buffering, ...checking],
  ...[...reading, ...searching, ...locking],
];
const drawn = actions.flatMap(([weight, action]) => Array<() => unknown>(weight).fill(action));

/** Closes and drops everything, and looks at what is left. */
async function end(): Promise<void> {
  await closeLocks();
  await until(() => pending.size === 0, 'every promise is settled');
  control.check();
  canaries.check();
  for (const model of models) model.check();
  for (const closing of [...maps.splice(0), ...models, control]) closing.close();
  closeTexts();
  closeFifos();
  dropReadings();
  dropMatches();
  buffers.length = 0;
  if (process.platform !== 'linux') return;
  const folder = dirname(large);
  const left = () => [...kernelMaps(), ...descriptors()].filter((one) => one.includes(folder));
  try {
    await collectUntil(() => left().length === 0, 'no mapping and no descriptor of a file is left');
  } catch (cause) {
    throw new Error(`left: ${left().join('\n')}`, { cause });
  }
}

let step = 0;

async function main(): Promise<void> {
  for (const path of files) writeFileSync(path, Buffer.alloc(100_000, 1));
  writeFileSync(large, '');
  truncateSync(large, LARGE);
  for (; step < steps; step++) {
    try {
      await random.pick(drawn)();
    } catch (error) {
      allow(error);
    }
    if (random.below(500) === 0) later(aWorker());
    if (pending.size > 40) await Promise.race(pending);
  }
  await end();
  assert.strictEqual(step, steps);
  const tally = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, times]) => `${times} ${what}`);
  console.log(tally.join(', '));
}

main().catch((error) => {
  console.error(`fuzz.js ${seed} ${steps}: step ${step}`);
  console.error(error);
  process.exit(1);
});
