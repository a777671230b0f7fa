/**
 * `memmap/sync`: locks and their like in shared memory.
 */
export type { AsyncOptions, SyncOptions } from './sync/acquire';
export { Barrier } from './sync/barrier';
export { Condition } from './sync/condition';
export { EventFlag } from './sync/event-flag';
export {
  FileLock,
  type FileLockKind,
  type FileLockOptions,
  type FileLockSyncOptions,
} from './sync/file-lock';
export type { Guard } from './sync/guard';
export { Mutex, type MutexGuard } from './sync/mutex';
export { Once } from './sync/once';
export { ReentrantMutex } from './sync/reentrant-mutex';
export { RwLock, type RwLockGuard } from './sync/rw-lock';
export { type Permit, Semaphore } from './sync/semaphore';
