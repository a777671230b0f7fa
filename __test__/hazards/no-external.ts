/** A runtime that takes no memory from outside its heap: the preloaded `no-external.c`. */
import assert from 'node:assert';
import { truncateSync } from 'node:fs';
import { Mmap, MmapMut } from 'memmap';
import { collect } from '../helpers/garbage';
import { native } from '../helpers/native';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

const LENGTH = 8 * 4096;
const TRUNCATED = 1;

async function main(): Promise<void> {
  assert.strictEqual(native.faultFlags(), null, 'the shim is not in place');
  assert.strictEqual(native.canShare(), false);
  const path = newFile(LENGTH);
  for (const kind of [native.Mmap, native.MmapMut, native.MmapCow]) {
    const map = new kind(path, 0, undefined, true);
    for (let count = 0; count < 3; count++) {
      assert.throws(() => map.externalArrayBuffer(0, LENGTH), {
        message: /^memmap\|ERR_MMAP_UNSUPPORTED\|/,
      });
    }
    await collect();
    const bytes = Buffer.alloc(10);
    map.copyOut(bytes, 2, LENGTH - 5, LENGTH);
    assert.strictEqual(bytes.toString('latin1'), '\0\0aaaaa\0\0\0');
    map.close();
    assert.throws(() => map.copyOut(bytes, 0, 0, 1), { message: /ERR_MMAP_CLOSED/ });
  }

  // What needs no such memory works through the public face.
  const map = MmapMut.open(path);
  map.write('needle', 100);
  assert.strictEqual(map.indexOf('needle'), 100);
  assert.strictEqual(await map.count('needle'), 1);
  assert.strictEqual(map.lineCountSync(), 1);
  map.flushSync();
  await map.flush();
  map.close();
  const anonymous = MmapMut.anonymous(100);
  anonymous.fill(1);
  assert.strictEqual(anonymous.indexOf(1), 0);
  const other = Mmap.open(path);
  assert.strictEqual(other.indexOf('needle'), 100);
  other.close();

  // Lost bytes are told without the flags.
  const cut = new native.Mmap(path, 0, undefined, true);
  const slot = cut.slot ?? assert.fail('the guard is off');
  assert.strictEqual(native.raised(slot), 0);
  assert.deepStrictEqual(native.firstFaults(), []);
  truncateSync(path, 4096);
  const bytes = Buffer.alloc(LENGTH, 1);
  cut.copyOut(bytes, 0, 0, LENGTH);
  assert.strictEqual(bytes[LENGTH - 1], 0);
  assert.strictEqual(native.raised(slot), TRUNCATED);
  assert.deepStrictEqual(native.firstFaults(), [{ flag: TRUNCATED, path }]);
  assert.deepStrictEqual(native.firstFaults(), [], 'a process is warned once');
  cut.close();
  assert.strictEqual(native.raised(slot), 0);
  assert.strictEqual(native.raised(2 ** 32 - 1), 0);
}

main().then(survived);
