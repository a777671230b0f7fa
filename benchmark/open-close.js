/**
 * What it costs to open, map and close a file of 1 MiB; with its first byte read through a Buffer,
 * and without a Buffer.
 *
 * The loop yields to the event loop after each batch, and the time of that counts: there the
 * runtime runs the finalizers of the Buffers, as it does in any program that is not one endless
 * loop. The peers have no event loop to yield to.
 */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { Mmap } = require('memmap');
const { cPeer, pythonPeer } = require('./peers');
const { inTurns } = require('./rounds');

const BATCH = 100;
const BATCHES = 20;
const ROUNDS = 31;

let seen = 0;

function touched(path) {
  for (let i = 0; i < BATCH; i++) {
    const map = Mmap.open(path);
    seen += map.buffer[0];
    map.close();
  }
}

function untouched(path) {
  for (let i = 0; i < BATCH; i++) {
    const map = Mmap.open(path);
    seen += map.length;
    map.close();
  }
}

async function timed(batch, path) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < BATCHES; i++) {
    batch(path);
    await setImmediate();
  }
  return Number(process.hrtime.bigint() - start) / (BATCH * BATCHES);
}

exports.run = async (folder) => {
  const path = join(folder, 'one-mebibyte');
  writeFileSync(path, Buffer.alloc(2 ** 20, 1));
  const python = pythonPeer('open_close', path);
  const c = cPeer(folder, 'open_close', path);
  const count = BATCH * BATCHES;
  try {
    const times = await inTurns(
      {
        touched: () => timed(touched, path),
        python: python && (() => python.run(count)),
        untouched: () => timed(untouched, path),
        c: c && (() => c.run(count)),
      },
      ROUNDS,
    );
    if (seen === 0) throw new Error('the benchmark read nothing');
    const what = 'open, read one byte, close (1 MiB)';
    return [
      { what, peer: "Python's mmap", times: times.touched, peerTimes: times.python, atMost: 1 },
      { what, peer: 'system calls from C', times: times.touched, peerTimes: times.c },
      {
        what: 'open, close, no Buffer made',
        peer: "Python's mmap, a byte read",
        times: times.untouched,
        peerTimes: times.python,
      },
      {
        what: 'open, close, no Buffer made',
        peer: 'system calls from C, a byte read',
        times: times.untouched,
        peerTimes: times.c,
      },
    ];
  } finally {
    python?.stop();
    c?.stop();
  }
};
