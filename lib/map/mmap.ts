import type { FileLike } from '../base/arguments';
import { native } from '../base/native';
import type { MapDescriptor } from './descriptor';
import { construct, type MapClass, MemoryMap } from './memory-map';
import { openDescriptor, openFile } from './open';
import type { MemoryOptions, OpenOptions } from './options';
import type { Shared } from './shared-views';

/**
 * A read-only map of a file. It sees what other processes write to the file, and never changes the
 * file itself: a write into its Buffer stays private to the page that was written.
 *
 * ```js
 * import { Mmap } from 'memmap';
 *
 * using map = Mmap.open('access.log');
 * for (const line of map.lines({ encoding: 'utf8' })) console.log(line);
 * ```
 */
export class Mmap extends MemoryMap {
  /**
   * Maps a file for reading. Nothing is read yet: the system reads each page when it is touched.
   * Called on a class derived from this one, it makes an instance of that class.
   *
   * @param file - A path (string, Buffer or `file:` URL), or an open descriptor or FileHandle,
   * which is borrowed: it is not closed with the map, and the map outlives it.
   * @param options - Which part of the file, and how to map it.
   * @throws TypeError, RangeError (also where `offset` or `length` reach past the end of the file);
   * MmapError with the system's code (`ENOENT`, `EACCES`, `EISDIR`, ...), `ERR_MMAP_UNSUPPORTED`
   * for what cannot be mapped (FIFOs, sockets, character devices, files in `/proc`) and for
   * `shared` where the runtime cannot.
   */
  static open<Class extends MapClass<Mmap>>(
    this: Class | void,
    file: FileLike,
    options: OpenOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static open<Class extends MapClass<Mmap>>(
    this: Class | void,
    file: FileLike,
    options?: OpenOptions,
  ): Class['prototype'];
  static open(this: MapClass<Mmap> | void, file: FileLike, options?: OpenOptions): Mmap {
    return construct(this ?? Mmap, openFile(native.Mmap, file, options));
  }

  /**
   * Maps for reading the range that a descriptor names, in any thread or process that sees the same
   * files.
   *
   * @param descriptor - What {@link MemoryMap.descriptor} of any map returned, or a copy of it.
   * @param options - How to map it.
   * @throws TypeError; RangeError where the file has become too short; MmapError
   * `ERR_MMAP_REPLACED` where the path leads to another file now, `ENOENT` where to none, and as
   * {@link open}.
   */
  static from<Class extends MapClass<Mmap>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options: MemoryOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static from<Class extends MapClass<Mmap>>(
    this: Class | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): Class['prototype'];
  static from(
    this: MapClass<Mmap> | void,
    descriptor: MapDescriptor,
    options?: MemoryOptions,
  ): Mmap {
    return construct(this ?? Mmap, openDescriptor(native.Mmap, descriptor, options));
  }
}
