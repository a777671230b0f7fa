import type { FileLike } from './arguments';
import type * as Binding from './binding';
import { type OpenOptions, openFile } from './memory-map';
import { native } from './native';
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
  static open(file: FileLike, options?: OpenOptions): MmapCow {
    return new MmapCow(...openFile(native.MmapCow, file, options));
  }
}
