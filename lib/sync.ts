/**
 * `memmap/sync`: locks and their like in shared memory.
 */
export type { AsyncOptions, SyncOptions } from './sync/acquire';
export { Mutex, type MutexGuard } from './sync/mutex';
