/** How long the event loop was blocked while something went on. */
const { performance } = require('node:perf_hooks');

/** Benchmarks count in nanoseconds. */
const MS = 1e6;

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

module.exports = { longestGap };
