/** Maps that are not guarded: by the option, or by the environment. */
import assert from 'node:assert';
import { readFileSync, truncateSync } from 'node:fs';
import { Mmap } from 'memmap';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 1 << 20;
const path = newFile(LENGTH, 1);
const map = Mmap.open(path, process.env.MEMMAP_GUARD === '0' ? {} : { guard: false });
const { buffer } = map;

if (process.argv[2] === 'truncated') {
  truncateSync(path, 0);
  assert.strictEqual(buffer[LENGTH - 1], 0);
} else {
  buffer.fill(2);
  assert(consistsOf(buffer, 2));
  assert.strictEqual(map.faults.strayWrites, 0);
  assert.strictEqual(map.buffer, buffer);
  map.close();
  assert(consistsOf(readFileSync(path), 1));
}
survived();
