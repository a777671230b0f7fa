/**
 * `npm run bench [-- group ...]`: memmap beside its peers, in one run. Only the ratios mean something:
 * the times are this machine's, at this moment. Each group's result is recorded (`record.js`), and the
 * report (`report.mjs`) is made from the records of all groups.
 *
 * A group is a module here, named in `record.js`, that exports
 * - `title` and `about`: a heading, and a sentence on what is measured and how;
 * - `run({ folder, comparisons, progress })`: makes its files in `folder`, which is removed
 *   afterwards, calls `comparisons.compare` or `comparisons.add` (`comparisons.js`) for each
 *   comparison, and may say by `progress(text)` what else it is doing.
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Comparisons } = require('./comparisons');
const { groups, write } = require('./record');

/** Shows what is being done: on a terminal in one line, elsewhere each thing once. */
function progressOf(group) {
  let last = '';
  return (text) => {
    const line = `${group}: ${text}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line.slice(0, 100)}`);
    else if (line.replace(/, round.*/, '') !== last) process.stderr.write(`${line}\n`);
    last = line.replace(/, round.*/, '');
  };
}

async function runGroup(group) {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-benchmark-'));
  const progress = progressOf(group);
  try {
    const { title, about, run } = require(`./${group}`);
    const comparisons = new Comparisons(progress);
    progress('preparing');
    await run({ folder, comparisons, progress });
    return write(group, { title, about, comparisons: comparisons.entries });
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
    rmSync(folder, { recursive: true });
  }
}

async function main() {
  const { print, save } = await import('./report.mjs');
  const names = process.argv.length > 2 ? process.argv.slice(2) : groups;
  const unknown = names.find((name) => !groups.includes(name));
  if (unknown !== undefined) throw new Error(`no group "${unknown}"; there are: ${groups}`);
  for (const name of names) {
    try {
      print(await runGroup(name));
    } catch (error) {
      // What the other groups measure is recorded all the same.
      console.error(`${name} failed:`, error);
      process.exitCode = 1;
    }
  }
  await save();
}

main();
