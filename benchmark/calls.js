/**
 * What single calls cost, beside the calls that they replace. The code that the record shows is the
 * code that runs: each piece is compiled into a loop of its own, so that the engine inlines it as in
 * any program. The times include that loop, a nanosecond or two.
 */
const fs = require('node:fs');
const { join } = require('node:path');
const { Mmap, MmapMut } = require('memmap');
const { FileLock, Mutex } = require('memmap/sync');

const LENGTH = 64 * 2 ** 20;
const ROUNDS = 31;

/** How often a contestant runs in a round; the fastest counts: the others were interrupted. */
const REPETITIONS = 5;

/**
 * How many positions there are, a power of two: the loops take them in turns. So few that the caches
 * of the processor hold what they read: this measures calls, not memory.
 */
const POSITIONS = 256;

/** The least time of one repetition, in ns: less than the system's slices, so that many fit into one. */
const SHORTEST = 5e5;

const COPY = 'a Buffer with a copy of the file';

/**
 * By what is done: the code of memmap and of its peers. Each is an expression of what `prepare` makes
 * and of `at`, a random position. Their sums must be the same. One with `await` runs in an async loop.
 */
const calls = {
  'read a byte': {
    memmap: 'buffer[at]',
    [COPY]: 'copy[at]',
    'fs.readSync': '(fs.readSync(file, target, 0, 1, at), target[0])',
  },
  'read a number': {
    memmap: 'buffer.readUInt32LE(at)',
    [COPY]: 'copy.readUInt32LE(at)',
    'fs.readSync': '(fs.readSync(file, target, 0, 4, at), target.readUInt32LE())',
  },
  'read an element of a typed array': {
    memmap: 'words[at >> 2]',
    'an Int32Array with a copy of the file': 'copiedWords[at >> 2]',
  },
  'take 100 bytes': {
    memmap: 'map.subarray(at, at + 100)[99]',
    [COPY]: 'copy.subarray(at, at + 100)[99]',
    'fs.readSync': '(fs.readSync(file, target, 0, 100, at), target[99])',
  },
  'take a string of 100 bytes': {
    memmap: "buffer.toString('latin1', at, at + 100).length",
    'fs.readSync':
      "(fs.readSync(file, target, 0, 100, at), target.toString('latin1', 0, 100).length)",
  },
  'take 4 KiB if it is in memory': {
    memmap: 'map.tryRead(at, at + 4096).length',
    'fs.readSync': 'fs.readSync(file, target, 0, 4096, at)',
  },
  'take 4 KiB without blocking': {
    memmap: '(await map.read(at, at + 4096)).length',
    'FileHandle.read': '(await handle.read(target, 0, 4096, at)).bytesRead',
  },
  'copy 4 KiB': {
    memmap: 'map.copy(target, 0, at, at + 4096)',
    'fs.readSync': 'fs.readSync(file, target, 0, 4096, at)',
  },
  'make an ArrayBuffer of 64 KiB': {
    memmap: 'map.arrayBuffer(at & ~7, (at & ~7) + 65536).byteLength',
    'fs.readSync': 'fs.readSync(file, new Uint8Array(65536), 0, 65536, at)',
  },
  'write a byte': {
    memmap: '(written[at] = 7)',
    'fs.writeSync': 'fs.writeSync(writable, one, 0, 1, at) * 7',
  },
  'write 100 bytes': {
    memmap: 'mutable.write(hundred, at)',
    'fs.writeSync': 'fs.writeSync(writable, hundred, 0, 100, at)',
  },
  'write a string': {
    memmap: "mutable.write('a string to write', at)",
    'fs.writeSync': "fs.writeSync(writable, 'a string to write', at)",
  },
  'fill 4 KiB': {
    memmap: '(mutable.fill(0, at, at + 4096), 4096)',
    'fs.writeSync': 'fs.writeSync(writable, zeros, 0, 4096, at)',
  },
  'add to a word that processes share': {
    memmap: 'counter.add(1) * 0',
    'Atomics.add, without checks': 'Atomics.add(mutableWords, 16, 1) * 0',
    'a locked file, read and written':
      '(lock = FileLock.tryAcquire(path), fs.readSync(file, target, 0, 4, 0), ' +
      'fs.writeSync(writable, target, 0, 4, 0), lock.release(), 0)',
  },
  'take and release a lock': {
    memmap: '(mutex.lockSync().unlock(), 0)',
    'FileLock (flock)': '(FileLock.tryAcquire(path).release(), 0)',
  },
  'find bytes that lie 4 KiB further on': {
    memmap: "map.indexOf('needle in a file', needleAt - 4096)",
    [COPY]: "copy.indexOf('needle in a file', needleAt - 4096)",
  },
  'look for bytes in 64 KiB, off the main thread': {
    memmap: "await map.count('needle in a file', { start: at, end: at + 65536 })",
    'countSync, which blocks': "map.countSync('needle in a file', { start: at, end: at + 65536 })",
    'FileHandle.read, then Buffer.includes':
      "Number((await handle.read(target, 0, 65536, at)).buffer.includes('needle in a file'))",
  },
  'ask for the size of the file': {
    memmap: 'map.fileSize',
    'fs.fstatSync': 'fs.fstatSync(file).size',
  },
  'look whether the file has grown': {
    memmap: 'Number(map.refresh())',
    'fs.statSync': 'Number(fs.statSync(path).size !== LENGTH)',
  },
  'open and close': {
    memmap: '(Mmap.open(path).close(), 0)',
    'fs.openSync, closeSync': '(fs.closeSync(fs.openSync(path)), 0)',
  },
};

/** What the code uses, by name; `close` releases it. */
async function prepare(folder) {
  const [path, writablePath] = [join(folder, 'file'), join(folder, 'writable')];
  const content = Buffer.alloc(
    LENGTH,
    'some text that repeats itself, with an end of the line here\n',
  );
  const needleAt = LENGTH / 2;
  content.write('needle in a file', needleAt);
  for (const file of [path, writablePath]) fs.writeFileSync(file, content);
  const map = Mmap.open(path);
  const mutable = MmapMut.open(writablePath);
  const shared = MmapMut.anonymous(4096);
  const copy = fs.readFileSync(path);
  const [file, writable] = [fs.openSync(path), fs.openSync(writablePath, 'r+')];
  const handle = await fs.promises.open(path);
  const things = {
    ...{ fs, Mmap, FileLock, LENGTH, path, map, mutable, copy, file, writable, handle, needleAt },
    buffer: map.buffer,
    words: map.view(Int32Array),
    copiedWords: new Int32Array(copy.buffer, copy.byteOffset, LENGTH / 4),
    written: mutable.buffer,
    counter: shared.atomic(0),
    mutableWords: shared.view(Int32Array),
    mutex: new Mutex(shared, 128),
    target: Buffer.alloc(65536),
    one: Buffer.of(7),
    hundred: Buffer.alloc(100, 'x'),
    zeros: Buffer.alloc(4096),
    lock: undefined,
  };
  const close = async () => {
    for (const open of [map, mutable, shared]) open.close();
    for (const open of [file, writable]) fs.closeSync(open);
    await handle.close();
  };
  return { things, close };
}

/** Always the same random positions. */
function randomPositions() {
  let state = 1;
  return Int32Array.from({ length: POSITIONS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % (LENGTH - 2 ** 20);
  });
}

/** A function that runs the code `count` times and answers the sum of its values. */
function compile(code, things) {
  const asynchronous = code.startsWith('await') || code.includes('(await');
  const body = `return ${asynchronous ? 'async' : ''} (count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const at = positions[i & ${POSITIONS - 1}];
      sum += ${code};
    }
    return sum;
  };`;
  const values = { ...things, positions: randomPositions() };
  return new Function(...Object.keys(values), body)(...Object.values(values));
}

/** Runs the code often enough to be measured, and answers its time and its sum. */
async function contestant(code, things) {
  const loop = compile(code, things);
  const answer = await loop(64);
  const fastest = async (count) => {
    let time = Number.POSITIVE_INFINITY;
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const start = process.hrtime.bigint();
      await loop(count);
      time = Math.min(time, Number(process.hrtime.bigint() - start));
    }
    return time;
  };
  let count = 1;
  while (count < 1e6 && (await fastest(count)) < SHORTEST) count *= 2;
  return { command: code, run: async () => ({ time: (await fastest(count)) / count, answer }) };
}

exports.title = 'What calls cost';
exports.about = 'Single calls on a file of 64 MiB that is in memory, at random positions.';

/** Where files have no disk, whose other writers would be what a write waits for. */
const IN_MEMORY = '/dev/shm';

exports.run = async ({ folder: onDisk, comparisons }) => {
  const folder = fs.mkdtempSync(
    join(fs.existsSync(IN_MEMORY) ? IN_MEMORY : onDisk, 'memmap-calls-'),
  );
  const { things, close } = await prepare(folder);
  try {
    for (const [what, codes] of Object.entries(calls)) {
      const contestants = {};
      for (const [name, code] of Object.entries(codes)) {
        contestants[name] = await contestant(code, things);
      }
      await comparisons.compare(what, contestants, { rounds: ROUNDS });
    }
  } finally {
    await close();
    fs.rmSync(folder, { recursive: true });
  }
};
