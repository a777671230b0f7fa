/** The record of the benchmarks: `record/<group>.json`, the last run of each group. */
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { availableParallelism, loadavg } = require('node:os');
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

const folder = join(__dirname, 'record');

/**
 * The kind of machine, and nothing that names it; its load where it has so much other work that the times
 * are longer than they need be.
 */
function machine() {
  const system = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };
  const cores = availableParallelism();
  const load = Math.round(loadavg()[0]);
  return {
    cores,
    platform: `${system[process.platform] ?? process.platform} ${process.arch}`,
    node: process.version,
    // The benchmarks' own processes are a load, too.
    ...(load > 2 * cores && { load }),
  };
}

/** What `write` wrote for a group; undefined if it has never run. */
function read(group) {
  const path = join(folder, `${group}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Records a run of a group: `{ title, about, comparisons }`. */
function write(group, { title, about, comparisons }) {
  mkdirSync(folder, { recursive: true });
  const record = { title, about, machine: machine(), comparisons };
  writeFileSync(join(folder, `${group}.json`), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

module.exports = { groups, read, write };
