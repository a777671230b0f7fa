/**
 * Threads take locks in a file that another thread truncates under them: `node lock-race.js SEED
 * ROUNDS`. No lock may have two owners, and none may be taken in bytes that are lost. The owners
 * are noted in memory that no file is behind.
 */
import assert from 'node:assert';
import { truncateSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { MmapError, MmapMut } from 'memmap';
import { Mutex, RwLock, Semaphore } from 'memmap/sync';
import { Random } from '../helpers/random';
import { newFile } from '../helpers/scratch';
import { until } from '../helpers/until';

const THREADS = 3;
const LENGTH = 4096;

/** Words of the shared memory. */
const LOST = 0;
const TAKEN = 1;
const ENDED = 2;
const TWO_OWNERS = 3;
const TAKEN_WHEN_LOST = 4;
const READY = 5;
/** One word a lock: the thread that owns it. */
const OWNERS = 8;

interface Task {
  path: string;
  seed: number;
  shared: SharedArrayBuffer;
}

type Guard = { unlock(): void } | { release(): void };

/** Each lock, by how it is taken by one owner alone. */
function locks(map: MmapMut): (() => Guard | null | Promise<Guard>)[][] {
  const mutex = new Mutex(map, 0);
  const rwLock = new RwLock(map, 512);
  const semaphore = new Semaphore(map, 1024, 1);
  const limit = { timeout: 20 };
  return [
    [() => mutex.tryLock(), () => mutex.lockSync(limit), () => mutex.lock(limit)],
    [() => rwLock.tryWrite(), () => rwLock.writeSync(limit), () => rwLock.write(limit)],
    [
      () => semaphore.tryAcquire(),
      () => semaphore.acquireSync(limit),
      () => semaphore.acquire(limit),
    ],
  ];
}

/** Takes and releases locks until one says that its bytes are lost. */
async function contend({ path, seed, shared }: Task): Promise<void> {
  const random = new Random(seed);
  const words = new Int32Array(shared);
  const map = MmapMut.open(path);
  const all = locks(map);
  Atomics.add(words, READY, 1);
  // Without an error it ends some time after the bytes are lost, and the round counts what it took.
  for (let afterwards = 0; afterwards < 50; ) {
    const index = random.below(all.length);
    const wasLost = Atomics.load(words, LOST) === 1;
    if (wasLost) afterwards++;
    try {
      const guard: Guard | null = await random.pick(all[index] ?? [])();
      if (guard === null) continue;
      if (wasLost) Atomics.add(words, TAKEN_WHEN_LOST, 1);
      if (Atomics.add(words, OWNERS + index, 1) !== 0) Atomics.add(words, TWO_OWNERS, 1);
      Atomics.add(words, TAKEN, 1);
      for (let spin = random.below(2000); spin > 0; spin--) Atomics.load(words, OWNERS + index);
      Atomics.sub(words, OWNERS + index, 1);
      'unlock' in guard ? guard.unlock() : guard.release();
    } catch (error) {
      if (!(error instanceof MmapError)) throw error;
      if (error.code === 'ERR_MMAP_TIMEOUT') continue;
      assert.strictEqual(error.code, 'ERR_MMAP_TRUNCATED');
      break;
    }
  }
  map.close();
  Atomics.add(words, ENDED, 1);
}

async function round(random: Random): Promise<number> {
  const path = newFile(LENGTH, 0);
  const shared = new SharedArrayBuffer(4 * 16);
  const words = new Int32Array(shared);
  const threads = Array.from({ length: THREADS }, () => {
    const workerData: Task = { path, seed: random.below(2 ** 31), shared };
    const worker = new Worker(__filename, { workerData });
    return new Promise<number>((resolve, reject) => {
      worker.on('error', reject).on('exit', resolve);
    });
  });
  const ended = Promise.all(threads);
  const wanted = 100 + random.below(2000);
  const isGoing = () => words[READY] === THREADS && (words[TAKEN] ?? 0) > wanted;
  await Promise.race([ended, until(isGoing, 'the locks are taken by all threads')]);
  truncateSync(path, 0);
  Atomics.store(words, LOST, 1);
  assert.deepStrictEqual(await ended, Array(THREADS).fill(0));
  assert.strictEqual(words[ENDED], THREADS);
  assert.strictEqual(words[TWO_OWNERS], 0, 'a lock had two owners');
  assert.strictEqual(words[TAKEN_WHEN_LOST], 0, 'a lock was taken in lost bytes');
  return words[TAKEN] ?? 0;
}

async function main(seed: number, rounds: number): Promise<void> {
  const random = new Random(seed);
  let taken = 0;
  for (let count = 0; count < rounds; count++) taken += await round(random);
  console.log(`${taken} locks taken`);
}

const [, , first = '1', second = '10'] = process.argv;
if (isMainThread) main(Number(first), Number(second));
else contend(workerData);
