/**
 * What the actions of the fuzzer share: the random choices, the files, what is alive, and which errors
 * may come. `node --expose-gc fuzz.js SEED STEPS` sets it up.
 */
import assert from 'node:assert';
import { Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
import { Random } from '../../helpers/random';
import { newPath } from '../../helpers/scratch';
import { Canaries, ControlFile, ModelFile } from './checks';

export type AnyMap = Mmap | MmapMut | MmapCow;

/** Something to do, and how often it is drawn. */
export type Action = [weight: number, action: () => unknown];

const [, , given = '1', wanted = '1000'] = process.argv;
export const seed = Number(given);
export const steps = Number(wanted);
export const random = new Random(seed);

/** Files that anything may happen to. */
export const files = [newPath(), newPath(), newPath()];
/** A hole, most of it behind the first 4 GiB. */
export const large = newPath();
export const LARGE = 2 ** 32 + 300_000;

export const control = new ControlFile(newPath());
export const canaries = new Canaries(random);
export const models = [
  new ModelFile(random, newPath(), 0),
  new ModelFile(random, newPath(), 5001),
  new ModelFile(random, newPath(), 2 ** 32 + 4093),
];

/** What is alive, in no order; old ones are dropped so that they are collected. */
export const maps: AnyMap[] = [];
export const buffers: Uint8Array[] = [];
export const pending = new Set<Promise<unknown>>();

const CODES =
  /^(ERR_MMAP_|ERR_OUT_OF_RANGE$|ERR_INVALID_ARG|ABORT_ERR$|EEXIST$|ENOENT$|EINVAL$|EAGAIN$|ENOMEM$|EPERM$)/;

/** The engine's own words about arrays that are detached or too short; Bun has others than V8. */
const ENGINE =
  /detached|out of bounds|out of range|invalid (typed array )?(length|offset)|outside the bounds|allocation failed/i;

/** How often things came about, to see what the steps really do. */
export const counts = new Map<string, number>();

export function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** Errors that may come: the promised ones, and the runtime's own about Buffers that are detached. */
export function allow(error: unknown): void {
  if (!(error instanceof Error)) throw error;
  const code: unknown = Reflect.get(error, 'code');
  const array = error instanceof TypeError || error instanceof RangeError;
  // The runtime's own reads into a Buffer say EFAULT; memmap knows what became of the bytes.
  const unwritable = code === 'EFAULT' && !(error instanceof MmapError);
  if (typeof code === 'string' && (CODES.test(code) || unwritable)) count(code);
  else if (array && ENGINE.test(error.message)) count('detached');
  else if (error.name === 'DataCloneError') count(error.name);
  else throw error;
}

/** Bytes that memmap had lost passed for an answer. */
export function lie(what: string): never {
  assert.fail(`${what}: lost bytes passed for an answer`);
}

export function later(promise: Promise<unknown>): void {
  const settled: Promise<unknown> = promise.catch(allow).finally(() => pending.delete(settled));
  pending.add(settled);
}

export function keep<T>(pool: T[], thing: T, most: number): void {
  if (pool.length < most) pool.push(thing);
  else pool[random.below(most)] = thing;
}

/** Some file length: nothing, odd, or whole pages. */
export function someLength(): number {
  return random.pick([0, 1, 4095, 4096, 4097, 65_536, random.below(300_000)]);
}

/** Room for a file to grow: more than any of `files` gets, or less. */
export function someReserve(): number {
  return random.pick([300_000, 2 ** 20, 2 ** 26]);
}

export function somePosition(length: number): number {
  return random.pick([0, length, random.below(length + 1), random.below(length + 1), length + 1]);
}

export function aMap(): AnyMap {
  const map = maps.length === 0 ? openOne() : random.pick(maps);
  // What follows on a closed map, or one that has lost bytes, is always the same error: make most
  // of them useful again.
  if (map.closed && random.below(10) > 0) {
    maps.splice(maps.indexOf(map), 1);
    return openOne();
  }
  const { truncated, io } = map.faults;
  if ((truncated || io !== null) && random.below(3) > 0) {
    if (!unrefreshable.has(map)) map.refresh();
    else map.close();
  }
  return map;
}

/** Maps that keep no descriptor. */
const unrefreshable = new WeakSet<AnyMap>();

export function aMutable(): MmapMut {
  const found = maps.filter((map) => map instanceof MmapMut && !map.closed);
  const map = found.length > 0 ? random.pick(found) : MmapMut.open(random.pick(files));
  if (found.length === 0) keep(maps, map, 30);
  return map as MmapMut;
}

export function openOne(): AnyMap {
  const which = random.below(10);
  // Nothing that is done with a map that is not MmapMut may change the control file.
  const kinds = which === 0 ? [Mmap, MmapCow] : [Mmap, MmapMut, MmapCow];
  const path = which === 0 ? control.path : which === 1 ? large : random.pick(files);
  const far = [2 ** 32, LARGE - 100_001, LARGE - 65_536, 2 ** 31 + 5];
  const offset = random.pick(which === 1 ? far : [0, 0, 1, 4096, random.below(5000)]);
  const kind = random.pick(kinds);
  const keepDescriptor = random.below(6) > 0;
  const hasLength = which === 1 || random.below(3) === 0;
  const map = kind.open(path, {
    offset,
    keepDescriptor,
    ...(keepDescriptor && !hasLength && random.below(3) === 0 ? { reserve: someReserve() } : {}),
    shared: random.below(8) === 0,
    populate: random.below(8) === 0,
    ...(hasLength ? { length: random.below(10_000) } : {}),
    ...(random.below(4) === 0 ? { onFault: () => {} } : {}),
  });
  if (!keepDescriptor) unrefreshable.add(map);
  keep(maps, map, 30);
  return map;
}

export function someRange(map: AnyMap): [start: number, end: number] {
  const start = random.below(map.length + 1);
  return [start, start + random.below(map.length + 1 - start)];
}
