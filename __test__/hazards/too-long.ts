/** ArrayBuffers longer than the runtime allows are asked of the core itself, below lib's check. */
import assert from 'node:assert';
import { constants } from 'node:buffer';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { collect } from '../helpers/garbage';
import { native } from '../helpers/native';
import { newPath } from '../helpers/scratch';
import { survived } from './tools';

const LENGTH = 5 * 2 ** 30;

async function main(): Promise<void> {
  const path = newPath();
  const file = openSync(path, 'w');
  ftruncateSync(file, LENGTH);
  closeSync(file);
  for (let round = 0; round < 3; round++) {
    const maps = [native.Mmap, native.MmapMut, native.MmapCow].map(
      (kind) => new kind(path, 0, undefined, 0, true, true),
    );
    for (const map of maps) {
      const lend = () => map.externalArrayBuffer(0, LENGTH);
      // Node.js 22 and later make it.
      if (LENGTH <= constants.MAX_LENGTH) assert.strictEqual(lend().byteLength, LENGTH);
      else assert.throws(lend, { message: /^memmap\|ERR_MMAP_UNSUPPORTED\|.*5368709120 bytes/ });
      assert.strictEqual(new Uint8Array(map.externalArrayBuffer(LENGTH - 10, LENGTH))[9], 0);
    }
    await collect();
    for (const map of maps) {
      assert.strictEqual(map.length, LENGTH);
      assert.strictEqual(map.indexOf(Buffer.from([0]), LENGTH - 10, LENGTH), LENGTH - 10);
      map.close();
    }
    await collect();
  }
}

main().then(survived);
