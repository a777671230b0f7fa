export type { FileLike, Integer } from './arguments';
export type { JobOptions } from './chunks';
export type { DescribedMap, MapDescriptor } from './descriptor';
export { MmapError } from './errors';
export type { FaultListener, Faults } from './faults';
export type {
  ControlledMap,
  CopyOnWriteHint,
  Hint,
  MutableHint,
  Residency,
} from './memory-control';
export type { MemoryMap, OpenOptions, TypedArrayConstructor } from './memory-map';
export type { MemoryOptions } from './memory-options';
export { Mmap } from './mmap';
export { MmapCow } from './mmap-cow';
export { type AnonymousOptions, type CreateOptions, MmapMut, type ResizeOptions } from './mmap-mut';
export type { Shared, SharedViews } from './shared';
export type { WritableMap } from './writable-map';
