/**
 * `memmap/shm`: shared memory by name.
 */
export type { SharedMemoryOpenOptions, SharedMemoryOptions } from './map/options';
export { SharedMemory } from './map/shared-memory';
