/**
 * Maps are opened until memmap refuses, which must be while the runtime has room left. Linux only.
 */
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { Mmap, MmapError, MmapMut } from 'memmap';
import { kernelMaps } from '../helpers/kernel';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

const path = newFile(4096);
let count = 0;
/** Neighbours that are alike would be one map for the kernel. */
const open = () => MmapMut.anonymous(4096, { noReserve: count++ % 2 === 0 });
const most = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));

function refusalOf(call: () => unknown): MmapError {
  try {
    call();
  } catch (error) {
    assert(error instanceof MmapError, String(error));
    return error;
  }
  assert.fail('was not refused');
}

const maps: MmapMut[] = [];
const refusal = refusalOf(() => {
  while (maps.length < most) maps.push(open());
});
for (const error of [refusal, refusalOf(open), refusalOf(() => Mmap.open(path))]) {
  assert.strictEqual(error.code, 'ENOMEM');
  assert.strictEqual(error.syscall, 'mmap');
  assert.match(error.message, /vm\.max_map_count/);
}
assert(maps.length > most / 2, `only ${maps.length} maps could be opened`);
assert(kernelMaps().length < most - 8192, 'the runtime has no room left');
// The runtime goes on, and so do the maps.
const garbage = Array.from({ length: 200 }, (_, size) => Buffer.alloc(size << 12));
assert.strictEqual(garbage.length, 200);
for (const map of maps) map.write('x');
// Where some are closed others can be opened.
for (const map of maps.splice(0, 2000)) map.close();
Mmap.open(path).close();
for (const map of maps) map.close();
survived();
