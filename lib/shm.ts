/**
 * `memmap/shm`: shared memory by name.
 */

export { SharedMemory } from './map/shared-memory';
export type { SharedMemoryOpenOptions, SharedMemoryOptions } from './map/shared-memory-options';
