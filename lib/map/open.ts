/** From a file, a descriptor, a length or a name to a {@link Memory}. */
import { randomBytes } from 'node:crypto';
import { dirname, sep } from 'node:path';
import {
  checkFile,
  checkFilePath,
  checkInteger,
  type FileLike,
  type Integer,
} from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, fromNative, MmapError, withAdvice } from '../base/errors';
import { type NativeMap, native } from '../base/native';
import type { FaultListener } from '../memory/faults';
import { Memory, type Origin } from '../memory/memory';
import { checkDescriptor, type MapDescriptor } from './descriptor';
import {
  type AnonymousOptions,
  type CreateOptions,
  type MemoryOptions,
  type OpenOptions,
  type ReadMemoryOptions,
  readAnonymousOptions,
  readCreateOptions,
  readMemoryOptions,
  readOpenOptions,
} from './options';

/** A native class, as far as it opens files. */
interface NativeClass<Native extends NativeMap> {
  new (
    source: string | Uint8Array | number,
    offset: number,
    length: number | undefined,
    reserve: number,
    guarded: boolean,
    keepDescriptor: boolean,
  ): Native;
  reopen(location: Binding.Location, offset: number, length: number, guarded: boolean): Native;
}

/** Opens a file. */
export function openFile<Native extends NativeMap>(
  nativeClass: NativeClass<Native>,
  file: FileLike,
  options: OpenOptions | undefined,
): Memory<Native> {
  const { source, path } = checkFile(file);
  const read = readOpenOptions(options);
  const { offset, length, reserve, guard, keepDescriptor } = read;
  let opened: Native;
  try {
    opened = new nativeClass(source, offset, length ?? undefined, reserve, guard, keepDescriptor);
  } catch (error) {
    const refusal = fromNative(error, path);
    // What Windows says has one name for every kind of denied access.
    const denied = process.platform === 'win32' ? 'EPERM' : 'EACCES';
    throw typeof source === 'number' && refusal instanceof MmapError && refusal.code === denied
      ? withAdvice(
          refusal,
          'the descriptor must be open for reading, for a MmapMut also for writing',
        )
      : refusal;
  }
  return prepared(opened, { path, offset, requested: length }, read);
}

/** Opens the file that a descriptor names. */
export function openDescriptor<Native extends NativeMap>(
  nativeClass: NativeClass<Native>,
  descriptor: MapDescriptor,
  options: MemoryOptions | undefined,
): Memory<Native> {
  const { location, path, offset, length } = checkDescriptor(descriptor);
  const read = readMemoryOptions(options);
  const opened = attempt(() => nativeClass.reopen(location, offset, length, read.guard), path);
  return prepared(opened, { path, offset, requested: length }, read);
}

/** The arguments with which the core creates a file, and the options that are not for the core. */
interface NewFile {
  path: string;
  shared: boolean;
  onFault: FaultListener | undefined;
  args: Parameters<typeof native.MmapMut.create>;
}

function readNewFile(
  path: string | Uint8Array | URL,
  length: Integer,
  options: CreateOptions | undefined,
): NewFile {
  const file = checkFilePath(path);
  const size = checkInteger(length, 'length');
  const { reserve, overwrite, allocate, mode, hugePages, populate, shared, onFault } =
    readCreateOptions(options);
  if (reserve > 0) checkInteger(reserve, 'options.reserve', size);
  const temporary = overwrite ? temporaryBeside(file.source) : undefined;
  return {
    path: file.path,
    shared,
    onFault,
    args: [file.source, temporary, { length: size, reserve, allocate, mode, hugePages, populate }],
  };
}

function ofNewFile(
  created: Binding.MmapMut,
  { path, shared, onFault }: NewFile,
): Memory<Binding.MmapMut> {
  return new Memory(created, { path, offset: 0, requested: null }, shared, onFault);
}

/** Creates a file. */
export function createFile(
  path: string | Uint8Array | URL,
  length: Integer,
  options: CreateOptions | undefined,
): Memory<Binding.MmapMut> {
  const file = readNewFile(path, length, options);
  return ofNewFile(
    attempt(() => native.MmapMut.create(...file.args), file.path),
    file,
  );
}

/** Creates a file off the main thread. */
export async function createFileAsync(
  path: string | Uint8Array | URL,
  length: Integer,
  options: CreateOptions | undefined,
): Promise<Memory<Binding.MmapMut>> {
  const file = readNewFile(path, length, options);
  const created = await native.MmapMut.createAsync(...file.args).catch((error) => {
    throw fromNative(error, file.path);
  });
  return ofNewFile(created, file);
}

/**
 * A path beside `path` that no other file has. Its name does not begin with the file's: that may
 * have the greatest length already.
 */
function temporaryBeside(path: string | Uint8Array): string | Uint8Array {
  const name = `${sep}.memmap-${randomBytes(8).toString('hex')}.tmp`;
  if (typeof path === 'string') return dirname(path) + name;
  // latin1 maps bytes to characters and back one to one.
  return Buffer.from(dirname(Buffer.from(path).toString('latin1')) + name, 'latin1');
}

/** Makes memory that belongs to no file. */
export function makeAnonymous(
  length: Integer,
  options: AnonymousOptions | undefined,
): Memory<Binding.MmapMut> {
  const size = checkInteger(length, 'length');
  const { hugePages, noReserve, populate, shared } = readAnonymousOptions(options);
  const isReserved = hugePages === true;
  let made: Binding.MmapMut;
  try {
    made = native.MmapMut.anonymous(size, isReserved, noReserve);
  } catch (error) {
    const refusal = fromNative(error, null);
    throw isReserved
      ? withAdvice(refusal, 'too few huge pages are reserved; see nr_hugepages')
      : refusal;
  }
  if (hugePages === 'transparent') made.advise('hugepage', 0, size);
  // Reading would only map the one page of zeros that all share until they are written.
  if (populate && !made.advise('populate-write', 0, size)) made.fill(Uint8Array.of(0), 0, size);
  return new Memory(made, { path: null, offset: 0, requested: null }, shared);
}

/** The memory of a file that was just mapped, as the options want it. */
export function prepared<Native extends NativeMap>(
  opened: Native,
  origin: Origin,
  { populate, concurrency, hugePages, shared, onFault }: ReadMemoryOptions,
): Memory<Native> {
  const memory = new Memory(opened, origin, shared, onFault);
  try {
    memory.call(() => {
      if (hugePages) opened.advise('hugepage', 0, memory.length);
      if (populate) opened.prefetchSync(0, memory.length, concurrency);
    });
  } catch (error) {
    memory.close();
    throw error;
  }
  return memory;
}
