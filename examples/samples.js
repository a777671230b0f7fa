/**
 * A million measurements that outlive the program: a file as an array of doubles. Run it twice.
 * `node examples/samples.js [path]`
 */
const { existsSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { MmapMut } = require('memmap');

const COUNT = 1_000_000;
const path = process.argv[2] ?? join(tmpdir(), 'memmap-samples');

const isNew = !existsSync(path);
const map = isNew
  ? MmapMut.create(path, COUNT * Float64Array.BYTES_PER_ELEMENT)
  : MmapMut.open(path);
const samples = map.view(Float64Array);

if (isNew) {
  for (let i = 0; i < samples.length; i++) samples[i] = Math.sin(i / 1000);
  map.flushSync();
  console.log(`wrote ${samples.length} samples to ${path}`);
} else {
  let largest = -Infinity;
  for (let i = 0; i < samples.length; i++) largest = Math.max(largest, samples[i]);
  console.log(`the largest of ${samples.length} samples in ${path} is ${largest}`);
}
map.close();
