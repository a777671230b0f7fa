/** Buffers of maps: read, written, transferred, and given to the kernel and to zlib. */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, read, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { Mmap, type MmapCow, type MmapMut } from 'memmap';
import { newPath } from '../../helpers/scratch';
import {
  type Action,
  aMap,
  aMutable,
  buffers,
  count,
  keep,
  later,
  random,
  someLength,
  somePosition,
} from './world';

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
    () =>
      new Uint8Array(map.arrayBuffer(8 * random.below(length / 8 + 1), length, { copy: false })),
    () => new Uint8Array(map.arrayBuffer(0, Math.min(length, 10_000))),
  ])();
  keep(buffers, made, 40);
  return made;
}

function writable(): MmapMut | MmapCow {
  const map = aMap();
  return map instanceof Mmap ? aMutable() : map;
}

/** FIFOs, each of which one read waits for: until something is written, its thread is in the kernel. */
const fifos: number[] = [];
const allFifos: number[] = [];
for (const name of [newPath(), newPath()]) {
  if (spawnSync('mkfifo', [name]).status === 0) allFifos.push(openSync(name, 'r+'));
}

fifos.push(...allFifos);

// Reads that still wait end first: the process exits only when its threads can.
process.on('exit', () => {
  for (const fifo of allFifos) writeSync(fifo, Buffer.alloc(4096));
});

export function closeFifos(): void {
  for (const fifo of allFifos.splice(0)) closeSync(fifo);
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

export const buffering: Action[] = [
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
  [5, () => buffers.splice(random.below(buffers.length + 1))],
];
