/**
 * Threads that meet: at a barrier, with parties that give up, and at a condition, with waiters that
 * give up. Each party of a round has its own number, nothing hangs, and as many waiters wake as were
 * notified.
 */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { MmapMut } from 'memmap';
import { Barrier, Condition, Mutex } from 'memmap/sync';
import { startWorker } from '../helpers/processes';
import { newPath } from '../helpers/scratch';
import { until } from '../helpers/until';
import type { Scenario, StressOptions } from './scenario';

const WORKERS = 3;

/** Words of the shared file, behind those of the primitives. */
const WORDS = 256;
const PASSED = 0;
const GAVE_UP = PASSED + WORKERS;
const WOKEN = GAVE_UP + 1;
const STOP = WOKEN + 1;

const RANDOM = (seed: number) => `
  const words = map.view(Int32Array, ${WORDS}, 16);
  let random = ${seed};
  const below = (limit) => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    return (random >>> 8) % limit;
  };
  const limits = () => (below(3) === 0 ? { timeout: below(4) / 2 } : undefined);
  const abort = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), below(4));
    return { signal: controller.signal };
  };
  const expected = ['ERR_MMAP_TIMEOUT', 'ABORT_ERR'];`;

const ARRIVE = (seed: number) => `${RANDOM(seed)}
  const barrier = new sync.Barrier(map, 0, ${WORKERS});
  for (;;) {
    try {
      const way = below(3);
      const number = way === 0 ? barrier.waitSync(limits())
        : await barrier.wait(way === 1 ? limits() : abort());
      Atomics.add(words, ${PASSED} + number, 1);
    } catch (error) {
      if (error.code === 'ERR_MMAP_BROKEN') process.exit();
      if (!expected.includes(error.code)) throw error;
      Atomics.add(words, ${GAVE_UP}, 1);
    }
  }`;

const WAIT = (seed: number) => `${RANDOM(seed)}
  const mutex = new sync.Mutex(map, 0);
  const condition = new sync.Condition(map, 8);
  while (Atomics.load(words, ${STOP}) === 0) {
    turn: {
      const guard = await mutex.lock();
      try {
        if (Atomics.load(words, ${STOP}) !== 0) break turn;
        const way = below(3);
        if (way === 0) condition.waitSync(guard, limits());
        else await condition.wait(guard, way === 1 ? limits() : abort());
        Atomics.add(words, ${WOKEN}, 1);
      } catch (error) {
        if (!expected.includes(error.code)) throw error;
        Atomics.add(words, ${GAVE_UP}, 1);
      } finally {
        guard.unlock();
      }
    }
  }`;

/** Has workers play while `direct` does, and awaits their end; what one of them throws is thrown. */
async function play(
  { random }: StressOptions,
  code: (seed: number) => string,
  direct: (map: MmapMut, words: Int32Array) => Promise<void>,
): Promise<Int32Array> {
  const path = newPath();
  const map = MmapMut.create(path, 4096);
  const words = map.view(Int32Array, WORDS, 16);
  const workers: Worker[] = [];
  try {
    for (let i = 0; i < WORKERS; i++) workers.push(startWorker(path, code(random.below(2 ** 31))));
    const ends = Promise.all(workers.map((worker) => once(worker, 'exit')));
    await Promise.race([direct(map, words), ends]);
    await ends;
    return words.slice();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    map.close();
    rmSync(path);
  }
}

async function barriers(options: StressOptions): Promise<void> {
  const words = await play(options, ARRIVE, async (map, counts) => {
    const done = () => (counts[PASSED] ?? 0) >= options.size;
    await until(done, 'the parties pass the barrier');
    new Barrier(map, 0, WORKERS).abort();
  });
  const passed = [...words.subarray(PASSED, PASSED + WORKERS)];
  // In the last round, which the abort ended, a party may have come late to its number.
  const spread = Math.max(...passed) - Math.min(...passed);
  assert(spread <= 1, `numbers were given out unequally: ${passed}`);
  options.log(`Barrier: ${passed[0]} rounds, ${words[GAVE_UP]} parties gave up`);
}

async function conditions(options: StressOptions): Promise<void> {
  let notified = 0;
  const words = await play(options, WAIT, async (map, counts) => {
    const mutex = new Mutex(map, 0);
    const condition = new Condition(map, 8);
    const state = map.view(Int32Array, 12, 1);
    for (let round = 0; round < options.size; round++) {
      const hasWaiter = () => (Atomics.load(state, 0) & 0xffff) > Atomics.load(state, 0) >>> 16;
      await until(hasWaiter, 'there is a waiter');
      const guard = await mutex.lock();
      const waiting = Atomics.load(state, 0);
      const count = 1 + options.random.below(WORKERS);
      notified += Math.min(count, (waiting & 0xffff) - (waiting >>> 16));
      condition.notify(count);
      guard.unlock();
      if (options.random.below(2) === 0) continue;
      await until(() => Atomics.load(state, 0) >>> 16 === 0, 'the waiters that were notified wake');
    }
    Atomics.store(counts, STOP, 1);
    // Workers may just begin to wait.
    await until(() => {
      condition.notifyAll();
      return Atomics.load(state, 0) === 0;
    }, 'no waiter is left');
  });
  // One that gives up at this moment leaves its wake to another waiter, or to none.
  assert((words[WOKEN] ?? 0) <= notified + WORKERS, `${words[WOKEN]} woke, ${notified} notified`);
  options.log(`Condition: ${words[WOKEN]} woken, ${words[GAVE_UP]} waiters gave up`);
}

/** Barriers and conditions with cancellation. */
export const rendezvous: Scenario = {
  name: 'rendezvous',
  smallSize: 300,
  fullSize: 10_000,
  async run(options) {
    await barriers(options);
    await conditions(options);
  },
};
