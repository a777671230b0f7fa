import type { FileLike, Integer } from '../base/arguments';
import { native } from '../base/native';
import type { JobOptions } from '../memory/jobs';
import { advise, COPY_ON_WRITE_HINTS, type CopyOnWriteHint } from '../memory/paging';
import { flushPrivate } from '../memory/writing';
import type { MapDescriptor } from './descriptor';
import { construct, type MapClass, memoryOf } from './memory-map';
import { openDescriptor, openFile } from './open';
import type { MemoryOptions, OpenOptions } from './options';
import type { Shared } from './shared-views';
import { WritableMap } from './writable-map';

/**
 * A copy-on-write map of a file: it can be written, and what is written stays in this process. Each
 * page is copied when it is first written; pages never written go on showing the file.
 *
 * ```js
 * import { MmapCow } from 'memmap';
 *
 * using map = MmapCow.open('data.bin');
 * map.write('private'); // the file keeps its bytes
 * ```
 */
export class MmapCow extends WritableMap {
  /**
   * Maps a file copy-on-write. The file needs to be readable only. Called on a class derived from
   * this one, it makes an instance of that class.
   *
   * @param file - As for {@link Mmap.open}.
   * @param options - Which part of the file, and how to map it.
   * @throws As {@link Mmap.open}.
   */
  static open<Class extends MapClass<MmapCow>>(
    this: Class | void,
    file: FileLike,
    options: OpenOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static open<Class extends MapClass<MmapCow>>(
    this: Class | void,
    file: FileLike,
    options?: OpenOptions,
  ): Class['prototype'];
  static open(this: MapClass<MmapCow> | void, file: FileLike, options?: OpenOptions): MmapCow {
    return construct(this ?? MmapCow, openFile(native.MmapCow, file, options));
  }

  /**
   * Maps copy-on-write the range that a descriptor names: that of the file, without what another
   * copy-on-write map has changed.
   *
   * @param descriptor - As for {@link Mmap.from}.
   * @param options - As for {@link Mmap.from}.
   * @throws As {@link Mmap.from}.
   */
  static from<Class extends MapClass<MmapCow>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options: MemoryOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static from<Class extends MapClass<MmapCow>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): Class['prototype'];
  static from(
    this: MapClass<MmapCow> | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): MmapCow {
    return construct(this ?? MmapCow, openDescriptor(native.MmapCow, descriptor, options));
  }

  /**
   * As {@link MemoryMap.advise}, with two more hints:
   *
   * - `'dontneed'`: discards what was written to the whole pages within the range; they show the
   *   file again. macOS discards nothing.
   * - `'populate-write'`: copies all pages of the range now, as if each had been written.
   *
   * ```js
   * import { MmapCow } from 'memmap';
   *
   * using map = MmapCow.open('data.bin');
   * map.write('private');
   * map.advise('dontneed', 0, 4096); // forget it (Linux)
   * ```
   *
   * @param hint - The use of the range.
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @returns Whether this platform and this kind of memory took the hint.
   * @throws As {@link MemoryMap.advise}.
   */
  override advise(hint: CopyOnWriteHint, start?: Integer, end?: Integer): boolean {
    return advise(memoryOf(this), COPY_ON_WRITE_HINTS, hint, start, end);
  }

  /**
   * Does nothing: no write of a copy-on-write map reaches its file. It is here so that code for
   * {@link MmapMut} works on this class, too.
   *
   * ```js
   * import { MmapCow } from 'memmap';
   *
   * using map = MmapCow.open('data.bin');
   * map.write('private');
   * await map.flush(0, 7, {}); // the file keeps its bytes
   * ```
   *
   * @param start - The first byte. Default 0.
   * @param end - The byte after the last. Default: the end of the map.
   * @param options - As for {@link MmapMut.flush}.
   * @throws Rejects with a TypeError, a RangeError or an AbortError.
   */
  async flush(start?: Integer, end?: Integer, options?: JobOptions): Promise<void> {
    return flushPrivate(memoryOf(this), start, end, options);
  }

  /**
   * As {@link flush}.
   *
   * @throws TypeError, RangeError.
   */
  flushSync(start?: Integer, end?: Integer): void {
    memoryOf(this).range(start, end);
  }
}
