/**
 * `memmap/shm`: shared memory by name.
 */
import { readdirSync } from 'node:fs';
import { checkBoolean, checkInteger, checkOptions, type Integer } from './arguments';
import { attempt, fromNative, invalidType, invalidValue, MmapError } from './errors';
import { CONSTRUCT } from './memory-map';
import { checkMemoryOptions, type MemoryOptions, makeMemory } from './memory-options';
import { MmapMut } from './mmap-mut';
import { native } from './native';
import type { Shared } from './shared';

/** How {@link SharedMemory.open} maps an object. */
export type SharedMemoryOpenOptions = Omit<MemoryOptions, 'guard'>;

/** How {@link SharedMemory.create} makes its object. */
export interface SharedMemoryOptions extends SharedMemoryOpenOptions {
  /** The permission bits of the object, before the process's umask. Default 0o600. */
  mode?: number;
  /**
   * Whether to unlink the name when the thread (the process, or the worker) that creates it ends.
   * A process that is killed unlinks nothing. Default false.
   */
  unlinkOnExit?: boolean;
}

/** The longest name in bytes: `NAME_MAX` on Linux; macOS takes 31 with the slash that we add. */
const NAME_LIMIT = process.platform === 'darwin' ? 30 : 255;

/** Where Linux keeps the objects (shm_overview(7)). */
const FOLDER = '/dev/shm';

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'a string', name);
  const length = Buffer.byteLength(name);
  if (length === 0 || length > NAME_LIMIT) {
    throw invalidValue('name', `must have 1 to ${NAME_LIMIT} bytes (it has ${length})`, name);
  }
  if (/[/\0]/.test(name) || name === '.' || name === '..') {
    throw invalidValue(
      'name',
      "must be a plain name without slashes or null bytes (C's '/queue' is 'queue' here)",
      name,
    );
  }
  return name;
}

/** Reads the options once. The guard stays on: others can cut the object as they can a file. */
function read(options: SharedMemoryOptions | undefined): SharedMemoryOptions {
  const { mode, unlinkOnExit, onFault, populate, hugePages, shared } = checkOptions(options);
  return { mode, unlinkOnExit, onFault, populate, hugePages, shared };
}

/** The names that this thread unlinks when it ends. */
const unlinkedOnExit = new Set<string>();

function unlinkAll(): void {
  for (const name of unlinkedOnExit) {
    try {
      native.unlinkShared(name);
    } catch {
      // Somebody else has unlinked it before, which was to be done anyway.
    }
  }
}

function unlinkOnExit(name: string): void {
  if (unlinkedOnExit.size === 0) process.once('exit', unlinkAll);
  unlinkedOnExit.add(name);
}

/**
 * Memory with a name, for processes that need not be related: on Linux and macOS an object of
 * POSIX's `shm_open`, the same that C programs and Python's `multiprocessing.shared_memory` see. In
 * all other ways an {@link MmapMut}.
 *
 * The object stays until somebody calls {@link SharedMemory.unlink} or the machine restarts:
 * neither closing a map of it nor the end of any process deletes it, unless its creator asked for
 * that with `unlinkOnExit`. Maps that are open when the name is unlinked go on.
 *
 * Windows has no such objects: every call there throws `ERR_MMAP_UNSUPPORTED`.
 */
export class SharedMemory extends MmapMut {
  /**
   * Creates an object of zeros and maps it. All its bytes are reserved, so that a full `/dev/shm`
   * is an error here. A process that opens the object before this call returns may find it empty.
   *
   * @param name - A name without slashes of 1 to 255 bytes (30 on macOS).
   * @param length - The number of bytes. macOS rounds it up to whole pages.
   * @param options - See there.
   * @throws TypeError, RangeError; MmapError `EEXIST` where there is one of that name, `ENOSPC`,
   * `EACCES`, ...
   */
  static override create(
    name: string,
    length: Integer,
    options: SharedMemoryOptions & { shared: true },
  ): Shared<SharedMemory>;
  static override create(
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): SharedMemory;
  static override create(
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): SharedMemory {
    const checked = checkName(name);
    const size = checkInteger(length, 'length');
    const { mode, unlinkOnExit: unlinks, ...rest } = read(options);
    const bits = mode === undefined ? 0o600 : checkInteger(mode, 'options.mode', 0, 0o777);
    const ownsName = checkBoolean(unlinks, 'options.unlinkOnExit', false);
    const memoryOptions = checkMemoryOptions(rest);
    const made = attempt(() => native.MmapMut.createShared(checked, size, bits), checked);
    if (ownsName) unlinkOnExit(checked);
    return new SharedMemory(CONSTRUCT, makeMemory(made, checked, 0, memoryOptions), null);
  }

  /**
   * Maps the whole of an object that somebody else has created.
   *
   * @param name - As for {@link SharedMemory.create}.
   * @param options - See there.
   * @throws TypeError; MmapError `ENOENT`, `EACCES`, ...
   */
  static override open(
    name: string,
    options: SharedMemoryOpenOptions & { shared: true },
  ): Shared<SharedMemory>;
  static override open(name: string, options?: SharedMemoryOpenOptions): SharedMemory;
  static override open(name: string, options?: SharedMemoryOpenOptions): SharedMemory {
    const checked = checkName(name);
    const memoryOptions = checkMemoryOptions(read(options));
    const opened = attempt(() => native.MmapMut.openShared(checked), checked);
    return new SharedMemory(CONSTRUCT, makeMemory(opened, checked, 0, memoryOptions), null);
  }

  /**
   * Removes the name: nobody can open the object any more, and its memory is given back when the
   * last map of it closes.
   *
   * @throws TypeError; MmapError `ENOENT`, `EACCES`, ...
   */
  static unlink(name: string): void {
    const checked = checkName(name);
    attempt(() => native.unlinkShared(checked), checked);
    unlinkedOnExit.delete(checked);
  }

  /**
   * Whether there is an object of that name, be it one that this process may not open.
   *
   * @throws TypeError; MmapError where the system cannot tell.
   */
  static exists(name: string): boolean {
    const checked = checkName(name);
    try {
      native.MmapMut.openShared(checked).close();
      return true;
    } catch (error) {
      const refusal = fromNative(error, checked);
      if (!(refusal instanceof MmapError)) throw refusal;
      if (refusal.code === 'ENOENT') return false;
      if (refusal.code === 'EACCES') return true;
      throw refusal;
    }
  }

  /**
   * The names of all objects, those of other programs included. Linux only.
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED` elsewhere: macOS keeps no list.
   */
  static list(): string[] {
    if (process.platform !== 'linux') {
      throw new MmapError(
        'ERR_MMAP_UNSUPPORTED',
        `shared memory objects can be listed on Linux only, this is ${process.platform}`,
      );
    }
    return (
      readdirSync(FOLDER, { withFileTypes: true })
        // C's named semaphores live there, too (sem_overview(7)).
        .filter((entry) => entry.isFile() && !entry.name.startsWith('sem.'))
        .map((entry) => entry.name)
    );
  }

  /** The object's name. */
  get name(): string {
    return this.path ?? '';
  }
}
