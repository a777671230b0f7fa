/**
 * What the fault guard costs: a file of 1 MiB opened and closed with it and without it, in turns.
 * While a map is open it costs nothing: it does nothing before a fault.
 */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { Mmap } = require('memmap');
const { inTurns } = require('./rounds');

const BATCH = 100;
const BATCHES = 10;
const ROUNDS = 61;

let seen = 0;

async function timed(path, guard, touch) {
  const start = process.hrtime.bigint();
  for (let batch = 0; batch < BATCHES; batch++) {
    for (let i = 0; i < BATCH; i++) {
      const map = Mmap.open(path, { guard });
      seen += touch ? map.buffer[0] : map.length;
      map.close();
    }
    // Where the runtime runs the finalizers of the Buffers.
    await setImmediate();
  }
  return Number(process.hrtime.bigint() - start) / (BATCH * BATCHES);
}

exports.run = async (folder) => {
  const path = join(folder, 'guarded');
  writeFileSync(path, Buffer.alloc(2 ** 20, 1));
  const rows = [];
  for (const [what, touch] of [
    ['guarded open, close', false],
    ['guarded open, read one byte, close', true],
  ]) {
    // Pair by pair: what the Buffers of one leave to collect would be counted as another's.
    const { guarded, plain } = await inTurns(
      { guarded: () => timed(path, true, touch), plain: () => timed(path, false, touch) },
      ROUNDS,
    );
    const peer = 'the same with guard: false';
    rows.push({ what, peer, times: guarded, peerTimes: plain, atMost: 1.1 });
  }
  if (seen === 0) throw new Error('the benchmark read nothing');
  return rows;
};
