/** How another thread or process finds the range of a map again. */
import { resolve } from 'node:path';
import { checkFilePath, checkInteger, checkOptions } from './arguments';
import { attempt, invalidType, invalidValue, MmapError } from './errors';
import type { Memory } from './memory';
import { ControlledMap } from './memory-control';
import { CONSTRUCT, memoryOf } from './memory-map';
import { checkMemoryOptions, type MemoryOptions, makeMemory } from './memory-options';
import { type NativeMap, native } from './native';

const KINDS = ['Mmap', 'MmapMut', 'MmapCow'] as const;

/**
 * Where the range of a map is found again. A plain object: it can be posted to a worker, sent to
 * another process or written as JSON (except where `path` is a Uint8Array).
 */
export interface MapDescriptor {
  /** The class of the map that it was made of. Any class can open it. */
  kind: (typeof KINDS)[number];
  /** The file's absolute path; its bytes where they are no UTF-8. */
  path: string | Uint8Array;
  /** The number of the device that the file lives on. */
  device: string;
  /** The number of the file on that device. */
  inode: string;
  /** When the file was made, in nanoseconds since 1970; null where the file system forgets it. */
  created: string | null;
  /** Where the range begins in the file, in bytes. */
  offset: number;
  /** The number of bytes. */
  length: number;
}

/** Maps that tell where they are found again. */
export abstract class DescribedMap<
  Native extends NativeMap = NativeMap,
> extends ControlledMap<Native> {
  /**
   * Tells where the map's range is found again: {@link Mmap.from}, {@link MmapMut.from} and
   * {@link MmapCow.from} map it in another thread or process, on every runtime. They refuse if
   * another file has taken the place of this one. The map may be closed meanwhile.
   *
   * A file that was renamed since it was opened is found under its new name (Linux, macOS,
   * Windows).
   *
   * @throws MmapError `ERR_MMAP_CLOSED`; `ERR_MMAP_UNSUPPORTED` for anonymous memory, and where no
   * path leads to the file: it was deleted or replaced, or never had a name.
   */
  descriptor(): MapDescriptor {
    const memory = memoryOf(this);
    const open = memory.use();
    const { path, offset, length } = memory;
    const location = memory.run(() => open.location(path === null ? undefined : resolve(path)));
    if (location === null) {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        'anonymous memory has no file that others could open; to share it with workers, make it ' +
          'with { shared: true } and post map.buffer.buffer',
      );
    }
    const { created = null, ...found } = location;
    return { kind: kindOf(open), ...found, created, offset, length };
  }
}

function kindOf(open: NativeMap): MapDescriptor['kind'] {
  return KINDS.find((kind) => open instanceof native[kind]) ?? 'Mmap';
}

function checkDigits(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  if (!/^\d{1,39}$/.test(value)) throw invalidValue(name, 'must be a decimal number', value);
  return value;
}

/** Maps what a descriptor tells of with a native class: what the three `from` methods share. */
export function reopenFile<Native extends NativeMap>(
  nativeClass: {
    reopen(
      location: { path: string | Uint8Array; device: string; inode: string; created?: string },
      offset: number,
      length: number,
      guarded: boolean,
    ): Native;
  },
  descriptor: MapDescriptor,
  options: MemoryOptions | undefined,
): [token: symbol, memory: Memory<Native>, wanted: number] {
  if (typeof descriptor !== 'object' || descriptor === null) {
    throw invalidType('descriptor', 'an object that descriptor() returned', descriptor);
  }
  const { kind, path, device, inode, created, offset, length } = descriptor;
  if (typeof kind !== 'string') throw invalidType('descriptor.kind', 'a string', kind);
  if (!KINDS.includes(kind)) {
    throw invalidValue('descriptor.kind', `must be one of '${KINDS.join("', '")}'`, kind);
  }
  const file = checkFilePath(path);
  const location = {
    path: file.source,
    device: checkDigits(device, 'descriptor.device'),
    inode: checkDigits(inode, 'descriptor.inode'),
    ...(created === null ? {} : { created: checkDigits(created, 'descriptor.created') }),
  };
  const from = checkInteger(offset, 'descriptor.offset');
  const size = checkInteger(length, 'descriptor.length');
  const memoryOptions = checkMemoryOptions(checkOptions(options));
  const opened = attempt(
    () => nativeClass.reopen(location, from, size, memoryOptions.guard),
    file.path,
  );
  return [CONSTRUCT, makeMemory(opened, file.path, from, memoryOptions), size];
}
