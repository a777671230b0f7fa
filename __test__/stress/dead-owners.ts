/**
 * Processes and workers that die at random points of locking, of what they do under the lock, and of
 * unlocking: the others must go on, never two at once, and be told.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { MmapMut } from 'memmap';
import { script } from '../helpers/processes';
import { newPath } from '../helpers/scratch';
import { until } from '../helpers/until';
import { type Scenario, type StressOptions, THREADS_UNSEEN } from './scenario';

/** How many contend. */
const CONTENDERS = 4;

/** Words of the shared file. */
const OWNER = 0;
const BEFORE = 1;
const AFTER = 2;
const ERRORS = 3;
const TOLD = 4;
const UNTOLD = 5;

/**
 * Takes one of the locks again and again. The owner puts its mark into OWNER, which must be 0,
 * unless the one before died with it, which must have been told.
 */
function contend(kind: string, seed: number): string {
  const lock = {
    mutex: `const lock = new sync.Mutex(map, 64);
      const take = { sync: () => lock.lockSync(), async: () => lock.lock(), try: () => lock.tryLock() };`,
    rwlock: `const lock = new sync.RwLock(map, 64);
      const take = { sync: () => lock.writeSync(), async: () => lock.write(), try: () => lock.tryWrite() };`,
    semaphore: `const lock = new sync.Semaphore(map, 64, 1);
      const take = { sync: () => lock.acquireSync(), async: () => lock.acquire(), try: () => lock.tryAcquire() };`,
  }[kind];
  return `${lock}
    const words = map.view(Int32Array, 0, 8);
    const parent = process.ppid;
    let random = ${seed};
    const below = (limit) => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return (random >>> 8) % limit;
    };
    for (let i = 0; ; i++) {
      const how = below(3);
      const guard = how === 0 ? take.sync() : how === 1 ? await take.async() : take.try();
      if (guard === null) { if (below(4) === 0) await turns(1); continue; }
      const before = Atomics.exchange(words, ${OWNER}, 1);
      if (guard.abandoned) Atomics.add(words, ${TOLD}, 1);
      if (before !== 0 && !guard.abandoned) Atomics.add(words, ${UNTOLD}, 1);
      if (guard.abandoned) words[${AFTER}] = words[${BEFORE}];
      if (words[${BEFORE}] !== words[${AFTER}]) Atomics.add(words, ${ERRORS}, 1);
      words[${BEFORE}]++;
      for (let spin = below(below(4) === 0 ? 100_000 : 100); spin > 0; spin--) Atomics.load(words, ${OWNER});
      words[${AFTER}]++;
      if (Atomics.exchange(words, ${OWNER}, 0) !== 1) Atomics.add(words, ${ERRORS}, 1);
      'unlock' in guard ? guard.unlock() : guard.release();
      if (below(50) !== 0) continue;
      await turns(1);
      if (process.ppid !== parent) process.exit();
    }`;
}

/** Something that contends and can be made to die. */
interface Contender {
  die(): Promise<void>;
}

/** Lets contenders die, one a round, and looks whether the others go on. */
async function rounds(
  { random, size, log }: StressOptions,
  begin: (path: string, kind: string, seed: number) => Contender,
): Promise<void> {
  const kinds = ['mutex', 'rwlock', 'semaphore'];
  for (const [index, kind] of kinds.entries()) {
    const path = newPath();
    const map = MmapMut.create(path, 4096);
    const words = map.view(Int32Array, 0, 8);
    const start = () => begin(path, kind, random.below(2 ** 31));
    const contenders = Array.from({ length: CONTENDERS }, start);
    let longest = 0;
    /** Waits until the lock has had another owner since. */
    const progress = async () => {
      const since = performance.now();
      const seen = Atomics.load(words, BEFORE);
      await until(
        () => Atomics.load(words, BEFORE) !== seen,
        `${kind}: the lock has an owner again`,
      );
      return performance.now() - since;
    };
    try {
      await progress();
      const share = Math.ceil((size - index) / kinds.length);
      for (let round = 0; round < share; round++) {
        // The moment of the death is what the seed picks.
        await new Promise((done) => setTimeout(done, random.below(100)));
        const victim = random.below(CONTENDERS);
        await contenders[victim]?.die();
        longest = Math.max(longest, await progress());
        contenders[victim] = start();
      }
      if (words[ERRORS] !== 0) throw new Error(`${kind}: two owners at once`);
      if (words[UNTOLD] !== 0) throw new Error(`${kind}: an owner was not told of a death`);
      log(
        `${kind}: ${share} deaths, ${words[TOLD]} of them with the lock, ${words[AFTER]} turns; the ` +
          `longest wait after a death was ${longest.toFixed()} ms`,
      );
    } finally {
      await Promise.all(contenders.map((contender) => contender.die()));
      map.close();
      rmSync(path);
    }
  }
}

function startProcess(path: string, kind: string, seed: number): Contender {
  const child: ChildProcess = spawn(process.execPath, ['-e', script(path, contend(kind, seed))], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  return {
    async die() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function startWorker(path: string, kind: string, seed: number): Contender {
  const worker = new Worker(script(path, contend(kind, seed)), { eval: true });
  const exited = once(worker, 'exit');
  return {
    async die() {
      // Before the worker has begun there is nothing to leave behind.
      await worker.terminate();
      await exited;
    },
  };
}

/** `kill -9` at random. */
export const killedOwners: Scenario = {
  name: 'killed-owners',
  smallSize: 50,
  fullSize: 1000,
  run: (options) => rounds(options, startProcess),
};

/** `worker.terminate()` at random. */
export const terminatedOwners: Scenario = {
  name: 'terminated-owners',
  smallSize: 30,
  fullSize: 1000,
  impossible: THREADS_UNSEEN,
  run: (options) => rounds(options, startWorker),
};
