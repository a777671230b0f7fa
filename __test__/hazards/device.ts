/** A block device that breaks: a loop device whose backing file ends before the device does. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, truncateSync } from 'node:fs';
import { Mmap, MmapMut } from 'memmap';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 8 << 20;
const KEPT = 2 << 20;

const backing = newFile(LENGTH, 1);
const device = execFileSync('losetup', ['--find', '--show', backing], { encoding: 'utf8' }).trim();
// The device goes away with the last descriptor, which is this process's.
const held = openSync(device, 'r');
execFileSync('losetup', ['--detach', device]);
truncateSync(backing, KEPT);

for (const kind of [Mmap, MmapMut]) {
  const map = kind.open(device);
  assert.strictEqual(map.length, LENGTH);
  const { buffer } = map;
  const last = LENGTH - 4096;
  assert(consistsOf(buffer.subarray(last), 0));
  assert.deepStrictEqual(map.faults, {
    truncated: false,
    lostFrom: null,
    io: { start: last, end: LENGTH },
    strayWrites: 0,
  });
  assert.throws(() => map.subarray(0, 1), { code: 'ERR_MMAP_IO' });
  assert(consistsOf(buffer.subarray(0, KEPT), 1), 'what the disk can read is there');
  map.close();
}
closeSync(held);
survived();
