/** close() releases the file, even while Buffers of the map are kept. Linux only. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { descriptorsOf, holds, mapsOf } from '../helpers/kernel';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived } from './tools';

const LENGTH = 1 << 20;

for (const kind of [Mmap, MmapMut, MmapCow]) {
  for (const withBuffers of [false, true]) {
    const path = newFile(LENGTH);
    const map = kind.open(path, { offset: 4097 });
    const kept = withBuffers
      ? [map.buffer, map.subarray(5), map.view(Uint8Array), map.dataView()]
      : [];
    assert.strictEqual(mapsOf(path), 1);
    assert.strictEqual(descriptorsOf(path), 1);
    map.close();
    assert(!holds(path), `${kind.name}: the file is still mapped or open`);
    // DataView's own byteLength throws once detached.
    for (const view of kept) assert.strictEqual(view.buffer.byteLength, 0);
  }
}

// A child process inherits no descriptor of a map.
const inherited = newFile(1);
const open = MmapMut.open(inherited);
assert.strictEqual(descriptorsOf(inherited), 1);
const listing = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
assert.match(listing, / -> /);
assert(!listing.includes(inherited));
open.close();

// What happens to the file afterwards, or to its name while it is mapped, reaches no old Buffer.
const path = newFile(LENGTH);
const map = MmapMut.open(path);
const { buffer } = map;
map.close();
writeFileSync(path, Buffer.alloc(LENGTH, 0x64));
assert.strictEqual(buffer.length, 0);
assert.strictEqual(buffer[0], undefined);
buffer[0] = 1;
// Node.js says so, other runtimes do nothing.
try {
  buffer.fill(1);
} catch (error) {
  assert(error instanceof TypeError);
}
assert(consistsOf(readFileSync(path), 0x64));

const unlinked = MmapMut.open(path);
unlinkSync(path);
writeFileSync(path, 'another file of this name');
unlinked.buffer.fill(0x65);
assert.strictEqual(readFileSync(path, 'utf8'), 'another file of this name');
unlinked.close();
assert(!holds(path));
survived();
