/**
 * Files that grow under their maps: 10,000 times by 1 MiB within a reserve, in this and in a second
 * process, and without a reserve beside opening the file anew.
 */
const { spawn, spawnSync } = require('node:child_process');
const { constants: bufferConstants } = require('node:buffer');
const { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { PerformanceObserver, constants } = require('node:perf_hooks');
const { Mmap, MmapMut } = require('memmap');
const runtimes = require('../scripts/runtimes');
const { median } = require('./rounds');

const MIB = 2 ** 20;
const GROWTHS = 10_000;
const COUNT = GROWTHS.toLocaleString('en');
const RESERVE = 2 ** 34;
/** What a growth may take beyond ftruncate, in nanoseconds. */
const EXTRA = 10_000;
/** Growths without a reserve, each of which maps the file anew, and of how many bytes. */
const REMAPS = 500;
const STEP = 2 ** 16;

function timed(work) {
  const began = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - began);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs in a process of its own: grows a map and, beside it, a file that nothing maps. */
async function growing(folder) {
  let collections = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
    }
  }).observe({ entryTypes: ['gc'] });
  const map = MmapMut.create(join(folder, 'mapped'), MIB, { allocate: false, reserve: RESERVE });
  const alone = openSync(join(folder, 'alone'), 'w');
  const buffers = [map.buffer];
  // The first Buffer sets off its collection now, and the observer gets it later.
  await pause(500);
  const first = collections;
  const result = { times: [], peerTimes: [], collections: 0, first, detached: 0, seen: 0 };
  for (let count = 2; count <= GROWTHS + 1; count++) {
    const size = count * MIB;
    result.times.push(
      timed(() => {
        map.resize(size, { allocate: false });
        buffers.push(map.buffer);
      }),
    );
    result.peerTimes.push(timed(() => ftruncateSync(alone, size)));
    // As a program does that writes what it has made room for, now and then.
    if (count % 1000 === 0) result.seen += map.buffer[size - 1] + buffers[0][0];
  }
  await pause(500);
  result.collections = collections - first;
  for (const buffer of buffers) if (buffer.length === 0) result.detached++;
  result.size = map.buffer.length;
  result.peerSize = fstatSync(alone).size;
  map.close();
  closeSync(alone);
  process.stdout.write(JSON.stringify(result));
}

/** Runs in a process of its own: refreshes a map after each growth that another process reports. */
function following(path, signals) {
  const map = Mmap.open(path, { reserve: RESERVE });
  const [grown, seen] = [0, 4].map((at) => MmapMut.open(signals).atomic(at));
  const descriptor = openSync(path);
  const { buffer } = map.buffer;
  const times = [];
  const peerTimes = [];
  seen.store(1);
  for (let count = 2; count <= GROWTHS + 1; count++) {
    while (grown.load() < count) grown.wait(count - 1);
    times.push(
      timed(() => {
        if (!map.refresh() || map.length !== count * MIB) throw new Error('a growth was not seen');
        if (map.buffer.buffer !== buffer) throw new Error('the map has moved');
      }),
    );
    peerTimes.push(timed(() => fstatSync(descriptor)));
    seen.store(count);
    seen.notify();
  }
  const sizes = { size: map.buffer.length, peerSize: fstatSync(descriptor).size };
  process.stdout.write(JSON.stringify({ times, peerTimes, ...sizes }));
}

/** A Node.js whose Buffers can be as long as the reserve. */
function program() {
  if (bufferConstants.MAX_LENGTH >= RESERVE) return process.execPath;
  return runtimes.program(runtimes.node('24'));
}

function alone(folder, node, comparisons) {
  const run = spawnSync(node, [__filename, 'growing', folder], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the child ended with ${run.status}: ${run.stderr}`);
  const { times, peerTimes, first, collections, detached, size, peerSize } = JSON.parse(run.stdout);
  if (detached > 0) throw new Error(`${detached} Buffers were detached`);
  comparisons.add(
    `make a file 1 MiB longer, ${COUNT} times, and look at its end`,
    {
      memmap: {
        command:
          'map.resize(size, { allocate: false }); map.buffer, with a reserve ' +
          `(${first} major collections for the first Buffer, ${collections} after)`,
        times,
        answer: size,
      },
      'ftruncate alone': {
        command: 'fs.ftruncateSync(fd, size)',
        times: peerTimes,
        answer: peerSize,
      },
    },
    { limit: { text: 'ftruncate alone, plus 10 µs', time: median(peerTimes) + EXTRA } },
  );
}

async function together(folder, node, comparisons) {
  const [path, signals] = ['followed', 'signals'].map((name) => join(folder, name));
  const map = MmapMut.create(path, MIB, { allocate: false, reserve: RESERVE });
  const words = MmapMut.create(signals, 4096);
  const [grown, seen] = [0, 4].map((at) => words.atomic(at));
  grown.store(1);
  const child = spawn(node, [__filename, 'following', path, signals]);
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.pipe(process.stderr);
  const ended = new Promise((resolve) => child.on('close', resolve));
  const reached = async (count) => {
    for (let value = seen.load(); value < count; value = seen.load()) {
      await seen.waitAsync(value, { timeout: 10_000 });
      if (child.exitCode !== null) throw new Error('the second process has ended');
    }
  };
  await reached(1);
  for (let count = 2; count <= GROWTHS + 1; count++) {
    map.resize(count * MIB, { allocate: false });
    grown.store(count);
    grown.notify();
    await reached(count);
  }
  await ended;
  map.close();
  words.close();
  const { times, peerTimes, size, peerSize } = JSON.parse(output);
  comparisons.add(`see in a second process that a file has grown, each of ${COUNT} times`, {
    memmap: { command: 'map.refresh(); map.buffer, with a reserve', times, answer: size },
    'the size alone': { command: 'fs.fstatSync(fd).size', times: peerTimes, answer: peerSize },
  });
}

/**
 * Without a reserve: refresh(), and opening the file anew, each followed by a look at the end.
 *
 * @param name - The file's.
 */
function anew(folder, name, look, comparisons) {
  const path = join(folder, name);
  const descriptor = openSync(path, 'w');
  ftruncateSync(descriptor, STEP);
  const map = Mmap.open(path);
  let other = Mmap.open(path);
  let seen = look.look(map) + look.look(other);
  const times = [];
  const peerTimes = [];
  for (let count = 2; count < REMAPS; count++) {
    ftruncateSync(descriptor, count * STEP);
    const grow = () => {
      map.refresh();
      seen += look.look(map);
    };
    const reopen = () => {
      other.close();
      other = Mmap.open(path);
      seen += look.look(other);
    };
    const contestants = count % 2 === 0 ? [grow, reopen] : [reopen, grow];
    const took = contestants.map(timed);
    if (contestants[0] === reopen) took.reverse();
    times.push(took[0]);
    peerTimes.push(took[1]);
  }
  const [size, peerSize] = [map.length, other.length];
  map.close();
  other.close();
  closeSync(descriptor);
  if (seen !== 0) throw new Error('the file is not of zeros');
  const { what, command } = look;
  comparisons.add(`see a file that has grown without a reserve, ${what}`, {
    memmap: { command: `map.refresh(); ${command}`, times, answer: size },
    'opening it anew': {
      command: `map.close(); map = Mmap.open(file); ${command}`,
      times: peerTimes,
      answer: peerSize,
      atMost: 1,
    },
  });
}

const search = {
  what: 'by a search',
  command: 'map.indexOf(0, -1)',
  look: (map) => map.indexOf(0, -1) - (map.length - 1),
};
const touch = {
  what: 'by its Buffer',
  command: 'map.buffer[map.length - 1]',
  look: (map) => map.buffer[map.length - 1],
};

exports.title = 'Files that grow';
exports.about =
  'Makes files longer under their maps, within a reserve and without, and looks at what was added.';

/** The files lie in the checkout: the folder for temporary files may be in memory. */
exports.run = async ({ comparisons, progress }) => {
  const folder = mkdtempSync(join(__dirname, '..', 'build', 'growth-'));
  try {
    const node = program();
    if (node !== undefined) {
      progress(`${COUNT} growths`);
      alone(folder, node, comparisons);
      progress(`${COUNT} growths in another process`);
      await together(folder, node, comparisons);
    }
    progress('growths without a reserve');
    anew(folder, 'searched', search, comparisons);
    anew(folder, 'touched', touch, comparisons);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

// In child processes.
if (require.main === module) {
  const [, , what, ...rest] = process.argv;
  (what === 'growing' ? growing : following)(...rest);
}
