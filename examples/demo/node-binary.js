const { spawnSync } = require('node:child_process');
const { statSync } = require('node:fs');
const { join } = require('node:path');

exports.title = 'Count a word in a large file: read, and mapped';

const WAYS = {
  readFileSync: 'fs.readFileSync(path), buffer.indexOf',
  indexOf: 'Mmap.open(path), map.buffer.indexOf',
  countSync: 'Mmap.open(path), map.countSync',
};

/** Counts in a process of its own, so that the memory of one way does not hide the other's. */
function count(how) {
  const args = [join(__dirname, 'count.js'), how, process.execPath, 'JavaScript'];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`counting failed: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

const ms = (time) => `${time.toFixed(1)} ms`;

/** Freed memory of before the count may hide some. */
const mebibytes = (bytes) => `${Math.max(0, bytes / 2 ** 20).toFixed(0)} MiB`;

exports.run = ({ did, saw, table }) => {
  const size = statSync(process.execPath).size;
  did(`the file: the running Node.js, ${mebibytes(size)}; the word: "JavaScript"`);
  count('readFileSync'); // brings the file into the system's cache, for all
  const results = Object.keys(WAYS).map((how) => [how, count(how)]);
  table([
    ['', 'first byte', 'counted', 'memory of its own'],
    ...results.map(([how, { ready, done, own }]) => [
      WAYS[how],
      ms(ready),
      ms(done),
      own === null ? 'not told' : mebibytes(own),
    ]),
  ]);
  const [[, read], [, searched], [, counted]] = results;
  saw('the read file has the word', read.words > 0, true);
  saw('as often as the map', searched.words, read.words);
  saw('and as the native search says', counted.words, read.words);
};
