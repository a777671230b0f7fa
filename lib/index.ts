export type { FileLike, Integer } from './arguments';
export type {
  Atomic,
  AtomicArrayConstructor,
  AtomicMap,
  AtomicValue,
  WaitAsyncOptions,
  WaitOptions,
} from './atomic';
export type { JobOptions } from './chunks';
export type { Cursor, CursorLineOptions, Whence, WritableCursor } from './cursor';
export type { DescribedMap, MapDescriptor } from './descriptor';
export { MmapError } from './errors';
export type { FaultListener, Faults } from './faults';
export type { LineIndex } from './line-index';
export type { LinedMap, LineOptions, StringLineOptions } from './lines';
export type { Match, MatchingMap, Place, Places, ScanOptions } from './matches';
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
export type { Needle, Pattern } from './pattern';
export type { ReadableMap, ReadStreamOptions } from './readable-map';
export type {
  FindOptions,
  Finds,
  RangeOptions,
  SearchableMap,
  SearchOptions,
} from './search';
export type { Shared, SharedViews } from './shared';
export type { WritableMap } from './writable-map';
