/**
 * Writes 256 MiB to the disk off the main thread, with progress, and with a deadline.
 * `node examples/flush-progress.js`
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { MmapMut } = require('memmap');

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-flush-'));
  const map = MmapMut.create(join(folder, 'large'), 256 * 2 ** 20);
  map.fill('All work and no play makes Jack a dull boy. ');

  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await map.flush(0, map.length, {
      signal: AbortSignal.timeout(60_000),
      onProgress: (done, total) => console.log(`${done / 2 ** 20} of ${total / 2 ** 20} MiB`),
    });
    console.log(`on the disk; meanwhile a timer ran ${ticks} times`);
  } finally {
    clearInterval(timer);
    map.close();
    rmSync(folder, { recursive: true });
  }
}

main();
