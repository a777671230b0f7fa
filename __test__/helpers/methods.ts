/**
 * Every public member of every public class, with what each of its arguments takes and refuses.
 * A test fails where a member has no row here: add yours at the place its class has in the table.
 */
import { inspect } from 'node:util';
import { type MemoryMap, Mmap, MmapCow, MmapMut } from 'memmap';

/** The class and code of an error, such as `RangeError ERR_OUT_OF_RANGE`. */
export type Refusal = string;

export const WRONG_TYPE: Refusal = 'TypeError ERR_INVALID_ARG_TYPE';
export const WRONG_VALUE: Refusal = 'TypeError ERR_INVALID_ARG_VALUE';
export const OUT_OF_RANGE: Refusal = 'RangeError ERR_OUT_OF_RANGE';
export const CLOSED: Refusal = 'MmapError ERR_MMAP_CLOSED';

/** One argument or option. */
export interface Parameter {
  /** A value that the method takes, on a map of {@link LENGTH} bytes. */
  valid: unknown;
  /** How a value is refused; null where it is none of the bad ones for this parameter. */
  refuses: (value: unknown) => Refusal | null;
  /** Set where undefined is refused. */
  required?: true;
  /** Of an options object: its options. */
  options?: Record<string, Parameter>;
}

/** A member of a class: its arguments in order, and whether it works on a closed map. */
export interface Member {
  parameters?: Parameter[];
  worksClosed?: true;
  /** Set where it works though bytes of the map are lost. */
  worksLost?: true;
  /** The classes that have it and answer `ERR_MMAP_UNSUPPORTED`. */
  unsupportedBy?: (className: string) => boolean;
}

/** How long the map is that the methods of the table are called on, in bytes. */
export const LENGTH = 64;

// What kinds of argument there are.

const isNumeric = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/** An integer within the map's length, strictly checked. */
export const integer = (valid: number): Parameter => ({
  valid,
  refuses: (value) => (isNumeric(value) ? OUT_OF_RANGE : WRONG_TYPE),
});

/** The length of something new, which 2**32 may be. */
export const newLength = (valid: number): Parameter => ({
  valid,
  refuses: (value) => {
    if (value === 2 ** 32) return null;
    return isNumeric(value) ? OUT_OF_RANGE : WRONG_TYPE;
  },
});

/** A position as Buffer's methods take it: clamped, but an integer all the same. */
export const position = (valid: number): Parameter => ({
  valid,
  refuses: (value) => {
    if (!isNumeric(value)) return WRONG_TYPE;
    const whole = typeof value === 'bigint' || Math.trunc(value) === value;
    return whole ? null : OUT_OF_RANGE;
  },
});

export const boolean: Parameter = {
  valid: true,
  refuses: (value) => (typeof value === 'boolean' ? null : WRONG_TYPE),
};

export const callback: Parameter = {
  valid: () => {},
  refuses: (value) => (typeof value === 'function' ? null : WRONG_TYPE),
};

export const signal: Parameter = { valid: new AbortController().signal, refuses: () => WRONG_TYPE };

export const encoding: Parameter = {
  valid: 'latin1',
  refuses: (value) => (typeof value === 'string' ? WRONG_VALUE : WRONG_TYPE),
};

/** What is written to a map; `lone` says how a lone number is refused. */
export const bytes = (valid: unknown, lone: { number: Refusal; empty: boolean }): Parameter => ({
  valid,
  required: true,
  refuses: (value) => {
    if (typeof value === 'number') return lone.number;
    if (value === '' && !lone.empty) return WRONG_VALUE;
    return typeof value === 'string' || ArrayBuffer.isView(value) ? null : WRONG_TYPE;
  },
});

/** Any object may be an options object, but not an array, a function or null. */
export const options = (known: Record<string, Parameter>): Parameter => ({
  valid: {},
  options: known,
  refuses: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? null : WRONG_TYPE,
});

/** What is searched for literally; `lists` says whether several needles, too. */
const needle = (lists: boolean): Parameter => ({
  valid: 'text',
  required: true,
  refuses: (value) => {
    if (typeof value === 'number')
      return Number.isInteger(value) && value >= 0 && value < 256 ? null : OUT_OF_RANGE;
    if (lists && Array.isArray(value)) return value.length === 0 ? WRONG_VALUE : null;
    return typeof value === 'string' || ArrayBuffer.isView(value) ? null : WRONG_TYPE;
  },
});

const expression: Parameter = {
  valid: /x(y)?/,
  required: true,
  refuses: (value) => (typeof value === 'string' ? null : WRONG_TYPE),
};

export const required = (parameter: Parameter): Parameter => ({ ...parameter, required: true });

/** The path of an existing file. No bad string is tried where it would name a file to create. */
const existing = (path: string): Parameter => ({
  valid: path,
  required: true,
  refuses: (value) => {
    if (typeof value === 'number') return OUT_OF_RANGE;
    return typeof value === 'string' || ArrayBuffer.isView(value) ? 'MmapError ENOENT' : WRONG_TYPE;
  },
});

const toCreate = (path: string): Parameter => ({
  valid: path,
  required: true,
  refuses: (value) => (typeof value === 'string' || ArrayBuffer.isView(value) ? null : WRONG_TYPE),
});

/** A descriptor of the first bytes of an existing file; none yet where there is no path. */
const descriptor = (path: string): Parameter => {
  const describe = () => {
    using map = Mmap.open(path, { length: 8 });
    return map.descriptor();
  };
  return { valid: path === '' ? {} : describe(), required: true, refuses: () => WRONG_TYPE };
};

const hint: Parameter = {
  valid: 'random',
  required: true,
  refuses: (value) => (typeof value === 'string' ? WRONG_VALUE : WRONG_TYPE),
};

// What members there are.

/** Only false is tried of what needs a newer runtime. */
const shared: Parameter = { ...boolean, valid: false };
const memoryOptions = { populate: boolean, hugePages: boolean, shared, onFault: callback };
/** How many threads; the table's bad values are none of these numbers. */
const concurrency: Parameter = integer(2);
const openOptions = options({
  concurrency,
  // The end of the file: only what reaches that can have a reserve.
  offset: integer(LENGTH - 8),
  length: integer(8),
  reserve: newLength(LENGTH),
  keepDescriptor: boolean,
  guard: boolean,
  ...memoryOptions,
});
/** Reserved huge pages are on few machines, so `true` is not tried. */
const transparent: Parameter = { ...boolean, valid: 'transparent' };
const job = { signal, onProgress: callback };
const threadedJob = { ...job, concurrency };
const jobOptions = options(job);
const range = { start: integer(8), end: integer(16) };
/** Where to start, or an encoding in its place, as in Buffer's methods; or options. */
const positionOrRange: Parameter = {
  valid: 8,
  options: { ...range, encoding },
  refuses: (value) => {
    if (typeof value === 'string') return WRONG_VALUE;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? null : position(8).refuses(value);
  },
};
const finding = { limit: newLength(4), which: boolean };
const byteType: Parameter = {
  valid: 'bytes',
  refuses: (value) => (typeof value === 'string' ? WRONG_VALUE : WRONG_TYPE),
};
const line = { encoding, keepEnds: boolean };
const every: Parameter = {
  valid: 2048,
  refuses: (value) => (isNumeric(value) ? OUT_OF_RANGE : WRONG_TYPE),
};
const index = { ...line, every };

/** The static methods, by class; `path` is an existing file, `fresh` names none yet. */
const creation = (fresh: string): Parameter[] => [
  toCreate(fresh),
  required(newLength(8)),
  options({
    reserve: newLength(LENGTH),
    overwrite: boolean,
    allocate: boolean,
    mode: integer(0o600),
    ...memoryOptions,
  }),
];

export const statics = (path: string, fresh: string): Record<string, Parameter[]> => ({
  'Mmap.open': [existing(path), openOptions],
  'MmapMut.open': [existing(path), openOptions],
  'MmapCow.open': [existing(path), openOptions],
  'MmapMut.create': creation(fresh),
  'MmapMut.createAsync': creation(fresh),
  'MmapMut.anonymous': [
    required(newLength(8)),
    options({ hugePages: transparent, noReserve: boolean, populate: boolean, shared }),
  ],
  'Mmap.from': [descriptor(path), options({ guard: boolean, concurrency, ...memoryOptions })],
  'MmapMut.from': [descriptor(path), options({ guard: boolean, concurrency, ...memoryOptions })],
  'MmapCow.from': [descriptor(path), options({ guard: boolean, concurrency, ...memoryOptions })],
});

/** Windows keeps the pages of files as it likes. */
const cannotEvict = (className: string) => className === 'MmapCow' || process.platform === 'win32';

/** The methods and getters of instances, by the class that defines them. */
export const MEMBERS: Record<string, Record<string | symbol, Member>> = {
  MemoryMap: {
    length: { worksClosed: true },
    offset: { worksClosed: true },
    path: { worksClosed: true },
    closed: { worksClosed: true },
    fileSize: { worksLost: true },
    replaced: { worksLost: true },
    faults: { worksClosed: true },
    buffer: {},
    subarray: { parameters: [position(8), position(16)] },
    copy: {
      parameters: [
        {
          valid: Buffer.alloc(16),
          required: true,
          refuses: (value) => (value instanceof Uint8Array ? null : WRONG_TYPE),
        },
        newLength(8),
        integer(8),
        newLength(16),
      ],
    },
    view: {
      parameters: [
        { valid: Uint8Array, required: true, refuses: () => WRONG_TYPE },
        integer(8),
        integer(8),
      ],
    },
    dataView: { parameters: [integer(8), integer(8)] },
    arrayBuffer: { parameters: [integer(8), integer(16), options({ copy: boolean })] },
    refresh: {},
    close: { worksClosed: true },
    [Symbol.dispose]: { worksClosed: true },
    [inspect.custom]: { worksClosed: true },
    advise: { parameters: [hint, integer(8), integer(16)] },
    prefetch: { parameters: [integer(8), integer(16), options({ ...job, concurrency })] },
    prefetchSync: { parameters: [integer(8), integer(16), options({ concurrency })] },
    tryRead: { parameters: [integer(8), integer(16)] },
    read: { parameters: [integer(8), integer(16), options({ signal })] },
    residency: { parameters: [integer(8), integer(16)] },
    mlock: { parameters: [integer(8), integer(16)] },
    munlock: { parameters: [integer(8), integer(16)] },
    evict: { parameters: [integer(8), integer(16), jobOptions], unsupportedBy: cannotEvict },
    evictSync: { parameters: [integer(8), integer(16)], unsupportedBy: cannotEvict },
    descriptor: {},
    indexOf: { parameters: [needle(false), positionOrRange, encoding] },
    lastIndexOf: { parameters: [needle(false), positionOrRange, encoding] },
    includes: { parameters: [needle(false), positionOrRange, encoding] },
    count: { parameters: [needle(true), options({ ...range, encoding, ...threadedJob })] },
    countSync: { parameters: [needle(true), options({ ...range, encoding })] },
    findAll: {
      parameters: [needle(true), options({ ...range, encoding, ...finding, ...threadedJob })],
    },
    findAllSync: { parameters: [needle(true), options({ ...range, encoding, ...finding })] },
    exec: { parameters: [expression, integer(8)] },
    matchAll: { parameters: [expression, options(range)] },
    scan: {
      parameters: [
        needle(true),
        options({ ...range, encoding, ...threadedJob, batch: newLength(8) }),
      ],
    },
    lines: { parameters: [options({ ...range, ...line })] },
    lineCount: { parameters: [options({ ...range, ...threadedJob })] },
    lineCountSync: { parameters: [options(range)] },
    lineIndex: { parameters: [options({ ...range, ...index, ...threadedJob })] },
    lineIndexSync: { parameters: [options({ ...range, ...index })] },
    cursor: { parameters: [integer(8)] },
    createReadStream: { parameters: [options({ ...range, highWaterMark: integer(8) })] },
    readable: { parameters: [options({ ...range, chunkSize: integer(8), type: byteType })] },
  },
  Mmap: {},
  WritableMap: {
    cursor: { parameters: [integer(8)] },
    arrayBuffer: { parameters: [integer(8), integer(16), options({ copy: boolean })] },
    write: {
      parameters: [bytes('text', { number: WRONG_TYPE, empty: true }), integer(8), encoding],
    },
    fill: {
      parameters: [
        bytes('text', { number: OUT_OF_RANGE, empty: false }),
        integer(8),
        integer(16),
        encoding,
      ],
    },
    fillAsync: {
      parameters: [
        bytes('text', { number: OUT_OF_RANGE, empty: false }),
        integer(8),
        integer(16),
        options({ encoding, ...job }),
      ],
    },
    copyWithin: { parameters: [required(integer(8)), required(integer(16)), integer(24)] },
    copyWithinAsync: {
      parameters: [required(integer(8)), required(integer(16)), integer(24), jobOptions],
    },
  },
  MmapMut: {
    atomic: {
      parameters: [required(integer(8)), { valid: Int32Array, refuses: () => WRONG_TYPE }],
    },
    advise: { parameters: [hint, integer(8), integer(16)] },
    flush: { parameters: [integer(8), integer(16), jobOptions] },
    flushSync: { parameters: [integer(8), integer(16)] },
    resize: { parameters: [required(newLength(LENGTH)), options({ allocate: boolean })] },
    resizeAsync: { parameters: [required(newLength(LENGTH)), options({ allocate: boolean })] },
  },
  MmapCow: {
    advise: { parameters: [hint, integer(8), integer(16)] },
    flush: { parameters: [integer(8), integer(16), jobOptions] },
    flushSync: { parameters: [integer(8), integer(16)] },
  },
};

/** An instance of a public class, and the map that it belongs to or is itself. */
export class Subject {
  constructor(
    readonly map: MemoryMap,
    readonly object: object = map,
  ) {}

  [Symbol.dispose](): void {
    this.map.close();
  }
}

/** Every public class but the errors, and how to get an instance over the file `path`. */
export const CLASSES: Record<string, (path: string) => Subject> = {
  Mmap: (path) => new Subject(Mmap.open(path)),
  MmapMut: (path) => new Subject(MmapMut.open(path)),
  MmapCow: (path) => new Subject(MmapCow.open(path)),
};

/** The members of an object that its classes define, from its own class upwards. */
export function* membersOf(object: object): Generator<[defining: string, name: string | symbol]> {
  let prototype: object = Object.getPrototypeOf(object);
  for (; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype)) {
    for (const name of Reflect.ownKeys(prototype)) {
      if (name !== 'constructor') yield [prototype.constructor.name, name];
    }
  }
}

/** Gets a member of an object, and calls it with the given arguments where it is a method. */
export function use(object: object, name: string | symbol, values: unknown[]): unknown {
  const member: unknown = Reflect.get(object, name);
  return typeof member === 'function' ? Reflect.apply(member, object, values) : member;
}

/** The arguments that a member takes. */
export const validArguments = (parameters: Parameter[] = []): unknown[] =>
  parameters.map(({ valid }) => valid);

/** How a call was refused, whether it threw or its promise was rejected; null if it was not. */
export async function refusalOf(call: () => unknown): Promise<Refusal | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (!(error instanceof Error)) return `not an Error: ${error}`;
    return `${error.name} ${Reflect.get(error, 'code')}`;
  }
}

/** A member of an object: whether it works on a closed map, and a call with valid arguments. */
export function member(
  object: object,
  defining: string,
  name: string | symbol,
): {
  worksClosed: boolean;
  worksLost: boolean;
  unsupportedBy: Member['unsupportedBy'];
  call: () => unknown;
} {
  const row = MEMBERS[defining]?.[name] ?? {};
  const { parameters, worksClosed = false, worksLost = worksClosed, unsupportedBy } = row;
  const values = name === inspect.custom ? [0, {}] : validArguments(parameters);
  return { worksClosed, worksLost, unsupportedBy, call: () => use(object, name, values) };
}

/** Members that end or mend the state of a map. */
const ENDING = new Set<string | symbol>(['close', 'refresh', Symbol.dispose]);

/**
 * Calls every member of a map but those that end or mend its state. Answers by name what each threw
 * (null if it worked), and whether it works where bytes are lost.
 */
export async function errorsOf(
  map: object,
): Promise<Map<string, { error: unknown; worksLost: boolean }>> {
  const errors = new Map<string, { error: unknown; worksLost: boolean }>();
  for (const [defining, name] of membersOf(map)) {
    if (ENDING.has(name)) continue;
    const { worksLost, call } = member(map, defining, name);
    let error: unknown = null;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    errors.set(String(name), { error, worksLost });
  }
  return errors;
}
