/** The options of shared memory. */
import { checkBoolean, checkOptions } from '../base/arguments';
import {
  type MemoryOptions,
  type ReadMemoryOptions,
  readGuardedOptions,
  readMode,
} from './options';

/** How {@link SharedMemory.open} maps an object. */
export type SharedMemoryOpenOptions = Omit<MemoryOptions, 'guard' | 'concurrency'>;

/** How {@link SharedMemory.create} makes its object. */
export interface SharedMemoryOptions extends SharedMemoryOpenOptions {
  /** The permission bits of the object, before the process's umask. Default 0o600. Windows has none. */
  mode?: number | undefined;
  /**
   * Whether to unlink the name when the thread (the process, or the worker) that creates it ends,
   * also by SIGINT, SIGTERM or SIGHUP where the process does not listen to it. The name is left
   * where it means another object by then, except on macOS, which does not tell. A process that is
   * killed unlinks nothing, except on Windows, which unlinks at the end of a process in any case.
   * Default false.
   */
  unlinkOnExit?: boolean | undefined;
}

export function readSharedMemoryOptions(
  options: SharedMemoryOptions | undefined,
): ReadMemoryOptions & { mode: number; unlinkOnExit: boolean } {
  const { mode, unlinkOnExit } = checkOptions(options);
  return {
    mode: readMode(mode, 0o600),
    unlinkOnExit: checkBoolean(unlinkOnExit, 'options.unlinkOnExit', false),
    ...readGuardedOptions(options),
  };
}
