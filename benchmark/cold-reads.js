/**
 * Reads from a file that is not in memory: many small ones at random, and all of it in order. `fio` is
 * what the disk can do: it reads past the system's cache, many at a time, and keeps nothing.
 */
const { randomFillSync, randomInt } = require('node:crypto');
const {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  promises,
  read,
  rmSync,
  writeSync,
} = require('node:fs');
const { join } = require('node:path');
const { spawnSync } = require('node:child_process');
const { Mmap } = require('memmap');
const { longestGap } = require('./gaps');
const { missing, noteVersion } = require('./peers');

const GIB = 2 ** 30;
const LENGTH = 4 * GIB;
const READS = 10_000;
const BYTES = 64;
/** What is read from the disk for that. */
const BLOCK = 4096;
const ROUNDS = 5;
/** Reads that are under way at once: as many as keep the disk busy, and so many that the threads never wait
 * for the event loop. */
const AT_ONCE = [64, 256];
/** The other ways to read. */
const PEERS = ['fs.promises', 'fs.read', 'touching the Buffer'];
/** The most that the event loop may be blocked, in nanoseconds. */
const ALLOWED_GAP = 5e6;

/** The first byte of a block, by which a reader sees that it got this one. */
const mark = (at) => (at / BLOCK) % 251;

/** The file: bytes that no disk can leave out or compress, with a mark in each block. */
function makeFile(path) {
  const chunk = Buffer.alloc(2 ** 24);
  const fd = openSync(path, 'w');
  for (let at = 0; at < LENGTH; at += chunk.length) {
    randomFillSync(chunk);
    for (let block = 0; block < chunk.length; block += BLOCK) chunk[block] = mark(at + block);
    writeSync(fd, chunk);
  }
  fsyncSync(fd);
  closeSync(fd);
}

/** As Node's promises for files do it, with less around it. */
const readPart = (fd, at) =>
  new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(BYTES);
    read(fd, buffer, 0, BYTES, at, (error) => (error ? reject(error) : resolve(buffer)));
  });

/** Random positions of blocks. */
function positions() {
  return Array.from({ length: READS }, () => randomInt(LENGTH / BLOCK) * BLOCK);
}

/** Reads at all positions, so many at once. Returns how often it got the right block. */
async function all(positions, atOnce, readOne) {
  let next = 0;
  let right = 0;
  const oneByOne = async () => {
    while (next < positions.length) {
      const at = positions[next++];
      if ((await readOne(at)) === mark(at)) right++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, oneByOne));
  return right;
}

/** What `fio` measures with these options, or null where it or what it needs is not there. */
function fio(path, options) {
  const args = ['--name=read', `--filename=${path}`, '--ioengine=libaio', '--iodepth=16'];
  const { stdout, status } = spawnSync(
    'fio',
    [...args, '--direct=1', '--readonly', '--output-format=json', ...options],
    { encoding: 'utf8' },
  );
  if (status === 0) noteVersion('fio', 'fio');
  return status === 0 ? JSON.parse(stdout.slice(stdout.indexOf('{'))).jobs[0].read : null;
}

async function evicted(map) {
  await map.evict();
  const { residentPages, pages } = map.residency();
  if (residentPages > pages / 1000) throw new Error('the pages could not be evicted');
}

/** Random reads: how long each way takes, and how long it blocks the event loop. */
async function atRandom(path, atOnce, comparisons, progress) {
  const map = Mmap.open(path);
  const bytes = map.buffer;
  const file = await promises.open(path);
  const random = ['--rw=randread', `--bs=${BLOCK}`, `--io_size=${READS * BLOCK}`, '--randrepeat=0'];
  const ways = {
    memmap: (positions) =>
      all(positions, atOnce, async (at) => (await map.read(at, at + BYTES))[0]),
    'fs.promises': (positions) =>
      all(positions, atOnce, async (at) => {
        const { buffer } = await file.read(Buffer.allocUnsafe(BYTES), 0, BYTES, at);
        return buffer[0];
      }),
    'fs.read': (positions) =>
      all(positions, atOnce, async (at) => (await readPart(file.fd, at))[0]),
    'touching the Buffer': async (positions) => {
      let right = 0;
      for (const at of positions) if (bytes[at] === mark(at)) right++;
      return right;
    },
  };
  const idle = () => new Promise((resolve) => setTimeout(resolve, 200));
  const times = { fio: [] };
  const gaps = { idle: [] };
  for (const name of Object.keys(ways)) [times[name], gaps[name]] = [[], []];
  const answers = {};
  // The first round does not count: it compiles.
  for (let round = 0; round <= ROUNDS; round++) {
    progress(`cold reads, ${atOnce} at once, round ${Math.max(1, round)} of ${ROUNDS}`);
    for (const [name, way] of Object.entries(ways)) {
      await evicted(map);
      const drawn = positions();
      const { gap, took } = await longestGap(async () => {
        answers[name] = await way(drawn);
      });
      if (answers[name] !== READS) throw new Error(`${name} reads wrong bytes`);
      if (round === 0) continue;
      times[name].push(took);
      gaps[name].push(gap);
    }
    gaps.idle.push((await longestGap(idle)).gap);
    await evicted(map);
    const measured = fio(path, random);
    if (measured === null) times.fio = null;
    else if (round > 0) times.fio?.push((READS / measured.iops) * 1e9);
  }
  await file.close();
  // Pages that a map has cannot be evicted by another.
  map.close();
  const commands = {
    memmap: 'await map.read(at, at + 64)',
    'fs.promises': 'await file.read(buffer, 0, 64, at)',
    'fs.read': 'fs.read(fd, buffer, 0, 64, at, callback)',
    'touching the Buffer': 'map.buffer[at]',
  };
  const how = `${atOnce} at once`;
  const row = (name) => ({ command: commands[name], times: times[name], answer: answers[name] });
  const gap = (name) => ({ command: commands[name], times: gaps[name] });
  const rows = (make) => Object.fromEntries(PEERS.map((name) => [name, make(name)]));
  comparisons.add(`10,000 random reads of 64 bytes of a cold file of 4 GiB, ${how}`, {
    memmap: row('memmap'),
    fio: {
      command: 'fio --ioengine=libaio --iodepth=16 --direct=1 --rw=randread --bs=4k',
      times: times.fio,
      missing: missing('fio'),
      atMost: 1 / 0.9,
    },
    ...rows(row),
  });
  comparisons.add(
    `longest gap of a 1 ms timer during these reads, ${how}`,
    {
      memmap: gap('memmap'),
      'the same, idle': { command: 'no work', times: gaps.idle },
      ...rows(gap),
    },
    { limit: { text: '5 ms', time: ALLOWED_GAP } },
  );
}

/** Looking for what is in memory. */
async function warm(path, comparisons) {
  const map = Mmap.open(path);
  await map.read(0, GIB / 4);
  const COUNT = 200_000;
  const timed = (look) => () => {
    let sum = 0;
    const start = process.hrtime.bigint();
    for (let n = 0; n < COUNT; n++) sum += look(((n * 977) % 65536) * BLOCK)[0];
    return { time: Number(process.hrtime.bigint() - start) / COUNT, answer: sum };
  };
  await comparisons.compare(
    '64 bytes that are in memory',
    {
      memmap: {
        command: 'map.tryRead(at, at + 64)',
        run: timed((at) => map.tryRead(at, at + BYTES)),
      },
      'without a look': {
        command: 'map.subarray(at, at + 64)',
        run: timed((at) => map.subarray(at, at + BYTES)),
      },
    },
    { limit: { text: '1 µs', time: 1000 } },
  );
  map.close();
}

/** All of a GiB, in order. */
async function inOrder(path, comparisons) {
  const map = Mmap.open(path, { length: GIB });
  const timed = (work) => async () => {
    await evicted(map);
    const start = process.hrtime.bigint();
    await work();
    return Number(process.hrtime.bigint() - start);
  };
  const sequential = ['--rw=read', '--bs=1M', `--size=${GIB}`];
  const disk = async () => {
    await evicted(map);
    return (GIB / fio(path, sequential).bw_bytes) * 1e9;
  };
  await comparisons.compare(
    'bring 1 GiB of a cold file into memory',
    {
      memmap: { command: 'await map.prefetch()', run: timed(() => map.prefetch()) },
      fio: {
        command: 'fio --ioengine=libaio --iodepth=16 --direct=1 --rw=read --bs=1M',
        run: fio(path, sequential) && disk,
        missing: missing('fio'),
      },
      'memmap on four threads': {
        command: 'await map.prefetch(0, map.length, { concurrency: 4 })',
        run: timed(() => map.prefetch(0, map.length, { concurrency: 4 })),
      },
      'memmap on eight threads': {
        command: 'await map.prefetch(0, map.length, { concurrency: 8 })',
        run: timed(() => map.prefetch(0, map.length, { concurrency: 8 })),
      },
      'memmap, blocking': {
        command: 'Mmap.open(file, { populate: true })',
        run: timed(() => Mmap.open(path, { length: GIB, populate: true }).close()),
      },
    },
    { rounds: ROUNDS },
  );
  map.close();
}

exports.title = 'Reads from the disk';
exports.about =
  'Reads a file of 4 GiB of random bytes that was evicted from memory before each run, and looks for what is in memory. Where reads are asynchronous, so many are under way at once. A gap has what the machine does besides in it, which an idle event loop shows.';

/** The file lies in the checkout: the folder for temporary files may be in memory. */
exports.run = async ({ comparisons, progress }) => {
  const folder = mkdtempSync(join(__dirname, '..', 'build', 'cold-reads-'));
  try {
    const path = join(folder, 'cold');
    progress('writing a file of 4 GiB');
    makeFile(path);
    for (const atOnce of AT_ONCE) await atRandom(path, atOnce, comparisons, progress);
    await warm(path, comparisons);
    await inOrder(path, comparisons);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
