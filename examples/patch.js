/**
 * Tries a change on a private copy, and makes it in the file only if the result is right.
 * `node examples/patch.js`
 */
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { MmapCow, MmapMut } = require('memmap');

/** Increments the version in the header, and updates the checksum behind it. */
function patch(map) {
  const header = map.dataView(0, 8);
  header.setUint32(0, header.getUint32(0) + 1);
  header.setUint32(4, ~header.getUint32(0));
}

const folder = mkdtempSync(join(tmpdir(), 'memmap-patch-'));
const path = join(folder, 'file');
writeFileSync(path, Buffer.from('00000007fffffff8', 'hex'));

const trial = MmapCow.open(path);
patch(trial);
console.log('tried: ', trial.buffer.toString('hex'), '- the file:', readFileSync(path, 'hex'));
const right = (trial.dataView().getInt32(0) ^ trial.dataView().getInt32(4)) === -1;
trial.close();

if (right) {
  const map = MmapMut.open(path);
  patch(map);
  map.flushSync();
  map.close();
}
console.log('patched, the file:', readFileSync(path, 'hex'));
rmSync(folder, { recursive: true });
