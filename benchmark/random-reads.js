/**
 * Reads of single bytes at random places of 256 MiB: through the Buffer of a map, through an
 * ordinary Buffer with the same content, and by other ways to the same file.
 */
const { closeSync, openSync, readFileSync, readSync, writeSync } = require('node:fs');
const { randomFillSync } = require('node:crypto');
const { join } = require('node:path');
const { Mmap } = require('memmap');
const { MMAP_IO, mmapIo } = require('./peers');

const LENGTH = 256 * 2 ** 20;
const READS = 1_000_000;
const ROUNDS = 15;

function makeFile(path) {
  const chunk = randomFillSync(Buffer.alloc(2 ** 20));
  const descriptor = openSync(path, 'w');
  for (let done = 0; done < LENGTH; done += chunk.length) writeSync(descriptor, chunk);
  closeSync(descriptor);
}

/** Random places, drawn beforehand so that drawing them is not what is measured. */
function places() {
  const at = new Uint32Array(READS);
  randomFillSync(at);
  return at.map((place) => place % LENGTH);
}

function sum(bytes, at) {
  let total = 0;
  for (let i = 0; i < at.length; i++) total += bytes[at[i]];
  return total;
}

const target = Buffer.alloc(1);

function sumByReads(file, at) {
  let total = 0;
  for (let i = 0; i < at.length; i++) {
    readSync(file, target, 0, 1, at[i]);
    total += target[0];
  }
  return total;
}

function mappedByIo(folder, file) {
  const { map, PROT_READ, MAP_SHARED } = require(folder);
  return map(LENGTH, PROT_READ, MAP_SHARED, file);
}

exports.title = 'Random reads';
exports.about =
  'Reads a million single bytes at random places of a file of 256 MiB that is in memory. The time is that of one read.';

exports.run = async ({ folder, comparisons }) => {
  const path = join(folder, 'large');
  makeFile(path);
  const at = places();
  const ordinary = readFileSync(path);
  const map = Mmap.open(path);
  const mapped = map.buffer;
  const file = openSync(path, 'r');
  const io = mmapIo();
  const other = io && mappedByIo(io, file);
  // Every page is there before the first round, and the engine has compiled `sum` for both.
  if (!mapped.equals(ordinary)) throw new Error('the map differs from its file');
  if (other && !other.equals(ordinary)) throw new Error('the other map differs from its file');

  const timed = (work) => () => {
    const start = process.hrtime.bigint();
    const answer = work();
    return { time: Number(process.hrtime.bigint() - start) / READS, answer };
  };
  await comparisons.compare(
    'read a byte at a random place',
    {
      memmap: { command: 'map.buffer[i]', run: timed(() => sum(mapped, at)) },
      // At least 0.95 of its speed.
      'ordinary Buffer (fs.readFileSync)': {
        command: 'buffer[i]',
        run: timed(() => sum(ordinary, at)),
        atMost: 1 / 0.95,
      },
      [MMAP_IO]: {
        command: 'buffer[i]',
        run: other && timed(() => sum(other, at)),
        missing: 'does not load in this version of Node.js',
      },
      'fs.readSync': {
        command: 'readSync(fd, target, 0, 1, i)',
        run: timed(() => sumByReads(file, at)),
      },
    },
    { rounds: ROUNDS },
  );
  map.close();
  closeSync(file);
};
