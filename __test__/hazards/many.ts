/**
 * Maps opened, touched and closed in one synchronous loop: no finalizer runs in between, so what close
 * leaves to finalizers piles up. Linux only.
 *
 * It piles up in the runtime's own heap, too: some 500 bytes each. In about one run of twelve V8
 * puts something right behind the C heap, and glibc then takes 132 KiB at a time from between our
 * maps, each of them a kernel map. `MALLOC_TOP_PAD_` (mallopt(3)) makes it take 64 MiB at a time,
 * so that the maps counted here are ours.
 */
import assert from 'node:assert';
import { Mmap, MmapMut } from 'memmap';
import { descriptors, kernelMaps } from '../helpers/kernel';
import { isEmulated } from '../helpers/patience';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

/** Many more than the 200 kernel maps that may be left; usually more than a process may have, too. */
const COUNT = isEmulated ? 20_000 : 120_000;

const path = newFile(3 * 4096);
const kinds = [Mmap, MmapMut];
Mmap.open(path).close();
const before = { maps: kernelMaps().length, descriptors: descriptors().length };
let sum = 0;
let most = 0;
for (let count = 0; count < COUNT; count++) {
  const map = (kinds[count % 2] as typeof Mmap).open(path);
  sum += map.buffer[count % map.length] ?? 0;
  map.close();
  if (count % 5_000 === 0) most = Math.max(most, kernelMaps().length);
}
assert.strictEqual(sum, COUNT * 0x61);
most = Math.max(most, kernelMaps().length);
assert(
  most < before.maps + 200,
  `${before.maps} kernel maps became ${most}:\n${kernelMaps().join('\n')}`,
);
assert(descriptors().length <= before.descriptors, 'descriptors were left open');
survived();
