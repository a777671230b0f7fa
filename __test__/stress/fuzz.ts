/**
 * Plays random sequences of the whole API with everything that could disturb it: `node --expose-gc
 * fuzz.js SEED STEPS`. The process must not die, every error must be one of those promised, and what
 * `checks.ts` watches must stay right. With the same seed the same steps are played; what other
 * threads do meanwhile differs.
 */
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  openSync,
  read,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { deflateRaw } from 'node:zlib';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { Random } from '../helpers/random';
import { Canaries, ControlFile, ModelFile } from './checks';

type AnyMap = Mmap | MmapMut | MmapCow;

const [, , seed = '1', steps = '1000'] = process.argv;
const random = new Random(Number(seed));
const folder = mkdtempSync(join(tmpdir(), 'memmap-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const files = ['a', 'b', 'c'].map((name) => join(folder, name));
/** A hole, most of it behind the first 4 GiB. */
const large = join(folder, 'large');
const LARGE = 2 ** 32 + 300_000;

const control = new ControlFile(join(folder, 'control'));
const canaries = new Canaries(random);
const models = [
  new ModelFile(random, join(folder, 'model'), 0),
  new ModelFile(random, join(folder, 'unaligned'), 5001),
  new ModelFile(random, join(folder, 'far'), 2 ** 32 + 4093),
];

/** What is alive, in no order; old ones are dropped so that they are collected. */
const maps: AnyMap[] = [];
const buffers: Uint8Array[] = [];
const pending = new Set<Promise<unknown>>();
let step = 0;

const CODES =
  /^(ERR_MMAP_|ERR_OUT_OF_RANGE$|ERR_INVALID_ARG|ABORT_ERR$|EEXIST$|ENOENT$|EINVAL$|EAGAIN$|ENOMEM$|EPERM$)/;

/** The engine's own words about arrays that are detached or too short; Bun has others than V8. */
const ENGINE =
  /detached|out of bounds|out of range|invalid (typed array )?(length|offset)|outside the bounds|allocation failed/i;

/** How often things came about, to see what the steps really do. */
const counts = new Map<string, number>();

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** Errors that may come: the promised ones, and the runtime's own about Buffers that are detached. */
function allow(error: unknown): void {
  if (!(error instanceof Error)) throw error;
  const code: unknown = Reflect.get(error, 'code');
  const array = error instanceof TypeError || error instanceof RangeError;
  if (typeof code === 'string' && (CODES.test(code) || code === 'EFAULT')) count(code);
  else if (array && ENGINE.test(error.message)) count('detached');
  else if (error.name === 'DataCloneError') count(error.name);
  else throw error;
}

function later(promise: Promise<unknown>): void {
  const settled: Promise<unknown> = promise.catch(allow).finally(() => pending.delete(settled));
  pending.add(settled);
}

function keep<T>(pool: T[], thing: T, most: number): void {
  if (pool.length < most) pool.push(thing);
  else pool[random.below(most)] = thing;
}

/** Some file length: nothing, odd, or whole pages. */
function someLength(): number {
  return random.pick([0, 1, 4095, 4096, 4097, 65_536, random.below(300_000)]);
}

function somePosition(length: number): number {
  return random.pick([0, length, random.below(length + 1), random.below(length + 1), length + 1]);
}

function aMap(): AnyMap {
  const map = maps.length === 0 ? openOne() : random.pick(maps);
  // What follows on a closed map, or one that has lost bytes, is always the same error: make most
  // of them useful again.
  if (map.closed && random.below(10) > 0) {
    maps.splice(maps.indexOf(map), 1);
    return openOne();
  }
  const { truncated, io } = map.faults;
  if ((truncated || io !== null) && random.below(3) > 0) map.refresh();
  return map;
}

function aMutable(): MmapMut {
  const found = maps.filter((map) => map instanceof MmapMut && !map.closed);
  const map = found.length > 0 ? random.pick(found) : MmapMut.open(random.pick(files));
  if (found.length === 0) keep(maps, map, 30);
  return map as MmapMut;
}

function openOne(): AnyMap {
  const which = random.below(10);
  // Nothing that is done with a map that is not MmapMut may change the control file.
  const kinds = which === 0 ? [Mmap, MmapCow] : [Mmap, MmapMut, MmapCow];
  const path = which === 0 ? control.path : which === 1 ? large : random.pick(files);
  const far = [2 ** 32, LARGE - 100_001, LARGE - 65_536, 2 ** 31 + 5];
  const offset = random.pick(which === 1 ? far : [0, 0, 1, 4096, random.below(5000)]);
  const kind = random.pick(kinds);
  const map = kind.open(path, {
    offset,
    shared: random.below(8) === 0,
    populate: random.below(8) === 0,
    ...(which === 1 || random.below(3) === 0 ? { length: random.below(10_000) } : {}),
    ...(random.below(4) === 0 ? { onFault: () => {} } : {}),
  });
  keep(maps, map, 30);
  return map;
}

function aBuffer(): Uint8Array {
  if (buffers.length > 0 && random.below(2) === 0) {
    const known = random.pick(buffers);
    // One that is detached is used now and then, not always.
    if (known.length > 0 || random.below(10) === 0) return known;
  }
  const map = aMap();
  const { length } = map;
  const made = random.pick([
    () => map.buffer,
    () => map.subarray(somePosition(length), somePosition(length)),
    () => new Uint8Array(map.view(Uint8Array, random.below(length + 1)).buffer),
    () => new Uint8Array(map.dataView(random.below(length + 1)).buffer),
  ])();
  keep(buffers, made, 40);
  return made;
}

const HINTS =
  'normal random sequential willneed dontfork dofork mergeable unmergeable hugepage nohugepage ' +
  'dontdump dodump cold pageout populate-read dontneed populate-write free remove';

function someRange(map: AnyMap): [start: number, end: number] {
  const start = random.below(map.length + 1);
  return [start, start + random.below(map.length + 1 - start)];
}

/** Does something with a map, and counts where it worked. */
function inMemory<T>(call: (map: AnyMap) => T): T {
  const done = call(aMap());
  if (!(done instanceof Promise)) count('memory controlled');
  return done;
}

function writable(): MmapMut | MmapCow {
  const map = aMap();
  return map instanceof Mmap ? aMutable() : map;
}

/** FIFOs, each of which one read waits for: until something is written, its thread is in the kernel. */
const fifos: number[] = [];
for (const name of ['x', 'y'].map((name) => join(folder, name))) {
  if (spawnSync('mkfifo', [name]).status === 0) fifos.push(openSync(name, 'r+'));
}

/** Reads into a Buffer that may be gone before the kernel writes to it. */
async function readInto(buffer: Uint8Array): Promise<void> {
  const fifo = fifos.pop();
  if (buffer.length === 0 || fifo === undefined) {
    if (fifo !== undefined) fifos.push(fifo);
    return;
  }
  const length = Math.min(buffer.length, 4096);
  let rest = length;
  // The moment of the write is what the seed picks.
  setTimeout(() => writeSync(fifo, Buffer.alloc(length, 0xee)), random.below(10));
  try {
    rest -= (await promisify(read)(fifo, buffer, 0, length, null)).bytesRead;
    count('read into a Buffer');
  } finally {
    // Pages that may not be written end the read, by EFAULT or early: the next one must wait, too.
    if (rest > 0) await promisify(read)(fifo, Buffer.alloc(rest), 0, rest, null);
    fifos.push(fifo);
  }
}

/** What a transfer has made. */
const moved = new WeakSet<ArrayBufferLike>();

/**
 * An ArrayBuffer to be transferred. Not one that was transferred before: with a job pending on it the
 * engine would free the memory under the job, as it does with its own (see docs/runtimes.md).
 */
function movable(): ArrayBuffer | null {
  const { buffer } = aBuffer();
  return moved.has(buffer) ? null : (buffer as ArrayBuffer);
}

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { Mmap, MmapMut } = require(workerData.memmap);
  try {
    const map = workerData.write ? MmapMut.open(workerData.path) : Mmap.open(workerData.path);
    let sum = 0;
    for (const byte of map.buffer) sum += byte;
    if (workerData.close) map.close();
  } catch (error) {
    if (!String(error.code).startsWith('ERR_')) throw error;
  }
  if (workerData.stay) setInterval(() => {}, 1000);`;

async function aWorker(): Promise<void> {
  const worker = new Worker(WORKER, {
    eval: true,
    workerData: {
      memmap: require.resolve('memmap'),
      path: random.pick(files),
      write: random.below(2) === 0,
      close: random.below(2) === 0,
      stay: random.below(2) === 0,
    },
  });
  // The moment of its end is what the seed picks.
  const stop = setTimeout(() => worker.terminate(), random.below(30));
  await new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
  clearTimeout(stop);
}

/** The actions, with how often each is drawn. */
const actions: [weight: number, action: () => unknown][] = [
  [10, openOne],
  [2, () => keep(maps, MmapMut.anonymous(someLength()), 30)],
  [
    2,
    () => {
      const path = random.pick(files);
      const overwrite = random.below(4) > 0;
      keep(
        maps,
        MmapMut.create(path, someLength(), { overwrite, allocate: random.below(2) > 0 }),
        30,
      );
    },
  ],
  [8, () => truncateSync(random.pick(files), someLength())],
  [4, () => writeFileSync(random.pick(files), Buffer.alloc(someLength(), random.below(256)))],
  [2, () => truncateSync(large, random.pick([LARGE, LARGE, 0, 2 ** 32 - 1, 2 ** 32 + 4097]))],
  [10, () => aMap().close()],
  [8, () => aMap().refresh()],
  [
    4,
    () => {
      const map = aMutable();
      // Only a map that reaches the end of its file can be resized.
      if (random.below(4) > 0) map.refresh();
      map.resize(someLength(), { allocate: random.below(2) > 0 });
      count('resized');
    },
  ],
  [
    8,
    () => {
      const map = aMap();
      // Some hints are for writable maps only, some for other systems: then it says so.
      Reflect.apply(map.advise, map, [random.pick(HINTS.split(' ')), ...someRange(map)]);
    },
  ],
  [3, () => inMemory((map) => map.prefetchSync(...someRange(map)))],
  [3, () => later(inMemory((map) => map.prefetch(...someRange(map))))],
  [3, () => inMemory((map) => map.evictSync(...someRange(map)))],
  [3, () => later(inMemory((map) => map.evict(...someRange(map))))],
  [
    2,
    () => {
      const map = aMap();
      const kind = [Mmap, MmapMut, MmapCow].find((kind) => map instanceof kind) ?? Mmap;
      keep(maps, kind.from(map.descriptor()), 30);
      count('opened by descriptor()');
    },
  ],
  [2, () => inMemory((map) => map.residency(...someRange(map)))],
  [2, () => inMemory((map) => map.mlock(...someRange(map)))],
  [2, () => inMemory((map) => map.munlock(...someRange(map)))],
  [10, () => random.pick(models).change()],
  [2, () => random.pick(models).check()],
  [1, () => control.check()],
  [4, () => canaries.add()],
  [
    20,
    () => {
      const buffer = aBuffer();
      let sum = 0;
      for (let count = 0; count < 50; count++) sum += buffer[random.below(buffer.length)] ?? 0;
      return sum;
    },
  ],
  [20, () => aBuffer().fill(random.below(256), 0, random.below(10_000))],
  [5, () => aBuffer().indexOf(random.below(256))],
  [5, () => aBuffer().copyWithin(random.below(100), random.below(1000))],
  [8, () => writable().write(aBuffer().subarray(0, 5000), random.below(10_000))],
  [5, () => writable().fill(aBuffer().subarray(0, 7), random.below(100))],
  [5, () => writable().copyWithin(random.below(1000), random.below(1000))],
  [5, () => later(aMutable().flush())],
  [3, () => aMutable().flushSync()],
  [
    3,
    () => {
      const controller = new AbortController();
      later(aMutable().flush(0, undefined, { signal: controller.signal }));
      controller.abort();
    },
  ],
  [
    5,
    () => {
      const buffer = movable();
      const transfer: unknown = buffer && Reflect.get(buffer, 'transfer');
      if (typeof transfer !== 'function') return;
      const how = random.pick([[], [someLength()]]);
      const taken: ArrayBuffer = Reflect.apply(transfer, buffer, how);
      moved.add(taken);
      keep(buffers, new Uint8Array(taken), 40);
      count('transferred');
    },
  ],
  [
    2,
    () => {
      const buffer = movable();
      if (buffer === null) return;
      const taken = structuredClone(buffer, { transfer: [buffer] });
      moved.add(taken);
      keep(buffers, new Uint8Array(taken), 40);
    },
  ],
  [5, () => later(readInto(aBuffer()))],
  // No more than one chunk: Node's zlib asserts when it comes back to a detached Buffer.
  [
    3,
    () => later(promisify(deflateRaw)(aBuffer().subarray(0, 8000)).then(() => count('deflated'))),
  ],
  [2, () => Reflect.get(globalThis, 'gc')?.()],
  [5, () => buffers.splice(random.below(buffers.length + 1))],
  [2, () => maps.splice(random.below(maps.length + 1))],
  [
    5,
    () => {
      const map = aMap();
      return [map.length, map.offset, map.path, map.closed, map.faults, String(map)];
    },
  ],
  [10, () => new Promise((resolve) => setImmediate(resolve))],
];

const drawn = actions.flatMap(([weight, action]) => Array<() => unknown>(weight).fill(action));

async function main(): Promise<void> {
  for (const path of files) writeFileSync(path, Buffer.alloc(100_000, 1));
  writeFileSync(large, '');
  truncateSync(large, LARGE);
  for (; step < Number(steps); step++) {
    try {
      await random.pick(drawn)();
    } catch (error) {
      allow(error);
    }
    if (random.below(500) === 0) later(aWorker());
    if (pending.size > 20) await Promise.race(pending);
  }
  await Promise.all(pending);
  for (const map of maps) map.close();
  control.check();
  canaries.check();
  for (const model of models) model.check();
  assert.strictEqual(step, Number(steps));
  const tally = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, times]) => `${times} ${what}`);
  console.log(tally.join(', '));
}

main().catch((error) => {
  console.error(`fuzz.js ${seed} ${steps}: step ${step}`);
  console.error(error);
  process.exit(1);
});
