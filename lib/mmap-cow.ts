import type { FileLike, Integer } from './arguments';
import type * as Binding from './binding';
import { type MapDescriptor, reopenFile } from './descriptor';
import { adviseMap, COPY_ON_WRITE_HINTS, type CopyOnWriteHint } from './memory-control';
import { memoryOf, type OpenOptions, openFile } from './memory-map';
import type { MemoryOptions } from './memory-options';
import { native } from './native';
import type { Shared } from './shared';
import { WritableMap } from './writable-map';

/**
 * A copy-on-write map of a file: it can be written, and what is written stays in this process. Each
 * page is copied when it is first written; pages never written go on showing the file.
 */
export class MmapCow extends WritableMap<Binding.MmapCow> {
  /**
   * Maps a file copy-on-write. The file needs to be readable only.
   *
   * @param file - As for {@link Mmap.open}.
   * @param options - Which part of the file.
   * @throws As {@link Mmap.open}.
   */
  static open(file: FileLike, options: OpenOptions & { shared: true }): Shared<MmapCow>;
  static open(file: FileLike, options?: OpenOptions): MmapCow;
  static open(file: FileLike, options?: OpenOptions): MmapCow {
    return new MmapCow(...openFile(native.MmapCow, file, options));
  }

  /**
   * Maps copy-on-write what a descriptor tells of: the file, without what another copy-on-write
   * map has changed.
   *
   * @param descriptor - As for {@link Mmap.from}.
   * @param options - As for {@link Mmap.from}.
   * @throws As {@link Mmap.from}.
   */
  static from(
    descriptor: MapDescriptor,
    options: MemoryOptions & { shared: true },
  ): Shared<MmapCow>;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): MmapCow;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): MmapCow {
    return new MmapCow(...reopenFile(native.MmapCow, descriptor, options));
  }

  /**
   * As for every map, and two hints more:
   *
   * - `'dontneed'`: forgets what was written to the whole pages within the range; they show the
   *   file again. Not on macOS, which forgets nothing.
   * - `'populate-write'`: copies all pages of the range now, as if each had been written.
   *
   * @param hint - What is going to happen to the range, or should.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint.
   * @throws As {@link Mmap.advise}.
   */
  override advise(hint: CopyOnWriteHint, start?: Integer, end?: Integer): boolean {
    return adviseMap(memoryOf(this), COPY_ON_WRITE_HINTS, hint, start, end);
  }
}
