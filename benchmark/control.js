/**
 * Memory control: how long the event loop is blocked while a gigabyte is read from the disk, and
 * what V8 does when many large maps are made. Also runs alone: `node benchmark/control.js`.
 */
const { spawnSync } = require('node:child_process');
const { closeSync, mkdtempSync, openSync, rmSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { performance, PerformanceObserver, constants } = require('node:perf_hooks');
const { Mmap, MmapMut } = require('memmap');
const runtimes = require('../scripts/runtimes');
const { median, medianRatio } = require('./rounds');

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

/**
 * The longest time between two ticks of a timer of 1 ms while `work` runs, and how long it ran, in
 * nanoseconds.
 */
async function longestGap(work) {
  let longest = 0;
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(tick, 1);
  const began = last;
  await work();
  clearInterval(timer);
  tick();
  return { gap: longest * MS, took: (performance.now() - began) * MS };
}

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
async function prefetching(folder) {
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
    const cold = map.residency();
    if (cold.residentPages > cold.pages / 100) throw new Error('the pages could not be evicted');
    const prefetch = await longestGap(() => map.prefetch());
    const warm = map.residency();
    if (warm.residentPages < warm.pages) throw new Error('prefetch left pages out');
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
  return [
    {
      what: 'longest gap of a 1 ms timer while prefetch() brings in 1 GiB',
      peer: 'the same, idle',
      times: gaps.prefetch,
      peerTimes: gaps.idle,
      atMost: 3,
    },
    {
      what: 'prefetch() of 1 GiB, cold',
      peer: 'a loop that touches each page, and blocks',
      times: times.prefetch.slice(0, TOUCH_ROUNDS),
      peerTimes: times.touch,
    },
  ];
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

function sharing(folder) {
  const path = join(folder, 'sparse');
  MmapMut.create(path, GIB, { allocate: false }).close();
  const program = canShare() ? process.execPath : runtimes.program(runtimes.node('24'));
  if (program === undefined) return [];
  const run = spawnSync(program, [__filename, 'many-maps', path], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the child ended with ${run.status}: ${run.stderr}`);
  const { shared, owned } = JSON.parse(run.stdout);
  return [
    {
      what: `${MAPS} maps of 1 GiB, shared: true (${shared.collections} mark-compacts)`,
      peer: `shared: false (${owned.collections} mark-compacts)`,
      times: shared.times,
      peerTimes: owned.times,
      atMost: 0.1,
    },
  ];
}

/** Runs both. The files lie in the checkout: the folder for temporary files may be in memory. */
exports.run = async () => {
  const folder = mkdtempSync(join(__dirname, '..', 'build', 'control-'));
  try {
    return [...(await prefetching(folder)), ...sharing(folder)];
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Prints the rows in words. */
function report(rows) {
  const ms = (times) => `${(median(times) / MS).toFixed(1)} ms`;
  for (const { what, peer, times, peerTimes, atMost } of rows) {
    const target = atMost === undefined ? '' : ` (target: at most ${atMost})`;
    console.log(`${what}: ${ms(times)}`);
    console.log(`  ${peer}: ${ms(peerTimes)}`);
    console.log(`  ratio: ${medianRatio(times, peerTimes).toFixed(3)}${target}`);
  }
}

if (require.main === module) {
  const [job, path] = process.argv.slice(2);
  if (job === 'many-maps') manyMaps(path);
  else exports.run().then(report);
}
