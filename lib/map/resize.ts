/** Maps whose file has another length, or gets one. */
import { checkInteger, type Integer } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, changedError, fromNative, MmapError, outOfRange } from '../base/errors';
import { JobRunner } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { type ResizeOptions, readResizeOptions } from './options';

/**
 * Maps the file at its current size, if that is another one or bytes of the map were lost. Where the
 * file only grew, everything that was made of the map stays.
 */
export function refresh(memory: Memory): boolean {
  const open = memory.native;
  return attempt(() => {
    const size = memory.fileSize;
    if (size === null) return false;
    const length = memory.lengthWithin(size);
    const { isWhole } = memory;
    if (length === memory.length && isWhole) return false;
    if (length > memory.length && isWhole && memory.grow(length)) return true;
    memory.assertReplaceable();
    memory.replace(open.remap(length));
    return true;
  }, memory.path);
}

/** A change of length, checked. */
interface Change {
  length: number;
  allocate: boolean;
  /** The size that the file has, and is to have; null for anonymous memory. */
  sizes: { before: number; after: number } | null;
}

/** Reads and checks a change of length; null where there is none. */
function readChange(
  memory: Memory<Binding.MmapMut>,
  length: Integer,
  options: ResizeOptions | undefined,
): Change | null {
  const size = checkInteger(length, 'length');
  const { allocate } = readResizeOptions(options);
  memory.assertUsable();
  if (memory.isResizing) {
    throw new MmapError(
      'ERR_MMAP_IN_USE',
      'the map is being resized by resizeAsync(); await that first',
      memory.path,
    );
  }
  if (size === memory.length) return null;
  if (size < memory.length) memory.assertReplaceable();
  const { offset, fileSize } = memory;
  if (fileSize === null) return { length: size, allocate, sizes: null };
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
  return { length: size, allocate, sizes: { before: end, after: offset + size } };
}

/** Gives the file, or the anonymous memory, another length. */
export function resize(
  memory: Memory<Binding.MmapMut>,
  length: Integer,
  options: ResizeOptions | undefined,
): void {
  const change = readChange(memory, length, options);
  if (change === null) return;
  const { sizes, allocate } = change;
  if (sizes !== null && sizes.after > sizes.before) {
    attempt(() => memory.native.setFileSize(sizes.after, allocate), memory.path);
  }
  remap(memory, change);
}

/** As {@link resize}, off the main thread where disk space is reserved. */
export async function resizeAsync(
  memory: Memory<Binding.MmapMut>,
  length: Integer,
  options: ResizeOptions | undefined,
): Promise<void> {
  const change = readChange(memory, length, options);
  if (change === null) return;
  const { sizes, allocate } = change;
  if (sizes !== null && sizes.after > sizes.before) {
    memory.isResizing = true;
    try {
      const runner = new JobRunner(memory, undefined);
      await runner.run((open) => open.setFileSizeAsync(sizes.after, allocate));
      // A refresh may have seen the file's new size already, or what others have made of it since.
      if (memory.length > change.length) throw changedError(memory.path);
    } finally {
      memory.isResizing = false;
    }
  }
  remap(memory, change);
}

/** Goes on with memory of the new length; a file that is to grow has grown already. */
function remap(memory: Memory<Binding.MmapMut>, { length, sizes }: Change): void {
  const open = memory.native;
  if (sizes !== null && sizes.after < sizes.before) {
    shrink(memory, open, length);
    return;
  }
  try {
    if (length < memory.length || !memory.grow(length)) {
      memory.assertReplaceable();
      memory.replace(open.remap(length));
    }
    memory.keepLength();
  } catch (error) {
    if (sizes !== null) restore(() => open.setFileSize(sizes.before, false));
    throw fromNative(error, memory.path);
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
  const goOn = (size: number) => memory.resize(attempt(() => kept.remap(size), path));
  try {
    kept.setFileSize(offset + length, false);
  } catch (error) {
    restore(() => goOn(before));
    throw fromNative(error, path);
  }
  if (kept.length < length) goOn(length);
}

/** Undoes a step. Of two failures the first is the one to report. */
function restore(undo: () => void): void {
  try {
    undo();
  } catch {
    // The caller throws the failure that made this necessary.
  }
}
