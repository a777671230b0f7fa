import type { FileLike } from './arguments';
import type * as Binding from './binding';
import { type MapDescriptor, reopenFile } from './descriptor';
import { type OpenOptions, openFile } from './memory-map';
import type { MemoryOptions } from './memory-options';
import { native } from './native';
import { ReadableMap } from './readable-map';
import type { Shared } from './shared';

/**
 * A read-only map of a file. It sees what other processes write to the file, and never changes the
 * file itself: what JavaScript writes into its Buffer stays private to the page that was written.
 */
export class Mmap extends ReadableMap<Binding.Mmap> {
  /**
   * Maps a file for reading. Nothing is read yet: the system reads each page when it is touched.
   *
   * @param file - A path (string, Buffer or `file:` URL), or an open descriptor or FileHandle,
   * which is borrowed: it is not closed with the map, and the map outlives it.
   * @param options - Which part of the file.
   * @throws TypeError, RangeError (also where `offset` or `length` reach past the end of the file);
   * MmapError with the system's code (`ENOENT`, `EACCES`, `EISDIR`, ...), `ERR_MMAP_UNSUPPORTED`
   * for what cannot be mapped: FIFOs, sockets, character devices, files in `/proc`; and for
   * `shared` where the runtime cannot.
   */
  static open(file: FileLike, options: OpenOptions & { shared: true }): Shared<Mmap>;
  static open(file: FileLike, options?: OpenOptions): Mmap;
  static open(file: FileLike, options?: OpenOptions): Mmap {
    return new Mmap(...openFile(native.Mmap, file, options));
  }

  /**
   * Maps for reading what a descriptor tells of, in any thread or process that sees the same files.
   *
   * @param descriptor - What {@link descriptor} of any map returned, or a copy of it.
   * @param options - How to map it.
   * @throws TypeError; RangeError where the file has become too short; MmapError
   * `ERR_MMAP_REPLACED` where the path leads to another file now, `ENOENT` where to none, and as
   * {@link open}.
   */
  static from(descriptor: MapDescriptor, options: MemoryOptions & { shared: true }): Shared<Mmap>;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): Mmap;
  static from(descriptor: MapDescriptor, options?: MemoryOptions): Mmap {
    return new Mmap(...reopenFile(native.Mmap, descriptor, options));
  }
}
