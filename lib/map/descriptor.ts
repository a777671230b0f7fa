/** How another thread or process finds the range of a map again. */
import { resolve } from 'node:path';
import { checkFilePath, checkInteger } from '../base/arguments';
import type * as Binding from '../base/binding';
import { invalidType, invalidValue } from '../base/errors';
import { type NativeMap, native } from '../base/native';
import type { Memory } from '../memory/memory';

const KINDS = ['Mmap', 'MmapMut', 'MmapCow'] as const;

/**
 * Where the range of a map is found again. A plain object: it can be posted to a worker, sent to
 * another process or written as JSON (except where `path` is a Uint8Array).
 */
export interface MapDescriptor {
  /** The class of the map that it was made of. Any class can open it. */
  kind: (typeof KINDS)[number];
  /** The file's absolute path; its bytes where they are no UTF-8; '' for anonymous memory. */
  path: string | Uint8Array;
  /** The number of the device that the file lives on, in decimal. */
  device: string;
  /** The number of the file on that device, in decimal. */
  inode: string;
  /** When the file was made, in nanoseconds since 1970; null where the file system forgets it. */
  created: string | null;
  /** Where the range begins in the file, in bytes. */
  offset: number;
  /** The number of bytes. */
  length: number;
}

/** Describes where the range of a map is found again. */
export function describe(memory: Memory): MapDescriptor {
  const { path, offset, length } = memory;
  const open = memory.usable();
  const { created = null, ...found } = memory.call(() =>
    open.location(path === null ? undefined : resolve(path)),
  );
  return { kind: kindOf(open), ...found, created, offset, length };
}

function kindOf(open: NativeMap): MapDescriptor['kind'] {
  return KINDS.find((kind) => open instanceof native[kind]) ?? 'Mmap';
}

function checkDigits(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  if (!/^\d{1,39}$/.test(value)) throw invalidValue(name, 'must be a decimal number', value);
  return value;
}

/** The range that a descriptor names, checked. */
export function checkDescriptor(descriptor: MapDescriptor): {
  location: Binding.Location;
  path: string | null;
  offset: number;
  length: number;
} {
  if (typeof descriptor !== 'object' || descriptor === null) {
    throw invalidType('descriptor', 'an object that descriptor() returned', descriptor);
  }
  const { kind, path, device, inode, created, offset, length } = descriptor;
  if (typeof kind !== 'string') throw invalidType('descriptor.kind', 'a string', kind);
  if (!KINDS.includes(kind)) {
    throw invalidValue('descriptor.kind', `must be one of '${KINDS.join("', '")}'`, kind);
  }
  // Anonymous memory is found by its number alone.
  const file = path === '' ? { source: path, path: null } : checkFilePath(path);
  return {
    location: {
      path: file.source,
      device: checkDigits(device, 'descriptor.device'),
      inode: checkDigits(inode, 'descriptor.inode'),
      ...(created === null ? {} : { created: checkDigits(created, 'descriptor.created') }),
    },
    path: file.path,
    offset: checkInteger(offset, 'descriptor.offset'),
    length: checkInteger(length, 'descriptor.length'),
  };
}
