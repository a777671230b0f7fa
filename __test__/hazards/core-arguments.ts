/**
 * Every export of the native core is called with numbers that name no byte and with values of wrong
 * types, below the checks of `lib/`: each is an error, none changes a file or ends the process.
 */
import assert from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { native } from '../helpers/native';
import { newFile, newPath } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 3 * 4096;

/** What no offset and no length can be. */
const NO_SIZES = [
  Number.NaN,
  -1,
  -0.5,
  0.5,
  2 ** 53,
  2 ** 64,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

/** What is not even a number; nor a string, an array of bytes, a function or an object of ours. */
const WRONG_TYPES = [null, true, 1n, Symbol('wrong'), {}, [], new Float32Array(2)];

/** An argument that is an offset or a length in the map. */
class Size {
  constructor(
    readonly value: number,
    /** Whether anything beyond the map is refused, too. */
    readonly inMap = true,
  ) {}
}

/** An argument of any other kind; `optional` where null stands for none. */
class Other {
  constructor(
    readonly value: unknown,
    readonly optional = false,
  ) {}
}

type Argument = Size | Other;
type Calls = Record<string, Argument[]>;

const start = new Size(1);
const end = new Size(LENGTH);
const any = (value: number) => new Size(value, false);
const other = (value: unknown) => new Other(value);
const bytes = other(Buffer.from('ab'));
const path = newFile(LENGTH);
const location = native.Mmap.prototype.location.call(
  new native.Mmap(path, 0, undefined, 0, true, true),
);
const pattern = other(native.Pattern.literalsSync(Buffer.from('b'), Float64Array.of(1)));
const waits = other(new native.Waits(() => {}));
// A number of a job may be any: TypeScript counts them.
const threads = other(new native.Threads(() => {}));
const lane = other(new native.Lane(new native.Threads(() => {}), 1));
const id = other(0);
// TypeScript has checked which of these it is.
const flag = new Other(true, true);
const word = new Other(1, true);
// Bun takes anything, and calls it never.
const listener = new Other(() => {}, true);

/** How a new file is to be made. */
function newFileOptions(length: number) {
  return { length, reserve: 0, allocate: false, mode: 0o600, hugePages: false, populate: false };
}

const onEachMap: Calls = {
  acknowledgeStrayWrites: [],
  advise: [other('normal'), start, end],
  beside: [any(LENGTH)],
  close: [],
  copyOut: [other(Buffer.alloc(8)), new Size(4), new Size(0), new Size(4)],
  countLines: [lane, id, start, end, any(4096)],
  countLinesSync: [start, end, any(4096)],
  countSync: [pattern, start, end],
  evict: [start, end],
  evictSync: [start, end],
  faults: [],
  externalArrayBuffer: [start, end],
  externalSharedArrayBuffer: [start, end],
  fileSize: [],
  grow: [any(LENGTH)],
  find: [lane, id, pattern, start, end, end, other('offset'), any(10)],
  findSync: [pattern, start, end, other('offset'), any(10)],
  identity: [],
  isAt: [other(path)],
  indexOf: [bytes, start, end],
  lastIndexOf: [bytes, start, end],
  lineFeeds: [start, end, other(new Float64Array(4))],
  lineStart: [start, end, any(1), any(0)],
  location: [new Other(path, true)],
  lock: [start, end],
  nthLineFeed: [start, end, any(0)],
  isResident: [start, end],
  prefetch: [threads, id, start, end],
  prefetchSync: [start, end, word],
  read: [threads, id, start, end],
  reconcile: [lane, id, pattern, start, end, end, other('offset'), any(1)],
  releaseEarlier: [],
  remap: [any(LENGTH)],
  cached: [start, end],
  resident: [start, end],
  unlock: [start, end],
};

const onEachWritableMap: Calls = {
  copyWithin: [new Size(0), new Size(1), new Size(2)],
  copyWithinAsync: [new Size(0), new Size(1), new Size(2)],
  fill: [bytes, start, new Size(2)],
  fillAsync: [bytes, start, new Size(2)],
  write: [bytes, start],
};

const onMutableMaps: Calls = {
  flush: [start, end],
  flushSync: [start, end],
  setFileSize: [any(LENGTH), flag],
  setFileSizeAsync: [any(LENGTH), flag],
  wait: [new Size(4), word, word, other(0)],
  waitAsync: [waits, other(1), new Size(4), word, word, new Size(8), word],
  wake: [new Size(4), word],
};

const opening = [other(path), any(0), any(LENGTH), any(LENGTH), flag, flag];

const factories: Record<string, Calls> = {
  Mmap: { new: opening, reopen: [other(location), any(0), any(LENGTH), flag] },
  MmapCow: { new: opening, reopen: [other(location), any(0), any(LENGTH), flag] },
  MmapMut: {
    new: opening,
    reopen: [other(location), any(0), any(LENGTH), flag],
    anonymous: [any(LENGTH), flag, flag],
    create: [other(newPath()), new Other(undefined, true), other(newFileOptions(LENGTH))],
    createAsync: [other(newPath()), new Other(undefined, true), other(newFileOptions(LENGTH))],
    createShared: [other('/memmap-no-such'), other(newFileOptions(LENGTH))],
    createSharedAsync: [other('/memmap-no-such'), other(newFileOptions(LENGTH))],
    openShared: [other('/memmap-no-such')],
  },
  FileLock: { new: [other(path), flag, any(0), any(1)] },
  Pattern: {
    literals: [bytes, other(Float64Array.of(2))],
    literalsSync: [bytes, other(Float64Array.of(2))],
    regex: [other('x'), word],
    regexSync: [other('x'), word],
  },
  Lane: { new: [threads, any(1)] },
  PendingWait: {},
  Threads: { new: [listener] },
  Waits: { new: [listener] },
};

const functions: Calls = {
  canShare: [],
  detach: [],
  faultFlags: [],
  firstFaults: [],
  isAbandoned: [word],
  listenForFaults: [listener],
  lockLimit: [],
  pageSize: [],
  poolLoad: [],
  raised: [word],
  threadNamespace: [],
  threadSignature: [],
  unlinkShared: [other('/memmap-no-such')],
  waiterThreads: [],
  waitsForMany: [],
};

/** What a call or its promise throws; null for nothing. */
async function refusalOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    assert(error instanceof Error, String(error));
    return error.message;
  }
}

/** Tries each argument of one call, the others being right. */
async function tryArguments(
  what: string,
  args: Argument[],
  call: (values: unknown[]) => unknown,
): Promise<void> {
  const valid = args.map((argument) => argument.value);
  for (const [index, argument] of args.entries()) {
    const withValue = (value: unknown) =>
      refusalOf(() => call(Object.assign([...valid], { [index]: value })));
    for (const value of WRONG_TYPES) {
      if (argument instanceof Other && (argument.optional || argument.value === 0)) {
        await withValue(value);
        continue;
      }
      // An ArrayBuffer, a Location and the like may be more than is asked for.
      const refusal = await withValue(value);
      const mayBe = value === null || (typeof value === 'object' && argument instanceof Other);
      assert(refusal !== null || mayBe, `${what}: argument ${index} may be ${String(value)}`);
    }
    if (!(argument instanceof Size)) continue;
    for (const value of argument.inMap ? [...NO_SIZES, LENGTH + 1, 2 ** 53 - 1] : NO_SIZES) {
      const refusal = (await withValue(value)) ?? 'nothing';
      // Copy-on-write maps refuse any eviction.
      const codes = /^memmap\|(ERR_OUT_OF_RANGE|ERR_MMAP_UNSUPPORTED\|\|\|evicting)/;
      assert.match(refusal, codes, `${what}: argument ${index} = ${value}`);
    }
  }
}

/** The names of what a class or its instances have. */
function methods(object: object): string[] {
  const found = Object.entries(Object.getOwnPropertyDescriptors(object));
  return found
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name]) => name);
}

async function main(): Promise<void> {
  const classes = Object.entries(factories).map(([name, calls]) => ({
    name,
    calls,
    native: Reflect.get(native, name),
  }));
  // A new export must come with a row above.
  assert.deepStrictEqual(
    methods(native).sort(),
    [...Object.keys(factories), ...Object.keys(functions)].sort(),
  );
  for (const { name, calls, native } of classes) {
    const statics = methods(native).concat('new' in calls ? ['new'] : []);
    assert.deepStrictEqual(statics.sort(), Object.keys(calls).sort(), name);
    for (const [method, args] of Object.entries(calls)) {
      await tryArguments(`${name}.${method}`, args, (values) =>
        method === 'new' ? Reflect.construct(native, values) : native[method](...values),
      );
    }
  }
  for (const [name, args] of Object.entries(functions)) {
    const called = Reflect.get(native, name);
    if (name !== 'detach') await tryArguments(name, args, (values) => called(...values));
  }
  for (const { name, native } of classes.filter(({ name }) => name.startsWith('Mmap'))) {
    const calls = {
      ...onEachMap,
      ...(name === 'Mmap' ? {} : onEachWritableMap),
      ...(name === 'MmapMut' ? onMutableMaps : {}),
    };
    assert.deepStrictEqual(methods(native.prototype).sort(), Object.keys(calls).sort(), name);
    const file = newFile(LENGTH);
    for (const [method, args] of Object.entries(calls)) {
      const map = new native(file, 0, undefined, 0, true, true);
      await tryArguments(`${name}.${method}`, args, (values) => map[method](...values));
      map.close();
    }
    assert(consistsOf(readFileSync(file).subarray(16), 0x61), `${name} changed its file`);
    assert.strictEqual(readFileSync(file).length, LENGTH);
  }
  // Lengths of nothing, and blocks and batches of nothing.
  const map = new native.MmapMut(path, 0, undefined, 0, true, true);
  const pattern = native.Pattern.literalsSync(Buffer.from('b'), Float64Array.of(1));
  const range = /ERR_OUT_OF_RANGE/;
  // Within an object, and within an array.
  for (const value of NO_SIZES) {
    const options = newFileOptions(value);
    const made = newPath();
    assert.throws(() => native.MmapMut.create(made, undefined, options), range);
    await assert.rejects(async () => native.MmapMut.createAsync(made, undefined, options), range);
    assert.throws(() => native.MmapMut.createShared('/memmap-no-such', options), range);
    await assert.rejects(
      async () => native.MmapMut.createSharedAsync('/memmap-no-such', options),
      range,
    );
    assert(!existsSync(made));
    const lengths = Float64Array.of(value);
    assert.throws(() => native.Pattern.literalsSync(Buffer.from('ab'), lengths), range);
    await assert.rejects(async () => native.Pattern.literals(Buffer.from('ab'), lengths), range);
  }
  assert.throws(() => map.countLinesSync(0, LENGTH, 0), range);
  assert.throws(() => map.findSync(pattern, 0, LENGTH, 'offset', 0), range);
  const own = new native.Lane(new native.Threads(() => {}), 1);
  assert.throws(() => map.countLines(own, 1, 0, LENGTH, 0), range);
  assert.throws(() => map.find(own, 1, pattern, 0, 1, LENGTH, 'offset', 0), range);
  map.fill(new Uint8Array(0), 0, LENGTH);
  map.write(new Uint8Array(0), LENGTH);
  map.copyOut(new Uint8Array(0), 0, LENGTH, LENGTH);
  // Into itself, and out of range on the side of the target.
  const target = new Uint8Array(map.externalArrayBuffer(0, 16));
  map.write(Buffer.from('0123456789'), 0);
  map.copyOut(target, 2, 0, 8);
  assert.strictEqual(Buffer.from(target).toString('latin1', 0, 10), '0101234567');
  assert.throws(() => map.copyOut(target, 9, 0, 8), range);
  assert.throws(() => map.copyOut(target, 17, 0, 0), range);
  map.close();
  survived();
}

main();
