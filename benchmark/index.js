/**
 * `npm run bench [-- group ... --record]`: memmap beside its peers, in one run. Only the ratios mean
 * something: the times are this machine's, at this moment. Prints each group's result and writes it to
 * `.benchmarks/`, which git ignores. With `--record` it goes to `record/` (`record.js`), and the report
 * (`report.mjs`) is made from the records of all groups.
 *
 * A group is a module here, named in `record.js`, that exports
 * - `title` and `about`: a heading, and a sentence on what is measured and how;
 * - `run({ folder, comparisons, progress })`: makes its files in `folder`, which is removed
 *   afterwards, calls `comparisons.compare` or `comparisons.add` (`comparisons.js`) for each
 *   comparison, and may say by `progress(text)` what else it is doing.
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, relative } = require('node:path');
const { parseArgs } = require('node:util');
const { Comparisons } = require('./comparisons');
const { machine } = require('./machine');
const { versions } = require('./peers');
const { RECORD, RESULTS, groups, write } = require('./record');

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

/** Runs a group and writes what it measured into a folder. */
async function runGroup(group, results) {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-benchmark-'));
  const progress = progressOf(group);
  try {
    const { title, about, run } = require(`./${group}`);
    const comparisons = new Comparisons(progress);
    progress('preparing');
    await run({ folder, comparisons, progress });
    const measured = {
      title,
      about,
      machine: machine(versions()),
      comparisons: comparisons.entries,
    };
    write(group, measured, results);
    return measured;
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
    rmSync(folder, { recursive: true });
  }
}

/** What the command line asks for; undefined, after a line that says why, where there is no such thing. */
function wanted() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { record: { type: 'boolean', default: false } },
    });
    const unknown = positionals.find((name) => !groups.includes(name));
    if (unknown !== undefined) {
      throw new Error(`no group '${unknown}'; there are ${groups.join(', ')}`);
    }
    return { names: positionals.length > 0 ? positionals : groups, record: values.record };
  } catch (error) {
    console.error(`memmap: ${error.message}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main() {
  const asked = wanted();
  if (asked === undefined) return;
  const folder = asked.record ? RECORD : RESULTS;
  const { print, save } = await import('./report.mjs');
  for (const name of asked.names) {
    try {
      print(await runGroup(name, folder));
    } catch (error) {
      // What the other groups measure is written all the same.
      console.error(`${name} failed:`, error);
      process.exitCode = 1;
    }
  }
  if (asked.record) await save();
  console.log(`\nWritten to ${relative('.', folder)}${asked.record ? ' and docs' : ''}.`);
}

main();
