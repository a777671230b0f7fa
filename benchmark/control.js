/**
 * Memory control: how long the event loop stands still while a gigabyte is read from the disk, and
 * what V8 does when many large maps are made. `node benchmark/control.js`, or `control()` from
 * another program.
 */
const { spawnSync } = require('node:child_process');
const { closeSync, mkdtempSync, openSync, rmSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { performance } = require('node:perf_hooks');
const { Mmap, MmapMut } = require('memmap');
const runtimes = require('../scripts/runtimes.js');

const GIB = 2 ** 30;
const ROUNDS = 9;
/** The loop that blocks needs no more of them to be seen for what it is. */
const TOUCH_ROUNDS = 3;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The longest time between two ticks of a timer of 1 ms while `work` runs, and how long it ran. */
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
  return { gap: longest, took: performance.now() - began };
}

/** A file of one GiB that has its room on the disk. */
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
    const idle = await longestGap(() => pause(prefetch.took));
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
  return {
    idleGap: median(gaps.idle),
    prefetchGap: median(gaps.prefetch),
    touchGap: median(gaps.touch),
    ratio: median(gaps.prefetch) / median(gaps.idle),
    prefetchTime: median(times.prefetch),
    touchTime: median(times.touch),
  };
}

/** Runs in a process of its own: makes 200 maps of 1 GiB, each with its Buffer, both ways. */
async function manyMaps(path) {
  const { PerformanceObserver, constants } = require('node:perf_hooks');
  let collections = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
    }
  }).observe({ entryTypes: ['gc'] });
  const alive = Array.from({ length: 300_000 }, (_, i) => ({ i }));
  const result = { true: { time: [], collections: 0 }, false: { time: [], collections: 0 } };
  for (let round = 0; round < 3; round++) {
    for (const shared of [true, false]) {
      await pause(200);
      collections = 0;
      const began = performance.now();
      const maps = Array.from({ length: 200 }, () => Mmap.open(path, { shared }));
      for (const map of maps) map.buffer;
      result[shared].time.push(performance.now() - began);
      // The observer is told of collections later.
      await pause(200);
      result[shared].collections += collections;
      for (const map of maps) map.close();
    }
  }
  if (alive.length !== 300_000) throw new Error('the objects are gone');
  process.stdout.write(
    JSON.stringify({
      sharedTime: median(result.true.time),
      ownedTime: median(result.false.time),
      ratio: median(result.true.time) / median(result.false.time),
      sharedCollections: result.true.collections,
      ownedCollections: result.false.collections,
    }),
  );
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
  const program = canShare() ? process.execPath : runtimes.node('24');
  const run = spawnSync(program, [__filename, 'many-maps', path], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the child ended with ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

/** Runs both and answers the figures: times in milliseconds, ratios to the peer of the same run. */
async function control() {
  const folder = mkdtempSync(join(__dirname, '..', 'build', 'control-'));
  try {
    return { prefetch: await prefetching(folder), sharing: sharing(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report({ prefetch, sharing }) {
  const ms = (value) => `${value.toFixed(1)} ms`;
  console.log(`1 GiB of cold pages, longest gap of a 1 ms timer (median of ${ROUNDS} rounds)`);
  console.log(`  idle            ${ms(prefetch.idleGap)}`);
  console.log(
    `  map.prefetch()  ${ms(prefetch.prefetchGap)}, ${prefetch.ratio.toFixed(2)} times idle ` +
      `(target: at most 3); took ${ms(prefetch.prefetchTime)}`,
  );
  console.log(`  a loop over it  ${ms(prefetch.touchGap)}; took ${ms(prefetch.touchTime)}`);
  console.log('200 maps of 1 GiB with their Buffers, 300,000 live objects (median of 3 rounds)');
  console.log(
    `  shared: true    ${ms(sharing.sharedTime)}, ${sharing.sharedCollections} mark-compacts, ` +
      `${sharing.ratio.toFixed(3)} of the time of shared: false (targets: 0, under 0.1)`,
  );
  console.log(
    `  shared: false   ${ms(sharing.ownedTime)}, ${sharing.ownedCollections} mark-compacts`,
  );
}

module.exports = { control };

if (require.main === module) {
  const [job, path] = process.argv.slice(2);
  if (job === 'many-maps') manyMaps(path);
  else control().then(report);
}
