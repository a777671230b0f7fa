/**
 * Memory control: how long the event loop is blocked while a gigabyte is read from the disk, and
 * what V8 does when many large maps are made; and what of a file is in memory, beside `vmtouch`.
 */
const { spawnSync } = require('node:child_process');
const { closeSync, mkdtempSync, openSync, rmSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { PerformanceObserver, constants, performance } = require('node:perf_hooks');
const { Mmap, MmapMut } = require('memmap');
const runtimes = require('../scripts/runtimes');
const { longestGap } = require('./gaps');
const { missing, program } = require('./peers');

const GIB = 2 ** 30;
const ROUNDS = 9;
/** The rounds of the loop that blocks, whose effect is large enough to show in a few. */
const TOUCH_ROUNDS = 3;

/** Maps in the second benchmark, and objects that a garbage collection finds alive. */
const MAPS = 200;
const OBJECTS = 300_000;
/** Benchmarks count in nanoseconds. */
const MS = 1e6;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A file of one GiB whose disk space is reserved. */
function largeFile(folder) {
  const path = join(folder, 'large');
  const chunk = Buffer.alloc(2 ** 24, 'memmap ');
  const fd = openSync(path, 'w');
  for (let at = 0; at < GIB; at += chunk.length) writeSync(fd, chunk);
  closeSync(fd);
  return path;
}

/** The event loop while one GiB of cold pages comes in, beside the idle one and a plain loop. */
async function prefetching(folder, comparisons, progress) {
  const map = Mmap.open(largeFile(folder));
  const bytes = map.buffer;
  const { pageSize } = map.residency(0, 1);
  const touch = () => {
    let sum = 0;
    for (let at = 0; at < bytes.length; at += pageSize) sum += bytes[at];
    return sum;
  };
  const gaps = { idle: [], prefetch: [], touch: [] };
  const times = { prefetch: [], touch: [] };
  await map.evict();
  for (let round = 0; round < ROUNDS; round++) {
    progress(`prefetch() of 1 GiB, round ${round + 1} of ${ROUNDS}`);
    const cold = map.residency();
    if (cold.residentPages > cold.pages / 100) throw new Error('the pages could not be evicted');
    const prefetch = await longestGap(() => map.prefetch());
    const warm = map.residency();
    // The system may reclaim some meanwhile.
    if (warm.residentPages < warm.pages * 0.99) throw new Error('prefetch left pages out');
    const idle = await longestGap(() => pause(prefetch.took / MS));
    gaps.idle.push(idle.gap);
    gaps.prefetch.push(prefetch.gap);
    times.prefetch.push(prefetch.took);
    await map.evict();
    if (round >= TOUCH_ROUNDS) continue;
    const touched = await longestGap(async () => touch());
    gaps.touch.push(touched.gap);
    times.touch.push(touched.took);
    await map.evict();
  }
  map.close();
  comparisons.add('longest gap of a 1 ms timer while 1 GiB comes from the disk', {
    memmap: { command: 'await map.prefetch()', times: gaps.prefetch },
    'the same, idle': { command: 'no work', times: gaps.idle, atMost: 3 },
  });
  comparisons.add('bring 1 GiB from the disk into memory', {
    memmap: { command: 'await map.prefetch()', times: times.prefetch.slice(0, TOUCH_ROUNDS) },
    'a loop that blocks': { command: 'map.buffer[i], i += pageSize', times: times.touch },
  });
}

/** How many pages of a file of 1 GiB are in memory, after its first half has been read. */
async function residency(folder, comparisons) {
  const path = largeFile(folder);
  const map = Mmap.open(path);
  map.advise('random'); // the system reads nothing of the other half
  await map.evict();
  const count = () => {
    const start = process.hrtime.bigint();
    const whole = Mmap.open(path);
    const { residentPages } = whole.residency();
    whole.close();
    return { time: Number(process.hrtime.bigint() - start), answer: residentPages };
  };
  const vmtouch = program('vmtouch', ['-f', path], /Resident Pages: (\d+)/);
  /** The system may have reclaimed some since they were counted last. */
  const afterReading = (run) => async () => {
    await map.prefetch(0, GIB / 2);
    return run();
  };
  await comparisons.compare('see what of 1 GiB is in memory', {
    memmap: {
      command: 'Mmap.open(file).residency().residentPages',
      run: afterReading(count),
    },
    vmtouch: {
      command: 'vmtouch FILE (with the start of the program)',
      run: vmtouch && afterReading(vmtouch),
      missing: missing('vmtouch'),
    },
  });
  map.close();
}

/** Runs in a process of its own: makes maps of 1 GiB, each with its Buffer, both ways. */
async function manyMaps(path) {
  let collections = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
    }
  }).observe({ entryTypes: ['gc'] });
  const alive = Array.from({ length: OBJECTS }, (_, i) => ({ i }));
  const result = { true: { times: [], collections: 0 }, false: { times: [], collections: 0 } };
  for (let round = 0; round < 3; round++) {
    for (const shared of [true, false]) {
      await pause(200);
      collections = 0;
      const began = performance.now();
      const maps = Array.from({ length: MAPS }, () => Mmap.open(path, { shared }));
      for (const map of maps) map.buffer;
      result[shared].times.push((performance.now() - began) * MS);
      // The observer gets collections later.
      await pause(200);
      result[shared].collections += collections;
      for (const map of maps) map.close();
    }
  }
  if (alive.length !== OBJECTS) throw new Error('the objects are gone');
  process.stdout.write(JSON.stringify({ shared: result.true, owned: result.false }));
}

function canShare() {
  try {
    MmapMut.anonymous(1, { shared: true }).close();
    return true;
  } catch {
    return false;
  }
}

function sharing(folder, comparisons) {
  const path = join(folder, 'sparse');
  MmapMut.create(path, GIB, { allocate: false }).close();
  const program = canShare() ? process.execPath : runtimes.program(runtimes.node('24'));
  if (program === undefined) return;
  const run = spawnSync(program, [__filename, path], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the child ended with ${run.status}: ${run.stderr}`);
  const { shared, owned } = JSON.parse(run.stdout);
  const command = (value, { collections }) =>
    `Mmap.open(file, { shared: ${value} }).buffer (${collections} major collections)`;
  comparisons.add(`make ${MAPS} Buffers over maps of 1 GiB`, {
    memmap: { command: command(true, shared), times: shared.times },
    'without shared: true': { command: command(false, owned), times: owned.times, atMost: 0.1 },
  });
}

exports.title = 'What is in memory';
exports.about =
  'Brings a file of 1 GiB from the disk into memory, asks what of it is there, and makes many large Buffers.';

/** The files lie in the checkout: the folder for temporary files may be in memory. */
exports.run = async ({ comparisons, progress }) => {
  const folder = mkdtempSync(join(__dirname, '..', 'build', 'control-'));
  try {
    await prefetching(folder, comparisons, progress);
    await residency(folder, comparisons);
    progress('many Buffers');
    sharing(folder, comparisons);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

// In a child process.
if (require.main === module) manyMaps(process.argv[2]);
