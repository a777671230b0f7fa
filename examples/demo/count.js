/** Counts a word in a file: `node count.js readFileSync|Mmap.open <path> <word>`. */
const { readFileSync } = require('node:fs');
const { performance } = require('node:perf_hooks');
const { Mmap } = require('memmap');

const [how, path, word] = process.argv.slice(2);

/** Bytes in memory: all, and on Linux those shared with no other process and no file. */
function memory() {
  const resident = process.memoryUsage.rss();
  if (process.platform !== 'linux') return { resident, own: null };
  const [, kibibytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return { resident, own: kibibytes ? Number(kibibytes) * 1024 : null };
}

const before = memory();
const start = performance.now();
const bytes = how === 'Mmap.open' ? Mmap.open(path).buffer : readFileSync(path);
if (bytes[0] === undefined) throw new Error(`${path} is empty`);
const ready = performance.now() - start;

let words = 0;
for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + word.length)) words++;
const done = performance.now() - start;
const after = memory();

console.log(
  JSON.stringify({
    words,
    ready: Number(ready.toFixed(1)),
    done: Number(done.toFixed(1)),
    resident: after.resident - before.resident,
    own: before.own === null || after.own === null ? null : after.own - before.own,
  }),
);
