/**
 * 120,000 maps opened, touched and closed in one synchronous loop: no finalizer runs in between,
 * so what close leaves to finalizers piles up. Linux only.
 */
import assert from 'node:assert';
import { Mmap, MmapMut } from 'memmap';
import { descriptors, kernelMaps, newFile, survived } from './tools';

const path = newFile(3 * 4096);
const kinds = [Mmap, MmapMut];
Mmap.open(path).close();
const before = { maps: kernelMaps().length, descriptors: descriptors().length };
let sum = 0;
let most = 0;
for (let count = 0; count < 120_000; count++) {
  const map = (kinds[count % 2] as typeof Mmap).open(path);
  sum += map.buffer[count % map.length] ?? 0;
  map.close();
  if (count % 10_000 === 0) most = Math.max(most, kernelMaps().length);
}
assert.strictEqual(sum, 120_000 * 0x61);
most = Math.max(most, kernelMaps().length);
assert(most < before.maps + 200, `${before.maps} kernel maps became ${most}`);
assert(descriptors().length <= before.descriptors, 'descriptors were left open');
survived();
