/** What can be declared with `using`, without any `lib` for it: `@types/node` declares `Symbol.dispose`. */
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import { FileLock, Mutex, RwLock, Semaphore } from 'memmap/sync';

using map = MmapMut.open('file');
using readOnly = Mmap.open('file');
using copy = MmapCow.open('file', { shared: true });
using named = SharedMemory.open('name');
using guard = new Mutex(map, 0).lockSync();
using reader = new RwLock(named, 0).readSync();
using permit = await new Semaphore(map, 0, 1).acquire();
using lock = FileLock.acquireSync('file');
// @ts-expect-error: a mutex is no guard
using mutex = new Mutex(map, 0);

export const used = [readOnly, copy, guard, reader, permit, lock, mutex].length;
