/**
 * What the fault guard costs: a file of 1 MiB opened and closed with it and without it, in turns.
 * While a map is open it costs nothing: it does nothing before a fault.
 */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { Mmap } = require('memmap');

const BATCH = 100;
const BATCHES = 10;
const ROUNDS = 61;

async function timed(path, guard, touch) {
  let seen = 0;
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
  const count = BATCH * BATCHES;
  return { time: Number(process.hrtime.bigint() - start) / count, answer: seen / count };
}

exports.title = 'The fault guard';
exports.about =
  'Opens and closes a file of 1 MiB with the fault guard and without it. While a map is open, the guard costs nothing before a fault.';

exports.run = async ({ folder, comparisons }) => {
  const path = join(folder, 'guarded');
  writeFileSync(path, Buffer.alloc(2 ** 20, 1));
  for (const [what, then, touch] of [
    ['open, close', 'map.length', false],
    ['open, read one byte, close', 'map.buffer[0]', true],
  ]) {
    // Pair by pair: what the Buffers of one leave to collect would be counted as another's.
    await comparisons.compare(
      what,
      {
        memmap: {
          command: `map = Mmap.open(file); ${then}; map.close()`,
          run: () => timed(path, true, touch),
        },
        'without the guard': {
          command: `map = Mmap.open(file, { guard: false }); ${then}; map.close()`,
          run: () => timed(path, false, touch),
          atMost: 1.1,
        },
      },
      { rounds: ROUNDS },
    );
  }
};
