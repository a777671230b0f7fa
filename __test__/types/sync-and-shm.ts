/** Locks and named memory take the very maps of `memmap`: the entry points declare no class twice. */
import { type Mmap, MmapMut, type Shared } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import {
  Barrier,
  Condition,
  EventFlag,
  FileLock,
  Mutex,
  type MutexGuard,
  Once,
  type Permit,
  RwLock,
  type RwLockGuard,
  Semaphore,
} from 'memmap/sync';
import { same } from './same.js';

declare const readOnly: Mmap;
const named = SharedMemory.create('name', 4096, { unlinkOnExit: true, mode: 0o600 });
const map: MmapMut = named;
same<string>()(named.name);
const shared: Shared<SharedMemory> = SharedMemory.open('name', { shared: true });
const posted: SharedArrayBuffer = shared.buffer.buffer;
same<string[]>()(SharedMemory.list());
// @ts-expect-error: names are no files
SharedMemory.open(3);
// @ts-expect-error: other processes can always truncate the object, so the guard stays on
SharedMemory.open('name', { guard: false });

const mutex = new Mutex(MmapMut.open('file'), 0);
new Mutex(named, 0n);
new Mutex(shared, 0);
// @ts-expect-error: a lock is written
new Mutex(readOnly, 0);
// @ts-expect-error: where in the map?
new Mutex(map);
same<MutexGuard>()(mutex.lockSync({ timeout: 1 }));
same<Promise<MutexGuard>>()(mutex.lock({ timeout: 1, signal: AbortSignal.timeout(1) }));
same<MutexGuard | null>()(mutex.tryLock());
// @ts-expect-error: there is no way to abort what blocks
mutex.lockSync({ signal: AbortSignal.timeout(1) });

same<RwLockGuard>()(new RwLock(map, 8).readSync());
same<Promise<RwLockGuard>>()(new RwLock(map, 8).write());
same<Promise<Permit>>()(new Semaphore(map, 8, 3).acquire());
same<number>()(Semaphore.bytes(3));
same<Promise<number>>()(new Barrier(map, 8, 3).wait());
same<Promise<void>>()(new EventFlag(map, 8).wait({ timeout: 1 }));
same<Promise<boolean>>()(new Once(map, 8).run(async (abandoned) => same<boolean>()(abandoned)));
new Condition(map, 8).waitSync(mutex.lockSync());
// @ts-expect-error: the guard of a mutex is wanted, not the mutex
new Condition(map, 8).waitSync(mutex);
same<FileLock>()(FileLock.acquireSync('file', { shared: true, range: { start: 1n } }));
same<Promise<FileLock>>()(FileLock.acquire('file', { timeout: 1 }));
// @ts-expect-error: locks on files are taken by static methods
new FileLock('file');

export const used = [posted];
