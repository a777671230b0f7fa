import type { FileLike } from './arguments';
import type * as Binding from './binding';
import { MemoryMap, type OpenOptions, openFile } from './memory-map';
import { native } from './native';

/**
 * A read-only map of a file. It sees what other processes write to the file, and never changes the
 * file itself: what JavaScript writes into its Buffer stays private to the page that was written.
 */
export class Mmap extends MemoryMap<Binding.Mmap> {
  /**
   * Maps a file for reading. Nothing is read yet: the system reads each page when it is touched.
   *
   * @param file - A path (string, Buffer or `file:` URL), or an open descriptor or FileHandle,
   * which is borrowed: it is not closed with the map, and the map outlives it.
   * @param options - Which part of the file.
   * @throws TypeError, RangeError (also where `offset` or `length` reach past the end of the file);
   * MmapError with the system's code (`ENOENT`, `EACCES`, `EISDIR`, ...), `ERR_MMAP_UNSUPPORTED`
   * for what cannot be mapped: FIFOs, sockets, character devices, files in `/proc`.
   */
  static open(file: FileLike, options?: OpenOptions): Mmap {
    return new Mmap(...openFile(native.Mmap, file, options));
  }
}
