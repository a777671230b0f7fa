export type { FileLike, Integer } from './arguments';
export type { JobOptions } from './chunks';
export { MmapError } from './errors';
export type { FaultListener, Faults } from './faults';
export type { MemoryMap, OpenOptions, TypedArrayConstructor } from './memory-map';
export { Mmap } from './mmap';
export { MmapCow } from './mmap-cow';
export { type CreateOptions, MmapMut, type ResizeOptions } from './mmap-mut';
export type { WritableMap } from './writable-map';
