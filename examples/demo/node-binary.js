const { spawnSync } = require('node:child_process');
const { statSync } = require('node:fs');
const { join } = require('node:path');

exports.title = 'Count a word in a large file: mapped, and read';

/** Counts in a process of its own, so that the memory of one way does not hide the other's. */
function count(how) {
  const args = [join(__dirname, 'count.js'), how, process.execPath, 'JavaScript'];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`counting failed: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

function tell(name, { ready, done, resident, own }) {
  const memory = own === null ? '' : `, ${mebibytes(own)} of them its own`;
  return `${name} first byte after ${ready} ms, counted after ${done} ms, ${mebibytes(resident)} more resident${memory}`;
}

function mebibytes(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

exports.run = ({ did, saw }) => {
  const size = statSync(process.execPath).size;
  did(`the file: the running Node.js, ${mebibytes(size)}; the word: "JavaScript"`);
  count('readFileSync'); // brings the file into the system's cache, for both
  const read = count('readFileSync');
  const mapped = count('Mmap.open');
  did(tell('fs.readFileSync(path):', read));
  did(tell('Mmap.open(path):      ', mapped));
  saw('both saw words', read.words > 0 && mapped.words > 0, true);
  saw('as many through the map as in the read file', mapped.words, read.words);
};
