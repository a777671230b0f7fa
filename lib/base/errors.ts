import { getSystemErrorMap } from 'node:util';

/** The system call that failed, and how. */
interface SystemRefusal {
  syscall: string;
  errno: number;
}

/**
 * A failure that is not the fault of an argument. Either the operating system refused (`code` is
 * then `'ENOENT'`, `'EACCES'`, ... as Node spells them), or the map is in a state in which the call
 * makes no sense (`code` then begins with `ERR_MMAP_`).
 *
 * A wrong type of an argument is a `TypeError` with the code `ERR_INVALID_ARG_TYPE`. A value out
 * of range is a `RangeError` with the code `ERR_OUT_OF_RANGE`. Both are as in Node's own modules.
 *
 * ```js
 * import { Mmap, MmapError } from 'memmap';
 *
 * try {
 *   Mmap.open('missing.bin');
 * } catch (error) {
 *   if (!(error instanceof MmapError)) throw error;
 *   error.code; // => 'ENOENT'
 *   error.path; // => 'missing.bin'
 * }
 * ```
 */
export class MmapError extends Error {
  /** A stable identifier: a system error's name, or one of memmap's own `ERR_MMAP_...` codes. */
  readonly code: string;
  /** The system call that was refused; undefined for memmap's own codes. */
  declare readonly syscall?: string;
  /** The number of the system's error as libuv counts it (negative); undefined for own codes. */
  declare readonly errno?: number;
  /** The path that the map was opened with, where there was one. */
  declare readonly path?: string;

  /** @internal */
  constructor(code: string, message: string, path: string | null = null, system?: SystemRefusal) {
    super(message);
    this.code = code;
    if (system !== undefined) {
      this.syscall = system.syscall;
      this.errno = system.errno;
    }
    if (path !== null) this.path = path;
  }

  static {
    // Not an own property, as with the built-in errors.
    Object.defineProperty(MmapError.prototype, 'name', {
      value: 'MmapError',
      configurable: true,
      writable: true,
    });
  }
}

function withCode<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code });
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object';
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `type ${typeof value} (${text.length > 40 ? `${text.slice(0, 40)}...` : text})`;
}

/** The error for an argument of a wrong type. */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  return withCode(
    new TypeError(`The "${name}" argument must be ${expected}. Received ${describe(value)}`),
    'ERR_INVALID_ARG_TYPE',
  );
}

/** The error for `new` on a class whose instances only memmap makes. */
export function illegalConstructor(name: string): TypeError {
  return withCode(
    new TypeError(`${name} has no public constructor; call a static method such as ${name}.open()`),
    'ERR_ILLEGAL_CONSTRUCTOR',
  );
}

/** The error for an argument of the right type that no map could take. */
export function invalidValue(name: string, reason: string, value: unknown): TypeError {
  return withCode(
    new TypeError(`The "${name}" argument ${reason}. Received ${describe(value)}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

/** The error for a number that is out of range. */
export function outOfRange(name: string, allowed: string, value: unknown): RangeError {
  const given = typeof value === 'bigint' ? `${value}n` : String(value);
  return withCode(
    new RangeError(
      `The value of "${name}" is out of range. It must be ${allowed}. Received ${given}`,
    ),
    'ERR_OUT_OF_RANGE',
  );
}

/** The error for a call on a closed map. */
export function closedError(path: string | null): MmapError {
  const which = path === null ? 'the map' : `the map of '${path}'`;
  return new MmapError('ERR_MMAP_CLOSED', `${which} is closed; open it again to use it`, path);
}

/** The error for what began before a map became shorter or was mapped afresh, and cannot go on. */
export function changedError(path: string | null): MmapError {
  const which = path === null ? 'the map' : `the map of '${path}'`;
  return new MmapError(
    'ERR_MMAP_CHANGED',
    `${which} was resized or refreshed since; it is open: begin again, with new Buffers`,
    path,
  );
}

/** The error for a wait that took longer than the caller allowed. */
export function timeoutError(what: string, timeout: number, path: string | null): MmapError {
  return new MmapError(
    'ERR_MMAP_TIMEOUT',
    `timed out after ${timeout} ms waiting for ${what}; retry, or raise \`timeout\``,
    path,
  );
}

/** The error that ends a promise whose signal was aborted. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true });
  return withCode(error, 'ABORT_ERR');
}

/**
 * The public error for what the native core threw. The core writes its failures as
 * `memmap|code|syscall|errno|message` (`src/error/mod.rs`); anything else is passed on as it is.
 */
export function fromNative(error: unknown, path: string | null): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('memmap|')) return error;
  const [, code = '', syscall = '', errno = '', ...rest] = error.message.split('|');
  const message = rest.join('|');
  if (code === 'ERR_OUT_OF_RANGE') return withCode(new RangeError(message), code);
  const place = path === null ? '' : ` '${path}'`;
  if (code !== 'SYSTEM' && code !== 'REFUSED') {
    return new MmapError(code, place === '' ? message : `${message} (${path})`, path);
  }
  const [name, description] = getSystemErrorMap().get(Number(errno)) ?? [`E${errno}`, message];
  const text = code === 'SYSTEM' ? description : message;
  return new MmapError(name, `${name}: ${text}, ${syscall}${place}`, path, {
    syscall,
    errno: Number(errno),
  });
}

/** A refusal of the system with what is allowed and what to do; other errors as they are. */
export function withAdvice(error: unknown, advice: string): unknown {
  if (!(error instanceof MmapError)) return error;
  const { code, message, path = null, syscall, errno } = error;
  if (syscall === undefined || errno === undefined) return error;
  return new MmapError(code, `${message}: ${advice}`, path, { syscall, errno });
}

/** Runs a native call; what it throws becomes the public error. */
export function attempt<T>(call: () => T, path: string | null): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error, path);
  }
}
