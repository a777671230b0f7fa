/** The types of maps that were opened with `shared: true`. */
import type { Integer } from '../base/arguments';
import type { TypedArrayConstructor } from '../memory/views';
import type { MemoryMap } from './memory-map';

/** The typed arrays over a SharedArrayBuffer, by name. */
interface SharedArrays {
  Int8Array: Int8Array<SharedArrayBuffer>;
  Uint8Array: Uint8Array<SharedArrayBuffer>;
  Uint8ClampedArray: Uint8ClampedArray<SharedArrayBuffer>;
  Int16Array: Int16Array<SharedArrayBuffer>;
  Uint16Array: Uint16Array<SharedArrayBuffer>;
  Int32Array: Int32Array<SharedArrayBuffer>;
  Uint32Array: Uint32Array<SharedArrayBuffer>;
  Float32Array: Float32Array<SharedArrayBuffer>;
  Float64Array: Float64Array<SharedArrayBuffer>;
  BigInt64Array: BigInt64Array<SharedArrayBuffer>;
  BigUint64Array: BigUint64Array<SharedArrayBuffer>;
}

/** The views of a map that was opened with `shared: true`. */
export interface SharedViews {
  /** As {@link MemoryMap.buffer}; `buffer.buffer` can be posted to workers. */
  readonly buffer: Buffer<SharedArrayBuffer>;
  /** As {@link MemoryMap.subarray}. */
  subarray(start?: Integer, end?: Integer): Buffer<SharedArrayBuffer>;
  /** As {@link MemoryMap.view}. */
  view<Type extends TypedArrayConstructor>(
    type: Type,
    offset?: Integer,
    length?: Integer,
  ): SharedArrays[InstanceType<Type>[typeof Symbol.toStringTag]];
  /** As {@link MemoryMap.dataView}. */
  dataView(offset?: Integer, length?: Integer): DataView<SharedArrayBuffer>;
}

/** A map that was opened with `shared: true`. */
export type Shared<Kind extends MemoryMap> = SharedViews & Kind;
