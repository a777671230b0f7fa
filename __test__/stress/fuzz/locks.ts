/**
 * Locks in one file, taken and released by one thread in every way, while their maps close under
 * owners and waiters. A model knows the owners: see `lock-race.ts` for other threads and lost bytes.
 */
import assert from 'node:assert';
import { MmapMut } from 'memmap';
import {
  Barrier,
  Condition,
  EventFlag,
  FileLock,
  Mutex,
  type MutexGuard,
  Once,
  RwLock,
  Semaphore,
} from 'memmap/sync';
import { newPath } from '../../helpers/scratch';
import { until } from '../../helpers/until';
import { type Action, allow, count, random } from './world';

const PERMITS = 2;
const path = newPath();
MmapMut.create(path, 8192).close();
const lockFile = newPath();
MmapMut.create(lockFile, 1).close();

/** A map of the locks, and the locks in it. */
class Locks {
  readonly map = MmapMut.open(path);
  readonly mutex = new Mutex(this.map, 0);
  readonly inner = new Mutex(this.map, 64);
  readonly condition = new Condition(this.map, 128);
  readonly flag = new EventFlag(this.map, 192);
  readonly barrier = new Barrier(this.map, 256, 2);
  readonly once = new Once(this.map, 320);
  readonly semaphore = new Semaphore(this.map, 512, PERMITS);
  readonly rwLock = new RwLock(this.map, 1024);
}

const open: Locks[] = [];

function some(): Locks {
  if (open.length === 0 || (open.length < 4 && random.below(20) === 0)) open.push(new Locks());
  return random.pick(open);
}

/** One ownership. It ends by its release, or is lost with its map. */
interface Owned {
  what: string;
  shared: boolean;
  release: () => void;
}

const owned = new Set<Owned>();

/** Kinds of lock, and how many may share one. */
const MOST: Record<string, number> = { mutex: 1, semaphore: PERMITS, rwLock: 60, file: 60 };

function own(what: string, shared: boolean, release: () => void): void {
  const others = [...owned].filter((other) => other.what === what);
  const fits = others.length === 0 || (shared && others.every((other) => other.shared));
  assert(fits && others.length < (MOST[what] ?? 1), `${what} has two owners`);
  owned.add({ what, shared, release });
  count('locks taken');
}

function releaseOne(): void {
  if (owned.size === 0) return;
  const one = random.pick([...owned]);
  owned.delete(one);
  one.release();
}

/** The waits that may last until their map closes: only so many at a time. */
const waits = new Set<Promise<unknown>>();

function wait(begin: () => Promise<unknown>): void {
  if (waits.size > 15) return;
  const settled: Promise<unknown> = begin()
    .catch(allow)
    .finally(() => waits.delete(settled));
  waits.add(settled);
}

/** Limits of a wait: none, a timeout, or a signal that is aborted soon. */
function limits(): { timeout?: number; signal?: AbortSignal } {
  return random.pick([
    () => ({}),
    () => ({ timeout: random.below(10) }),
    () => {
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      return { signal: controller.signal };
    },
  ])();
}

const timeout = () => ({ timeout: random.below(3) });

async function locked({ inner }: Locks, then: (guard: MutexGuard) => unknown): Promise<void> {
  const guard = await inner.lock({ timeout: 20 });
  try {
    await then(guard);
  } finally {
    try {
      guard.unlock();
    } catch (error) {
      allow(error);
    }
  }
}

type Taken = { unlock(): void } | { release(): void };

/** Notes what was taken, if anything was. */
function took(what: string, shared: boolean, taken: Taken | null): void {
  if (taken === null) return;
  own(what, shared, () => ('unlock' in taken ? taken.unlock() : taken.release()));
}

/** The ways to take a lock at once, or blocking for a moment. */
const waysSync: [what: string, shared: boolean, take: (locks: Locks) => Taken | null][] = [
  ['mutex', false, ({ mutex }) => mutex.tryLock()],
  ['mutex', false, ({ mutex }) => mutex.lockSync(timeout())],
  ['semaphore', true, ({ semaphore }) => semaphore.tryAcquire()],
  ['semaphore', true, ({ semaphore }) => semaphore.acquireSync(timeout())],
  ['rwLock', true, ({ rwLock }) => rwLock.tryRead()],
  ['rwLock', true, ({ rwLock }) => rwLock.readSync(timeout())],
  ['rwLock', false, ({ rwLock }) => rwLock.tryWrite()],
  ['rwLock', false, ({ rwLock }) => rwLock.writeSync(timeout())],
  ['file', true, () => FileLock.tryAcquire(lockFile, { shared: true })],
  ['file', false, () => FileLock.tryAcquire(lockFile)],
  ['file', false, () => FileLock.acquireSync(lockFile, timeout())],
];

/** The ways to take a lock by a promise. */
const ways: [what: string, shared: boolean, take: (locks: Locks) => Promise<Taken>][] = [
  ['mutex', false, ({ mutex }) => mutex.lock(limits())],
  ['semaphore', true, ({ semaphore }) => semaphore.acquire(limits())],
  ['rwLock', true, ({ rwLock }) => rwLock.read(limits())],
  ['rwLock', false, ({ rwLock }) => rwLock.write(limits())],
  ['file', false, () => FileLock.acquire(lockFile, limits())],
  ['file', true, () => FileLock.acquire(lockFile, { ...limits(), shared: true })],
];

function takeSync(): void {
  const [what, shared, how] = random.pick(waysSync);
  took(what, shared, how(some()));
}

function take(): void {
  const [what, shared, how] = random.pick(ways);
  const locks = some();
  wait(async () => {
    const taken = await how(locks);
    // A map that is closed between the grant and this line has released what was granted.
    if (what === 'file' || !locks.map.closed) took(what, shared, taken);
  });
}

export const locking: Action[] = [
  [20, takeSync],
  [10, take],
  [25, releaseOne],
  [4, () => some().flag.set()],
  [4, () => some().flag.clear()],
  [3, () => some().flag.waitSync(timeout())],
  [4, () => wait(() => some().flag.wait(limits()))],
  [6, () => wait(() => some().barrier.wait(limits()))],
  [2, () => some().barrier.waitSync(timeout())],
  [2, () => wait(() => some().once.run(() => {}, limits()))],
  [
    2,
    () =>
      some().once.runSync(() => {
        throw new RangeError('out of range: the work of a Once fails');
      }, timeout()),
  ],
  [
    5,
    () => {
      const locks = some();
      wait(() => locked(locks, (guard) => locks.condition.wait(guard, limits())));
    },
  ],
  [4, () => some().condition.notify(1 + random.below(3))],
  [2, () => some().condition.notifyAll()],
  // A word changes without a notification: the waiters look by themselves.
  [2, () => some().map.atomic(4096).add(1)],
  [
    3,
    () => wait(() => some().map.atomic(4096).waitAsync(some().map.atomic(4096).load(), limits())),
  ],
  [
    2,
    () => {
      // What is owned by way of this map is lost with it; nothing may close it under an owner, since
      // this thread lives on and its locks stay taken.
      if (owned.size > 0 || open.length === 0) return;
      const [locks] = open.splice(random.below(open.length), 1);
      locks?.map.close();
    },
  ],
];

function releaseAll(): void {
  while (owned.size > 0) {
    try {
      releaseOne();
    } catch (error) {
      allow(error);
    }
  }
}

/** Closes the maps, by which their waits end. Those for the lock on a file end as it is released. */
export async function closeLocks(): Promise<void> {
  releaseAll();
  for (const { map } of open.splice(0)) map.close();
  await until(() => {
    releaseAll();
    return waits.size === 0;
  }, 'every wait for a lock has ended');
}
