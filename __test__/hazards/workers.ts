/**
 * Workers that load the addon by themselves and end in several ways while they hold maps. The main
 * thread loads it never ("alone") or first ("beside").
 */
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { collect } from '../helpers/garbage';
import { mapsOf } from '../helpers/kernel';
import { isEmulated } from '../helpers/patience';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

const LENGTH = 4 << 20;
const IN_PARALLEL = 4;
// An emulator takes seconds to start one.
const ROUNDS = isEmulated ? 1 : 4;

/** How a worker ends. */
const ENDS = ['return', 'exit', 'throw', 'terminate'];

async function endOne(path: string, end: string): Promise<void> {
  const worker = new Worker(require.resolve('./worker'), { workerData: { path, end } });
  const ready = new Promise((resolve) => worker.once('message', resolve));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const failed = new Promise<Error>((resolve) => worker.once('error', resolve));
  assert.strictEqual(await ready, LENGTH);
  if (end === 'terminate') await worker.terminate();
  if (end === 'throw') assert.match((await failed).message, /on purpose/);
  await ended;
}

async function main(how: string): Promise<void> {
  const path = newFile(LENGTH);
  if (how === 'beside') require('memmap').MmapMut.open(path).buffer.fill(0x61, 0, 1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const end of ENDS) {
      await Promise.all(Array.from({ length: IN_PARALLEL }, () => endOne(path, end)));
    }
    await collect();
  }
  // The workers wrote, and what they wrote has reached the file.
  assert.strictEqual(readFileSync(path)[LENGTH - 1], 0x77);
  if (how === 'alone') {
    // The image stays although this thread never loaded it: finalizers may still run.
    if (process.platform === 'linux') assert(mapsOf('.node') > 0, 'the addon was unloaded');
    const { Mmap } = require('memmap') as typeof import('memmap');
    assert.strictEqual(Mmap.open(path).buffer[LENGTH - 1], 0x77);
  }
  survived();
}

main(process.argv[2] ?? 'alone');
