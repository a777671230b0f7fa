/**
 * `memmap`: memory-mapped files.
 */
export type { FileLike, Integer } from './base/arguments';
export { MmapError } from './base/errors';
export type { MapDescriptor } from './map/descriptor';
export type { MapClass, MemoryMap } from './map/memory-map';
export { Mmap } from './map/mmap';
export { MmapCow } from './map/mmap-cow';
export { MmapMut } from './map/mmap-mut';
export type {
  AnonymousOptions,
  CreateOptions,
  MemoryOptions,
  OpenOptions,
  ReserveOptions,
  ResizeOptions,
} from './map/options';
export type { Shared, SharedViews } from './map/shared-views';
export type { WritableMap } from './map/writable-map';
export type {
  Atomic,
  AtomicArrayConstructor,
  AtomicValue,
  WaitAsyncOptions,
  WaitOptions,
} from './memory/atomic';
export type { FaultListener, Faults } from './memory/faults';
export type { JobOptions } from './memory/jobs';
export type {
  ConcurrencyOptions,
  CopyOnWriteHint,
  Hint,
  MutableHint,
  PrefetchOptions,
  Residency,
} from './memory/paging';
export type { ReadOptions } from './memory/reading';
export type { ArrayBufferOptions, TypedArrayConstructor } from './memory/views';
export type { FillOptions } from './memory/writing';
export type { Cursor, CursorLineOptions, Whence, WritableCursor } from './read/cursor';
export type { LineIndex } from './read/line-index';
export type { LineIndexOptions, LineOptions, StringLineOptions } from './read/lines';
export type { ReadableOptions } from './read/readable';
export type { ReadStreamOptions } from './read/stream';
export type { ThreadedJobOptions } from './search/concurrency';
export type {
  FindOptions,
  Finds,
  PositionOrRange,
  RangeOptions,
  SearchOptions,
} from './search/find';
export type { Indices, Match, MatchIndices, ScanOptions } from './search/matches';
export type { Needle, Pattern } from './search/pattern';
