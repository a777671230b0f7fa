/**
 * `npm run bench:report`: makes `docs/benchmarks.md`, and the charts in `docs/images/`, of the records
 * of all groups.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chart } from './chart.mjs';
import { costs } from './costs.mjs';
import { groups, read } from './record.js';

const root = join(import.meta.dirname, '..');

/** The group that has a page of its own. */
const COSTS = 'calls';

/** What the README shows. */
const FIRST = 'count the lines of a 1 GiB log that contain a word';

const UNITS = {
  ns: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'bytes'],
  ],
};

/** A measured value, as `12.3 ms`. */
function show(value, unit) {
  const [size, name] = UNITS[unit].find(([least]) => value >= least) ?? UNITS[unit].at(-1);
  return `${Number((value / size).toPrecision(3))} ${name}`;
}

/** How long a peer takes beside memmap. */
function beside({ missing, ratio }) {
  if (missing) return missing;
  if (ratio === undefined) return '';
  return `${ratio} ×`;
}

/** Whether a target is met, for those who work on it. */
function target({ ratio, atLeast }) {
  if (ratio === undefined || atLeast === undefined) return '';
  return `target: at least ${atLeast} ×, ${ratio >= atLeast ? 'met' : 'MISSED'}`;
}

/** The rows of a comparison: name, command, time, and the ratio. */
function rows({ contestants, unit }) {
  return contestants.map((contestant) => [
    contestant.name,
    contestant.command,
    contestant.missing ? '' : show(contestant.time, unit),
    beside(contestant),
  ]);
}

/** Prints the record of a group. */
export function print({ title, machine, comparisons }) {
  console.log(`\n${title} (${machine.cores} cores, ${machine.platform}, Node.js ${machine.node})`);
  for (const comparison of comparisons) {
    const { what, answer } = comparison;
    console.log(`\n  ${what}${answer === undefined ? '' : `: ${answer.toLocaleString('en')}`}`);
    for (const [index, [name, , time, ratio]] of rows(comparison).entries()) {
      const line = [name.padEnd(36), time.padStart(9), ratio.padStart(9)];
      console.log(`    ${line.join('  ')}  ${target(comparison.contestants[index])}`.trimEnd());
    }
  }
}

function table(comparison) {
  const cell = (text) => text.replaceAll('|', '\\|');
  const code = (command) =>
    `<code>${command.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</code>`;
  return [
    '| | what runs | time | beside memmap |',
    '|---|---|---:|---:|',
    ...rows(comparison).map(
      ([name, command, time, ratio]) => `| ${name} | ${cell(code(command))} | ${time} | ${ratio} |`,
    ),
  ].join('\n');
}

const capitalised = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;

/** What a reader must know of a machine that did other work, too. */
function busy({ load }) {
  if (load === undefined) return '';
  return ` It was busy with other work (load ${load}): the times are longer than they need be.`;
}

/** The rows of a chart: in each comparison the longest bar is that of the slowest. */
function bars({ contestants, unit }) {
  const present = contestants.filter(({ time }) => time !== undefined);
  const longest = Math.max(...present.map(({ time }) => time));
  return present.map(({ name, time, ratio }, index) => ({
    label: name,
    share: time / longest,
    figure: `${show(time, unit)}${ratio === undefined ? '' : ` · ${ratio} ×`}`,
    ours: index === 0,
  }));
}

function groupChart({ title, comparisons }) {
  const rows = comparisons.flatMap((comparison) => [
    { heading: comparison.what },
    ...bars(comparison),
  ]);
  return chart(title, rows);
}

/** The chart of the README: one comparison of one group. */
function readmeChart() {
  const comparison = read('search').comparisons.find(({ what }) => what === FIRST);
  return chart(`${capitalised(comparison.what)} (less is better)`, bars(comparison));
}

function section(group, { title, about, machine, comparisons }) {
  return [
    `## ${title}`,
    about,
    `\`npm run bench -- ${group}\` on ${machine.cores} cores, ${machine.platform}, Node.js ${machine.node}.${busy(machine)}`,
    `![The times in the tables that follow, as bars](images/${group}.svg)`,
    ...comparisons.flatMap((comparison) => {
      const { what, answer } = comparison;
      const said = answer === undefined ? [] : [`All answer ${answer.toLocaleString('en')}.`];
      return [`### ${capitalised(what)}`, table(comparison), ...said];
    }),
  ];
}

/** The files that show the records, by their paths in the repository. */
export async function render() {
  const files = new Map();
  const recorded = groups
    .filter((group) => group !== COSTS && read(group))
    .map((group) => [group, read(group)]);
  const page = [
    '# Benchmarks',
    '`npm run bench` runs memmap beside its peers in turns, in one run, and makes this page. The times are those of one machine; the ratios tell more. "3 ×" beside memmap means that the peer takes three times as long.',
    ...recorded.flatMap(([group, record]) => section(group, record)),
  ];
  files.set('docs/benchmarks.md', `${page.join('\n\n')}\n`);
  for (const [group, record] of recorded) {
    files.set(`docs/images/${group}.svg`, await groupChart(record));
  }
  files.set('docs/images/readme.svg', await readmeChart());
  if (read(COSTS)) files.set('docs/costs.md', costs(read(COSTS), show));
  return files;
}

/** Writes them. */
export async function save() {
  mkdirSync(join(root, 'docs', 'images'), { recursive: true });
  for (const [path, text] of await render()) writeFileSync(join(root, path), text);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await save();
