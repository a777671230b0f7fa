/** Maps whose file has another length, or gets one. */
import { checkInteger, type Integer } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, fromNative, outOfRange } from '../base/errors';
import type { Memory } from '../memory/memory';
import { type ResizeOptions, readResizeOptions } from './options';

/** Maps the file at its current size, if that is another one or bytes of the map were lost. */
export function refresh(memory: Memory): boolean {
  const open = memory.native;
  return attempt(() => {
    const size = memory.fileSize;
    if (size === null) return false;
    const length = memory.lengthWithin(size);
    if (length === memory.length && memory.isWhole) return false;
    memory.assertReplaceable();
    memory.replace(open.remap(length));
    return true;
  }, memory.path);
}

/** Gives the file, or the anonymous memory, another length. */
export function resize(
  memory: Memory<Binding.MmapMut>,
  length: Integer,
  options: ResizeOptions | undefined,
): void {
  const size = checkInteger(length, 'length');
  const { allocate } = readResizeOptions(options);
  const open = memory.usable();
  if (size === memory.length) return;
  memory.assertReplaceable();
  const { path, offset } = memory;
  const fileSize = memory.fileSize;
  if (fileSize === null) {
    memory.resize(attempt(() => open.remap(size), path));
    return;
  }
  const end = offset + memory.length;
  if (fileSize !== end) {
    throw outOfRange(
      'length',
      `${memory.length} here: the map covers the bytes ${offset} to ${end} of a file of ` +
        `${fileSize} bytes, and only a map that reaches the end of its file can be resized ` +
        '(refresh it, or open the whole file)',
      size,
    );
  }
  if (size > memory.length) grow(memory, open, size, allocate);
  else shrink(memory, open, size);
}

function grow(
  memory: Memory<Binding.MmapMut>,
  open: Binding.MmapMut,
  length: number,
  allocate: boolean,
): void {
  const { path, offset } = memory;
  const before = offset + memory.length;
  attempt(() => open.setFileSize(offset + length, allocate), path);
  try {
    memory.resize(open.remap(length));
  } catch (error) {
    restore(() => open.setFileSize(before, false));
    throw fromNative(error, path);
  }
}

/**
 * Unmaps the old pages before the file is truncated, so that none past the file's end is ever
 * mapped. Windows truncates no file of which anything is mapped, so there all of them go.
 */
function shrink(memory: Memory<Binding.MmapMut>, open: Binding.MmapMut, length: number): void {
  const { path, offset, length: before } = memory;
  const kept = attempt(() => open.remap(process.platform === 'win32' ? 0 : length), path);
  memory.resize(kept);
  const remap = (size: number) => memory.resize(attempt(() => kept.remap(size), path));
  try {
    kept.setFileSize(offset + length, false);
  } catch (error) {
    restore(() => remap(before));
    throw fromNative(error, path);
  }
  if (kept.length < length) remap(length);
}

/** Undoes a step. Of two failures the first is the one to report. */
function restore(undo: () => void): void {
  try {
    undo();
  } catch {
    // The caller throws the failure that made this necessary.
  }
}
