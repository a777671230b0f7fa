/**
 * Plays random sequences of the whole API with everything that could disturb it: `node --expose-gc
 * fuzz.js SEED STEPS`. The process must not die, and every error must be one of those promised.
 * With the same seed the same steps are played; what other threads do meanwhile differs.
 */
import assert from 'node:assert';
import {
  close,
  constants,
  mkdtempSync,
  open,
  read,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { deflateRaw } from 'node:zlib';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { Random } from './random';

type AnyMap = Mmap | MmapMut | MmapCow;

const [, , seed = '1', steps = '1000'] = process.argv;
const random = new Random(Number(seed));
const folder = mkdtempSync(join(tmpdir(), 'memmap-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const files = ['a', 'b', 'c'].map((name) => join(folder, name));

/** What is alive, in no order; old ones are dropped so that they are collected. */
const maps: AnyMap[] = [];
const buffers: Uint8Array[] = [];
const pending = new Set<Promise<unknown>>();
let step = 0;

const CODES = /^(ERR_MMAP_|ERR_OUT_OF_RANGE$|ERR_INVALID_ARG|ABORT_ERR$|EEXIST$|ENOENT$|EINVAL$)/;

/** Errors that may come: the promised ones, and Node's own about Buffers that are detached. */
function allow(error: unknown): void {
  if (!(error instanceof Error)) throw error;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && (CODES.test(code) || code === 'EFAULT')) return;
  if (error instanceof TypeError && /detached/i.test(error.message)) return;
  if (error.name === 'DataCloneError' || error instanceof RangeError) return;
  throw error;
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
  return maps.length === 0 ? openOne() : random.pick(maps);
}

function openOne(): AnyMap {
  const path = random.pick(files);
  const kind = random.pick([Mmap, MmapMut, MmapCow]);
  const offset = random.pick([0, 0, 1, 4096, random.below(5000)]);
  const map = kind.open(path, {
    offset,
    guard: true,
    ...(random.below(3) === 0 ? { length: random.below(10_000) } : {}),
    ...(random.below(4) === 0 ? { onFault: () => {} } : {}),
  });
  keep(maps, map, 30);
  return map;
}

function aBuffer(): Uint8Array {
  if (buffers.length > 0 && random.below(2) === 0) return random.pick(buffers);
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

function writable(): MmapMut | MmapCow | null {
  const map = aMap();
  return map instanceof Mmap ? null : map;
}

/** Reads from a FIFO-like source that is slow: the kernel writes when the Buffer may be gone. */
async function readInto(buffer: Uint8Array): Promise<void> {
  if (buffer.length === 0) return;
  const file = await promisify(open)('/dev/zero', constants.O_RDONLY);
  try {
    await promisify(read)(file, buffer, 0, buffer.length, null);
  } finally {
    await promisify(close)(file);
  }
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
  [10, () => aMap().close()],
  [8, () => aMap().refresh()],
  [
    4,
    () => {
      const map = aMap();
      if (map instanceof MmapMut) map.resize(someLength(), { allocate: random.below(2) > 0 });
    },
  ],
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
  [8, () => writable()?.write(aBuffer().subarray(0, 5000), random.below(10_000))],
  [5, () => writable()?.fill(aBuffer().subarray(0, 7), random.below(100))],
  [5, () => writable()?.copyWithin(random.below(1000), random.below(1000))],
  [
    5,
    () => {
      const map = aMap();
      if (map instanceof MmapMut) later(map.flush());
    },
  ],
  [
    3,
    () => {
      const map = aMap();
      if (map instanceof MmapMut) map.flushSync();
    },
  ],
  [
    3,
    () => {
      const controller = new AbortController();
      const map = aMap();
      if (map instanceof MmapMut) {
        later(map.flush(0, undefined, { signal: controller.signal }));
        controller.abort();
      }
    },
  ],
  [
    5,
    () => {
      const { buffer } = aBuffer();
      const transfer: unknown = Reflect.get(buffer, 'transfer');
      if (typeof transfer !== 'function') return;
      const how = random.pick([[], [someLength()]]);
      keep(buffers, new Uint8Array(Reflect.apply(transfer, buffer, how)), 40);
    },
  ],
  [2, () => structuredClone(aBuffer().buffer, { transfer: [aBuffer().buffer as ArrayBuffer] })],
  [5, () => later(readInto(aBuffer()))],
  // No more than one chunk: Node's zlib asserts when it comes back to a detached Buffer.
  [3, () => later(promisify(deflateRaw)(aBuffer().subarray(0, 8000)))],
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
  assert.strictEqual(step, Number(steps));
}

main().catch((error) => {
  console.error(`fuzz.js ${seed} ${steps}: step ${step}`);
  console.error(error);
  process.exit(1);
});
