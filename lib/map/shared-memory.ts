/** Shared memory by name. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { checkInteger, type Integer } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, fromNative, invalidType, invalidValue, MmapError } from '../base/errors';
import { native } from '../base/native';
import { Memory } from '../memory/memory';
import { construct, type MapClass, memoryOf } from './memory-map';
import { MmapMut } from './mmap-mut';
import { prepared } from './open';
import { type ReadMemoryOptions, readGuardedOptions } from './options';
import {
  readSharedMemoryOptions,
  type SharedMemoryOpenOptions,
  type SharedMemoryOptions,
} from './shared-memory-options';
import type { Shared } from './shared-views';
import { keepOnExit, unlinkOnExit } from './unlink-on-exit';

/** The longest name in bytes: `NAME_MAX` on Linux; macOS takes 31 with the slash that we add. */
const NAME_LIMIT = process.platform === 'darwin' ? 30 : 255;

/** Where Linux keeps the objects (shm_overview(7)). */
const FOLDER = '/dev/shm';

/** What no name has. On Windows a backslash ends the name of a namespace. */
const FORBIDDEN = process.platform === 'win32' ? /[/\\\0]/ : /[/\0]/;

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'a string', name);
  const length = Buffer.byteLength(name);
  if (length === 0 || length > NAME_LIMIT) {
    throw invalidValue('name', `must have 1 to ${NAME_LIMIT} bytes (it has ${length})`, name);
  }
  // A lone surrogate has no bytes of its own in UTF-8: different names would mean one object.
  if (/\p{Surrogate}/u.test(name)) throw invalidValue('name', 'must be well-formed', name);
  if (FORBIDDEN.test(name) || name === '.' || name === '..') {
    throw invalidValue(
      'name',
      "must be a plain name without slashes or null bytes (C's '/queue' is 'queue' here)",
      name,
    );
  }
  return name;
}

/** The arguments of `create`, read. */
function readNew(
  name: string,
  length: Integer,
  options: SharedMemoryOptions | undefined,
): { path: string; args: Parameters<typeof native.MmapMut.createShared>; read: ReadNewOptions } {
  const path = checkName(name);
  const size = checkInteger(length, 'length');
  const read = readSharedMemoryOptions(options);
  const { mode, hugePages, populate } = read;
  const file = { length: size, reserve: 0, allocate: true, mode, hugePages, populate };
  return { path, args: [path, file], read };
}

type ReadNewOptions = ReturnType<typeof readSharedMemoryOptions>;

/** The memory of a new object. */
function ofNew(
  made: Binding.MmapMut,
  path: string,
  { shared, onFault, unlinkOnExit: unlinks }: ReadNewOptions,
): Memory<Binding.MmapMut> {
  const identity = unlinks ? made.identity() : null;
  if (identity !== null) unlinkOnExit(path, identity);
  return new Memory(made, { path, offset: 0, requested: null }, shared, onFault);
}

/** Maps the whole of an object that is there. */
function openObject(path: string, read: ReadMemoryOptions): Memory<Binding.MmapMut> {
  const opened = attempt(() => native.MmapMut.openShared(path), path);
  return prepared(opened, { path, offset: 0, requested: null }, read);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof MmapError && error.code === code;
}

/** The error for the static methods of {@link MmapMut} that make maps without a name. */
function namelessError(method: string, instead: string): MmapError {
  return new MmapError(
    'ERR_MMAP_UNSUPPORTED',
    `SharedMemory.${method} would make a map without a name; use ${instead}`,
  );
}

/**
 * Memory with a name, for processes that need not be related: on Linux and macOS an object of
 * POSIX's `shm_open`, on Windows a named section (`Local\<name>`), the same that C programs and
 * Python's `multiprocessing.shared_memory` see. In all other ways an {@link MmapMut}.
 *
 * Linux and macOS never remove shared memory by themselves, except at a restart. Call
 * {@link SharedMemory.unlink} when the last process is done, or create the object with
 * `unlinkOnExit`. Maps that are open when the name is unlinked go on.
 *
 * On Windows an object goes when no process has a map of it any more, and the process that created
 * it has unlinked it or ended. Until then the name belongs to it, also after {@link unlink}. Only
 * processes of the same logon session see it.
 *
 * On macOS and Windows an object has whole pages and keeps its length: {@link MmapMut.resize} throws
 * `ERR_MMAP_UNSUPPORTED`. So does `descriptor()`: other threads open the object by its name.
 *
 * ```js
 * import { SharedMemory } from 'memmap/shm';
 *
 * using memory = SharedMemory.create(`counter-${process.pid}`, 4096, { unlinkOnExit: true });
 * memory.atomic(0).add(1);
 * ```
 */
export class SharedMemory extends MmapMut {
  /**
   * Creates an object of zeros and maps it. All its bytes are reserved, so that a full `/dev/shm`
   * (on Windows, a full page file) is an error here. Where anything fails, nothing is left behind.
   * On Linux and Windows the name appears with the whole object; on macOS a process that opens it
   * before this call returns may find it empty.
   *
   * ```js
   * import { SharedMemory } from 'memmap/shm';
   *
   * const name = `queue-${process.pid}`;
   * using memory = SharedMemory.create(name, 4096, { mode: 0o660, unlinkOnExit: true });
   * memory.name === name; // => true
   * ```
   *
   * @param name - A name without slashes, on Windows also without backslashes, of 1 to 255 bytes (30
   * on macOS): one of the caller's choice, or from {@link SharedMemory.generateName}.
   * @param length - The number of bytes, on Windows at least 1. macOS and Windows round it up to
   * whole pages for those that open the object.
   * @param options - How to make the object, and how to map it.
   * @throws TypeError, RangeError; MmapError `EEXIST` where there is one of that name, `ENOSPC`
   * (`ENOMEM` on Windows), `EACCES`, ...
   */
  static override create<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options: SharedMemoryOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static override create<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): Class['prototype'];
  static override create(
    this: MapClass<SharedMemory> | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): SharedMemory {
    const { path, args, read } = readNew(name, length, options);
    const made = attempt(() => native.MmapMut.createShared(...args), path);
    return construct(this ?? SharedMemory, ofNew(made, path, read));
  }

  /**
   * As {@link SharedMemory.create}, off the main thread: the system clears every page of the object,
   * which takes some tenths of a second for each GiB.
   *
   * ```js
   * import { SharedMemory } from 'memmap/shm';
   *
   * const name = SharedMemory.generateName();
   * using memory = await SharedMemory.createAsync(name, 2 ** 20, { unlinkOnExit: true });
   * ```
   *
   * @param name - As for {@link SharedMemory.create}.
   * @param length - The number of bytes.
   * @param options - As for {@link SharedMemory.create}.
   * @throws Rejects as {@link SharedMemory.create} throws.
   */
  static override createAsync<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options: SharedMemoryOptions & { shared: true },
  ): Promise<Shared<Class['prototype']>>;
  static override createAsync<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): Promise<Class['prototype']>;
  static override async createAsync(
    this: MapClass<SharedMemory> | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): Promise<SharedMemory> {
    const { path, args, read } = readNew(name, length, options);
    const made = await native.MmapMut.createSharedAsync(...args).catch((error) => {
      throw fromNative(error, path);
    });
    return construct(this ?? SharedMemory, ofNew(made, path, read));
  }

  /**
   * Maps the object of a name, which is created where there is none. Of several processes that call
   * this at once, one creates the object and the others open it.
   *
   * ```js
   * import { SharedMemory } from 'memmap/shm';
   *
   * const name = `counters-${process.pid}`;
   * using memory = SharedMemory.openOrCreate(name, 4096, { unlinkOnExit: true });
   * ```
   *
   * @param name - As for {@link SharedMemory.create}.
   * @param length - The number of bytes of a new object. One that is there keeps its length.
   * @param options - As for {@link SharedMemory.create}; `mode` and `unlinkOnExit` apply to a new
   * object.
   * @throws TypeError, RangeError; MmapError `ENOSPC`, `EACCES`, ...
   */
  static openOrCreate<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options: SharedMemoryOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static openOrCreate<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): Class['prototype'];
  static openOrCreate(
    this: MapClass<SharedMemory> | void,
    name: string,
    length: Integer,
    options?: SharedMemoryOptions,
  ): SharedMemory {
    const { path, args, read } = readNew(name, length, options);
    for (;;) {
      try {
        return construct(this ?? SharedMemory, openObject(path, read));
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
      }
      try {
        const made = attempt(() => native.MmapMut.createShared(...args), path);
        return construct(this ?? SharedMemory, ofNew(made, path, read));
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    }
  }

  /**
   * Maps the whole of an object that another process or thread has created.
   *
   * @param name - As for {@link SharedMemory.create}.
   * @param options - How to map it.
   * @throws TypeError; MmapError `ENOENT`, `EACCES`, ...
   */
  static override open<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    options: SharedMemoryOpenOptions & { shared: true },
  ): Shared<Class['prototype']>;
  static override open<Class extends MapClass<SharedMemory>>(
    this: Class | void,
    name: string,
    options?: SharedMemoryOpenOptions,
  ): Class['prototype'];
  static override open(
    this: MapClass<SharedMemory> | void,
    name: string,
    options?: SharedMemoryOpenOptions,
  ): SharedMemory {
    const path = checkName(name);
    return construct(this ?? SharedMemory, openObject(path, readGuardedOptions(options)));
  }

  /**
   * Not for shared memory, which is opened by its name.
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED`, always.
   */
  static override from(): never {
    throw namelessError('from()', 'SharedMemory.open(name), or MmapMut.from(descriptor)');
  }

  /**
   * Not for shared memory, which has a name.
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED`, always.
   */
  static override anonymous(): never {
    throw namelessError('anonymous()', 'SharedMemory.create(name, length) or MmapMut.anonymous()');
  }

  /**
   * Returns a name of 23 characters that no object has: random, so that no other process makes the
   * same.
   */
  static generateName(): string {
    return `memmap-${randomBytes(8).toString('hex')}`;
  }

  /**
   * Removes the name: no process can open the object any more, and its memory is released when the
   * last map of it closes.
   *
   * On Windows the name stays until the last map closes, and an object that another process has
   * created also until that one unlinks it or ends.
   *
   * @throws TypeError; MmapError `ENOENT`, `EACCES`, ...
   */
  static unlink(name: string): void {
    const checked = checkName(name);
    attempt(() => native.unlinkShared(checked), checked);
    keepOnExit(checked);
  }

  /**
   * Tells whether there is an object of that name, be it one that this process may not open.
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
      if (refusal.code === 'EACCES' || refusal.code === 'EPERM') return true;
      throw refusal;
    }
  }

  /**
   * Lists the names of all objects, those of other programs included. Linux only.
   *
   * @throws MmapError `ERR_MMAP_UNSUPPORTED` elsewhere: macOS and Windows offer no list.
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
        // C's named semaphores live there, too (sem_overview(7)), and objects that are being made.
        .filter((entry) => entry.isFile() && !/^(?:sem\.|\.memmap-)/.test(entry.name))
        .map((entry) => entry.name)
    );
  }

  /**
   * Whether the name belongs to another object by now, or to none: it was unlinked. The map goes on
   * with its own object. Always false on Windows, where the name stays with the object; false on macOS,
   * too, while any object has the name, since macOS does not tell one from another.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, and with the system's code.
   */
  override get replaced(): boolean {
    const { native: own, path } = memoryOf(this);
    return attempt(() => {
      const mine = own.identity();
      // A name stays that of its object while any process has a map of it.
      if (process.platform === 'win32') return false;
      let named: Binding.MmapMut;
      try {
        named = native.MmapMut.openShared(this.name);
      } catch (error) {
        const failure = fromNative(error, path);
        if (failure instanceof MmapError && failure.code === 'ENOENT') return true;
        throw error;
      }
      const other = named.identity();
      named.close();
      return other !== mine;
    }, path);
  }

  /** The object's name. */
  get name(): string {
    return this.path ?? '';
  }
}
