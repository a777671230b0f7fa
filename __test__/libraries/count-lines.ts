/** What a thread of the pool in pools.spec.ts does. */
import { type MapDescriptor, Mmap } from 'memmap';

export default function countLines({ descriptor }: { descriptor: MapDescriptor }): number {
  using map = Mmap.from(descriptor);
  return map.lineCountSync();
}
