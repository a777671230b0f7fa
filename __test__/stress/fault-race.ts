/**
 * Threads touch, close and reopen maps of one file while another process truncates it and lets it
 * regrow: `node fault-race.js SEED ROUNDS`. Every access must show the file's bytes or zeros, every
 * error must be one of those promised, and a map of another file must stay as it is.
 */
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
import { Random } from '../helpers/random';
import { newFile } from '../helpers/scratch';

const LENGTH = 1 << 20;
const THREADS = 3;
const ALLOWED = new Set([
  'ERR_MMAP_TRUNCATED',
  'ERR_MMAP_READ_ONLY',
  'ERR_MMAP_CLOSED',
  'ERR_OUT_OF_RANGE',
]);

/** Truncates and lengthens the file until it is killed. New bytes are zeros. */
function truncateForever(path: string, seed: number): void {
  const random = new Random(seed);
  const file = openSync(path, 'r+');
  while (process.ppid !== 1) {
    for (let count = 0; count < 1000; count++) {
      ftruncateSync(file, random.below(LENGTH));
      ftruncateSync(file, LENGTH);
    }
  }
  closeSync(file);
}

function allow(error: unknown): void {
  const code: unknown = error instanceof Error && Reflect.get(error, 'code');
  const known = error instanceof MmapError || error instanceof RangeError;
  if (!known || typeof code !== 'string' || !ALLOWED.has(code)) throw error;
}

/** One life of a map: opened, touched here and there, closed. */
function round(random: Random, path: string): void {
  const kind = random.pick([Mmap, MmapCow, MmapMut]);
  const map = kind.open(path);
  try {
    const { buffer } = map;
    for (let count = random.below(200); count > 0; count--) {
      const at = random.below(buffer.length);
      // Zero in the file, or a hole; 1 only where a map of this kind was written to.
      const byte = buffer[at] ?? 0;
      assert(byte === 0 || byte === 1, `byte ${at} is ${byte}`);
      if (random.below(8) === 0) buffer[at] = 1;
      if (random.below(50) === 0) map.refresh();
      if (random.below(50) === 0) map.subarray(at).indexOf(7);
      if (map instanceof MmapMut && random.below(100) === 0) map.write('\x01', at);
      if (map instanceof MmapMut && random.below(400) === 0) map.flush().catch(allow);
    }
  } catch (error) {
    allow(error);
  }
  map.close();
}

function work(path: string, seed: number, rounds: number): void {
  const random = new Random(seed);
  for (let count = 0; count < rounds; count++) {
    try {
      round(random, path);
    } catch (error) {
      // The file may be truncated between being measured and being mapped.
      allow(error);
    }
  }
}

async function main(seed: number, rounds: number): Promise<void> {
  const path = newFile(LENGTH, 0);
  const other = newFile(LENGTH, 5);
  const control = Mmap.open(other);
  const truncater = spawn(process.execPath, [__filename, 'truncate', path, String(seed)], {
    stdio: 'inherit',
  });
  try {
    const threads = Array.from({ length: THREADS }, (_, index) => {
      const data = { path, seed: seed + index + 1, rounds: Math.ceil(rounds / THREADS) };
      const worker = new Worker(__filename, { workerData: data });
      return new Promise<number>((resolve, reject) => {
        worker.on('error', reject).on('exit', resolve);
      });
    });
    assert.deepStrictEqual(await Promise.all(threads), Array(THREADS).fill(0));
  } finally {
    truncater.kill('SIGKILL');
  }
  assert(control.buffer.equals(Buffer.alloc(LENGTH, 5)));
  assert.strictEqual(control.faults.truncated, false);
  control.close();
}

const [, , first = '1', second = '1000', third = '1'] = process.argv;
if (!isMainThread) work(workerData.path, workerData.seed, workerData.rounds);
else if (first === 'truncate') truncateForever(second, Number(third));
else main(Number(first), Number(second));
