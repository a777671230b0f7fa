/**
 * What the scenarios share: files, memory to be reused, garbage collection, and what the kernel
 * says about this process.
 */
import assert from 'node:assert';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SURVIVED } from './run';

/** Made for the first file: a scenario that must crash, and uses none, leaves none behind. */
let folder: string | null = null;
let files = 0;

/** The path of a new file of `length` bytes, all of them `byte`. */
export function newFile(length: number, byte = 0x61): string {
  const path = newPath();
  writeFileSync(path, Buffer.alloc(length, byte));
  return path;
}

/** A path in a folder that is removed at the end, where no file is yet. */
export function newPath(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'memmap-hazard-'));
    process.on('exit', () => {
      try {
        rmSync(made, { recursive: true, force: true });
      } catch (error) {
        // Windows deletes no file that is mapped, as many a scenario leaves it on purpose.
        if (process.platform !== 'win32') throw error;
      }
    });
    folder = made;
  }
  return join(folder, `file${files++}`);
}

/** Ends a scenario that saw what it had to see. */
export function survived(): void {
  console.log(SURVIVED);
}

/** Lets `turns` turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Collects garbage and lets the finalizers run. */
export async function collect(): Promise<void> {
  const gc: unknown = Reflect.get(globalThis, 'gc');
  assert(typeof gc === 'function', 'the scenario needs --expose-gc');
  for (let round = 0; round < 3; round++) {
    gc();
    await turns(3);
  }
}

/** Collects garbage until something holds, or fails after many rounds. */
export async function collectUntil(condition: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    if (condition()) return;
    await collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`after 50 rounds of garbage collection: ${what}`);
}

/** Lines of /proc/self/maps: Linux only. */
export function kernelMaps(): string[] {
  return readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
}

/** How many mappings this process has of a file. */
export function mapsOf(path: string): number {
  return kernelMaps().filter((line) => line.includes(path)).length;
}

/** What the descriptors of this process are open on. */
export function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      // The descriptor of reading the folder itself.
      return [];
    }
  });
}

/** How many descriptors this process has of a file. */
export function descriptorsOf(path: string): number {
  return descriptors().filter((target) => target.startsWith(path)).length;
}

/** Whether the kernel still knows the file as one of this process's. */
export function holds(path: string): boolean {
  return mapsOf(path) > 0 || descriptorsOf(path) > 0;
}

/** `ArrayBuffer.prototype.transfer`, where the runtime has it (Node.js 22 and later). */
export function transfer(arrayBuffer: ArrayBufferLike, length?: number): ArrayBuffer {
  const method: unknown = Reflect.get(arrayBuffer, 'transfer');
  assert(typeof method === 'function');
  return Reflect.apply(method, arrayBuffer, length === undefined ? [] : [length]);
}

/** Whether every byte is `byte`. */
export function consistsOf(bytes: Uint8Array, byte: number): boolean {
  return Buffer.compare(bytes, Buffer.alloc(bytes.length, byte)) === 0;
}
