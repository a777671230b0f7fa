/**
 * One million reads of single bytes at random places of 256 MiB: through the Buffer of a map, and
 * through an ordinary Buffer with the same content.
 */
const { closeSync, openSync, readFileSync, writeSync } = require('node:fs');
const { randomFillSync } = require('node:crypto');
const { join } = require('node:path');
const { Mmap } = require('memmap');
const { inTurns } = require('./rounds');

const LENGTH = 256 * 2 ** 20;
const READS = 1_000_000;
const ROUNDS = 31;

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

exports.run = async (folder) => {
  const path = join(folder, 'large');
  makeFile(path);
  const at = places();
  const ordinary = readFileSync(path);
  const map = Mmap.open(path);
  const mapped = map.buffer;
  // Every page is there before the first round, and the engine has compiled `sum` for both.
  if (!mapped.equals(ordinary)) throw new Error('the map differs from its file');
  const expected = sum(ordinary, at);

  const timed = (bytes) => () => {
    const start = process.hrtime.bigint();
    const total = sum(bytes, at);
    const time = Number(process.hrtime.bigint() - start);
    if (total !== expected) throw new Error('the map and the Buffer have different bytes');
    return time / READS;
  };
  const times = await inTurns({ mapped: timed(mapped), ordinary: timed(ordinary) }, ROUNDS);
  map.close();
  return [
    {
      what: 'random reads of a byte in 256 MiB',
      peer: 'ordinary Buffer',
      times: times.mapped,
      peerTimes: times.ordinary,
      // At least 0.95 of its speed.
      atMost: 1 / 0.95,
    },
  ];
};
