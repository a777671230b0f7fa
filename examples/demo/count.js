/** Counts a word in a file: `node count.js readFileSync|indexOf|countSync <path> <word>`. */
const { readFileSync } = require('node:fs');
const { performance } = require('node:perf_hooks');
const { Mmap } = require('memmap');

const [how, path, word] = process.argv.slice(2);

/** The memory that belongs to this process alone, in bytes; null where the system does not tell. */
function ownMemory() {
  if (process.platform !== 'linux') return null;
  const [, kibibytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

function count(bytes) {
  let words = 0;
  for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + word.length)) words++;
  return words;
}

const before = ownMemory();
const start = performance.now();
const map = how === 'readFileSync' ? undefined : Mmap.open(path);
const bytes = map?.buffer ?? readFileSync(path);
if (bytes[0] === undefined) throw new Error(`${path} is empty`);
const ready = performance.now() - start;
const words = how === 'countSync' ? map.countSync(word) : count(bytes);
const done = performance.now() - start;
const own = before === null ? null : ownMemory() - before;

console.log(JSON.stringify({ words, ready, done, own }));
