/**
 * What it costs to open, map and close a file of 1 MiB; with its first byte read through a Buffer,
 * and without a Buffer.
 *
 * The loop yields to the event loop after each batch, and the time of that counts: there the
 * runtime runs the finalizers of the Buffers, as it does in any program that is not one endless
 * loop. The peers in other languages have no event loop to yield to.
 */
const {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { Mmap } = require('memmap');
const { MMAP_IO, bunPeer, cPeer, missing, mmapIo, pythonPeer } = require('./peers');

const BATCH = 100;
const BATCHES = 20;
const COUNT = BATCH * BATCHES;
const ROUNDS = 31;

function touched(path) {
  const map = Mmap.open(path);
  const byte = map.buffer[0];
  map.close();
  return byte;
}

function untouched(path) {
  const map = Mmap.open(path);
  const { length } = map;
  map.close();
  return length;
}

const target = Buffer.alloc(1);

function withFs(path) {
  const file = openSync(path, 'r');
  readSync(file, target, 0, 1, 0);
  closeSync(file);
  return target[0];
}

/** mmap-io has no way to close a map: the garbage collector unmaps it. */
function withMmapIo({ map, PROT_READ, MAP_SHARED }) {
  return (path) => {
    const file = openSync(path, 'r');
    const buffer = map(fstatSync(file).size, PROT_READ, MAP_SHARED, file);
    closeSync(file);
    return buffer[0];
  };
}

async function timed(once, path) {
  let seen = 0;
  const start = process.hrtime.bigint();
  for (let batch = 0; batch < BATCHES; batch++) {
    for (let i = 0; i < BATCH; i++) seen += once(path);
    await setImmediate();
  }
  return { time: Number(process.hrtime.bigint() - start) / COUNT, answer: seen / COUNT };
}

exports.title = 'Opening and closing';
exports.about =
  'Opens a file of 1 MiB, reads its first byte and closes it, again and again; the file is in memory.';

exports.run = async ({ folder, comparisons }) => {
  const path = join(folder, 'one-mebibyte');
  writeFileSync(path, Buffer.alloc(2 ** 20, 1));
  const python = pythonPeer('open_close', path);
  const c = cPeer(folder, 'open_close', path);
  const bun = bunPeer('open_close', path);
  const io = mmapIo();
  const mapIo = io && withMmapIo(require(io));
  try {
    await comparisons.compare(
      'open a file of 1 MiB, read one byte, close',
      {
        memmap: {
          command: 'map = Mmap.open(file); map.buffer[0]; map.close()',
          run: () => timed(touched, path),
        },
        "Python's mmap": {
          command: 'm = mmap.mmap(f.fileno(), 0, access=ACCESS_READ); m[0]; m.close()',
          run: python && (() => python.run(COUNT)),
          missing: missing('python3'),
          atMost: 1,
        },
        'system calls from C': {
          command: 'open, fstat, mmap, munmap, close',
          run: c && (() => c.run(COUNT)),
          missing: missing('cc'),
        },
        [`${MMAP_IO} (never closed)`]: {
          command: 'openSync, mmap.map(size, PROT_READ, MAP_SHARED, fd)[0], closeSync',
          run: mapIo && (() => timed(mapIo, path)),
          missing: 'does not load in this version of Node.js',
        },
        'Bun.mmap (never closed)': {
          command: 'Bun.mmap(file)[0]',
          run: bun && (() => bun.run(COUNT)),
        },
        'fs.readSync of one byte': {
          command: 'openSync, readSync(fd, target, 0, 1, 0), closeSync',
          run: () => timed(withFs, path),
        },
        'fs.readFileSync': {
          command: 'readFileSync(file)[0]',
          run: () => timed((file) => readFileSync(file)[0], path),
        },
      },
      { rounds: ROUNDS },
    );
    await comparisons.compare(
      'open and close, no Buffer made',
      {
        memmap: {
          command: 'map = Mmap.open(file); map.length; map.close()',
          run: async () => (await timed(untouched, path)).time,
        },
        "Python's mmap, a byte read": {
          command: 'as above',
          run: python && (() => python.run(COUNT)),
          missing: missing('python3'),
        },
        'system calls from C, a byte read': {
          command: 'as above',
          run: c && (() => c.run(COUNT)),
          missing: missing('cc'),
        },
      },
      { rounds: ROUNDS },
    );
  } finally {
    for (const peer of [python, c, bun]) peer?.stop();
  }
};
