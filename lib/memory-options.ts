/** The options that say how a file is mapped, and not which part of it. */
import { checkBoolean, checkFunction } from './arguments';
import { MmapError } from './errors';
import type { FaultListener } from './faults';
import { Memory } from './memory';
import { type NativeMap, native } from './native';

/** How to map a file. */
export interface MemoryOptions {
  /**
   * Whether to read the whole range into memory before the call returns, which blocks for as long
   * as the disk takes: see {@link Mmap.prefetch} for the way that does not. Default false.
   */
  populate?: boolean;
  /**
   * Whether to ask the kernel for huge pages where it can use them: on Linux for files in shared
   * memory (`/dev/shm`, where the administrator allows it) and for read-only files of some file
   * systems. A hint, as `advise('hugepage')`: never an error. Default false.
   */
  hugePages?: boolean;
  /**
   * Whether Buffers of the map are made over a SharedArrayBuffer: `map.buffer.buffer` can be posted
   * to workers, which then see the same memory without a copy, even after this thread has ended.
   * V8 does not count its length as memory in use, so that making a Buffer sets off no garbage
   * collection.
   *
   * It can never be detached: after {@link Mmap.close} its views read as zeros. Once a Buffer was
   * made, the map cannot be resized, and refreshed only while the file keeps its size
   * (`ERR_MMAP_IN_USE`).
   *
   * Node.js 22.23.3 and later 22, 24.16 and later 24, 26.1 and later, Bun 1.4 and later; elsewhere
   * `ERR_MMAP_UNSUPPORTED`. Default false.
   */
  shared?: boolean;
  /**
   * Whether faults in the map are survived and reported: a file that another process cuts, a disk
   * that is full or broken, a write into the Buffer of a read-only map. Without the guard the first
   * two end the process with SIGBUS, as in any other program, and the third goes unnoticed (the
   * file stays unchanged all the same). The environment variable `MEMMAP_GUARD=0` turns it off for
   * the whole process. Default true.
   */
  guard?: boolean;
  /**
   * Called on this thread's event loop soon after a fault was survived; the next method call on
   * the map throws it in any case.
   */
  onFault?: FaultListener;
}

/** The option `shared`, refused where the runtime has no such SharedArrayBuffers. */
export function checkShared(value: unknown): boolean {
  const shared = checkBoolean(value, 'options.shared', false);
  if (shared && !native.canShare()) {
    throw new MmapError(
      'ERR_MMAP_UNSUPPORTED',
      `this runtime (${runtime()}) cannot make a SharedArrayBuffer of a map's memory. Node.js ` +
        '22.23.3 and later 22, 24.16 and later 24, 26.1 and later, and Bun 1.4 and later can; ' +
        'elsewhere, post map.descriptor() to the worker and open the file there',
    );
  }
  return shared;
}

function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}

type CheckedOptions = Required<Omit<MemoryOptions, 'onFault'>> & Pick<MemoryOptions, 'onFault'>;

/** Reads the options once. */
export function checkMemoryOptions(given: Partial<MemoryOptions>): CheckedOptions {
  return {
    guard: checkBoolean(given.guard, 'options.guard', true),
    onFault: checkFunction(given.onFault, 'options.onFault'),
    populate: checkBoolean(given.populate, 'options.populate', false),
    hugePages: checkBoolean(given.hugePages, 'options.hugePages', false),
    shared: checkShared(given.shared),
  };
}

/** The memory of a file that was just mapped, as the options want it. */
export function makeMemory<Native extends NativeMap>(
  opened: Native,
  path: string | null,
  offset: number,
  { populate, hugePages, shared, onFault }: CheckedOptions,
): Memory<Native> {
  const memory = new Memory(opened, path, offset, onFault, shared);
  try {
    memory.run(() => {
      if (hugePages) opened.advise('hugepage', 0, memory.length);
      if (populate) opened.prefetchSync(0, memory.length);
    });
  } catch (error) {
    memory.close();
    throw error;
  }
  return memory;
}
