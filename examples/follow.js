/**
 * Follows a log as `tail -F` does: prints the lines that are added, also after the file was truncated, or
 * rotated (renamed, and a new one made under its name). Ctrl-C ends it.
 *
 *     node examples/follow.js <file>
 */
const { existsSync, watch } = require('node:fs');
const { basename, dirname } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { Mmap, MmapError } = require('memmap');

/** How long to wait at most where the system reports no change, in ms. */
const SLOW_LOOK = 1000;

/** The whole lines from `seen` on, as a copy in which no byte is lost. */
function newLines(map, seen) {
  const end = map.lastIndexOf('\n') + 1;
  const lines = Buffer.alloc(Math.max(0, end - seen));
  map.copy(lines, 0, Math.min(seen, end), end);
  // Where a file ends within a page, the rest of that page shows zeros and nothing faults.
  return map.fileSize < end ? Buffer.alloc(0) : lines;
}

async function follow(path, print) {
  let map = null;
  let seen = null; // of a file that is there already, only what comes from now on
  let wake;
  watch(dirname(path), (_, name) => name === basename(path) && wake?.());
  for (;;) {
    const changed = new Promise((resolve) => {
      wake = resolve;
    });
    let isReplaced = false;
    try {
      map ??= Mmap.open(path);
      // Looked at before the last lines are read. A file without a successor may still grow.
      isReplaced = existsSync(path) && map.replaced;
      map.refresh();
      seen ??= map.length;
      if (map.length < seen) seen = 0; // truncated: all that is there is new
      const lines = newLines(map, seen);
      seen += lines.length;
      print(lines);
    } catch (error) {
      if (!(error instanceof MmapError)) throw error; // truncated this very moment, or not there
    }
    if (isReplaced || map === null) {
      map?.close();
      map = null;
      seen = 0;
    }
    if (!isReplaced) await Promise.race([changed, sleep(SLOW_LOOK)]);
  }
}

const [, , file] = process.argv;
if (file === undefined) console.log('usage: node examples/follow.js <file>');
else follow(file, (lines) => process.stdout.write(lines));
