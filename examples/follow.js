/**
 * Follows a log that grows: `refresh()` maps what was added, and only that is printed.
 * `node examples/follow.js`
 */
const { appendFileSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Mmap } = require('memmap');

const folder = mkdtempSync(join(tmpdir(), 'memmap-follow-'));
const path = join(folder, 'log');
writeFileSync(path, 'the first line\n');

const map = Mmap.open(path);
let seen = 0;

/** Prints the whole lines that were added. */
function printNew() {
  const news = map.subarray(seen);
  const end = news.lastIndexOf('\n') + 1;
  process.stdout.write(news.subarray(0, end));
  seen += end;
}

printNew();
let writes = 0;
const timer = setInterval(() => {
  appendFileSync(path, `line ${++writes} of another program\n`);
  // Buffers made before are detached when the map has changed: take new ones.
  if (map.refresh()) printNew();
  if (writes === 3) {
    clearInterval(timer);
    map.close();
    rmSync(folder, { recursive: true });
  }
}, 50);
