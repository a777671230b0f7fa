/**
 * The results of the benchmarks, `<folder>/<group>.json`: the last run of each group. The record is
 * committed, and `docs/benchmarks.md` is made of it; what else is measured stays on the machine.
 */
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** In the order of the report. */
const groups = [
  'search',
  'lines',
  'random-reads',
  'cold-reads',
  'open-close',
  'control',
  'growth',
  'channel',
  'locks',
  'guard',
  'calls',
];

const RECORD = join(__dirname, 'record');

/** What `npm run bench` writes without `--record`. Git ignores it. */
const RESULTS = join(__dirname, '..', '.benchmarks');

/** What `write` wrote for a group; undefined if it has never run. */
function read(group, folder = RECORD) {
  const path = join(folder, `${group}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Writes a run of a group: `{ title, about, machine, comparisons }`. */
function write(group, run, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${group}.json`), `${JSON.stringify(run, null, 2)}\n`);
}

module.exports = { RECORD, RESULTS, groups, read, write };
