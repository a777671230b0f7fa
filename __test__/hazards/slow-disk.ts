/**
 * A map is closed on the main thread while the fault handler of another thread waits for a disk.
 * The disk is the preloaded `slow-disk.c`, which holds that thread up for as long as a file, the
 * gate, is there.
 */
import assert from 'node:assert';
import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Mmap, MmapMut } from 'memmap';
import { descriptorsOf, mapsOf } from '../helpers/kernel';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 8 * 4096;
const gate = process.env.SLOW_DISK_GATE ?? '';
assert(gate !== '', 'needs slow-disk.c');

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function main(): Promise<void> {
  for (const kind of [Mmap, MmapMut]) {
    const path = newFile(LENGTH, 1);
    const map = kind.open(path);
    const { buffer } = map;
    truncateSync(path, 0);
    writeFileSync(gate, '');
    const packed = promisify(gzip)(buffer);
    await until(() => existsSync(`${gate}.entered`), 'no handler came');
    // Were it to wait for the handler, it would do so for ever: the gate opens behind it.
    map.close();
    // The handler still needs it.
    assert.strictEqual(descriptorsOf(path), 1);
    assert.strictEqual(mapsOf(path), 0, 'the file is still mapped');
    // Addresses that were given back would be taken by these.
    const others = Array.from({ length: 64 }, () => MmapMut.anonymous(LENGTH).fill(3));
    rmSync(gate);
    await packed;
    await until(() => descriptorsOf(path) === 0, 'the descriptor was left open');
    for (const other of others)
      assert(consistsOf(other.buffer, 3), 'a handler patched another map');
    rmSync(`${gate}.entered`);
  }
}

main().then(survived);
