/**
 * `npm run bench:report`: makes `docs/benchmarks.md`, and the charts in `docs/images/`, of the records
 * of all groups.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chart } from './chart.mjs';
import { ratio } from './comparisons.js';
import { costs } from './costs.mjs';
import { describe } from './machine.js';
import { groups, read } from './record.js';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

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

/** How many times as long as memmap a contestant takes, as `12.3 ×`; empty for memmap itself. */
function times(comparison, contestant) {
  const quotient = ratio(comparison, contestant);
  if (quotient === undefined) return '';
  return `${quotient.toLocaleString('en', { maximumSignificantDigits: 3 })} ×`;
}

const met = (yes) => (yes ? 'met' : 'MISSED');

/** Whether the targets of a comparison are met, for those who work on them. */
function targets(comparison) {
  const { contestants, limit, unit } = comparison;
  const besides = contestants.flatMap((contestant) => {
    const { name, time, atLeast } = contestant;
    if (atLeast === undefined || time === undefined) return [];
    return [
      `at least ${atLeast} × beside ${name}: ${met(ratio(comparison, contestant) >= atLeast)}`,
    ];
  });
  if (limit === undefined) return besides;
  const { text, time } = limit;
  const shown = show(time, unit) === text ? text : `${text} (${show(time, unit)})`;
  return [...besides, `at most ${shown}: ${met(contestants[0].time <= time)}`];
}

/** The rows of a comparison: name, command, time, and the ratio or why there is none. */
function rows(comparison) {
  return comparison.contestants.map((contestant) => [
    contestant.name,
    contestant.command,
    contestant.missing ? '' : show(contestant.time, comparison.unit),
    contestant.missing ?? times(comparison, contestant),
  ]);
}

/** Prints what was measured of a group. */
export function print({ title, machine, comparisons }) {
  console.log(`\n${title} (${describe(machine)})`);
  for (const comparison of comparisons) {
    const { what, answer } = comparison;
    console.log(`\n  ${what}${answer === undefined ? '' : `: ${answer.toLocaleString('en')}`}`);
    for (const [name, command, time, beside] of rows(comparison)) {
      console.log(
        `    ${[name.padEnd(34), time.padStart(8), beside.padStart(9)].join('  ')}  ${command}`,
      );
    }
    for (const target of targets(comparison)) console.log(`    target: ${target}`);
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
function bars(comparison) {
  const present = comparison.contestants.filter(({ time }) => time !== undefined);
  const longest = Math.max(...present.map(({ time }) => time));
  return present.map((contestant, index) => ({
    label: contestant.name,
    share: contestant.time / longest,
    figure: [show(contestant.time, comparison.unit), times(comparison, contestant)]
      .filter((text) => text !== '')
      .join(' · '),
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
    `\`npm run bench -- ${group}\` on ${describe(machine)}.${busy(machine)}`,
    `![The times in the tables that follow, as bars](images/${group}.svg)`,
    ...comparisons.flatMap((comparison) => {
      const { what, answer } = comparison;
      const said = answer === undefined ? [] : [`All answer ${answer.toLocaleString('en')}.`];
      return [`### ${capitalised(what)}`, table(comparison), ...said];
    }),
  ];
}

/** What the page says of a group that has no record. */
function unrecorded(group) {
  const { title, about } = require(`./${group}.js`);
  return [`## ${title}`, about, `Not recorded yet: \`npm run bench -- ${group}\` measures it.`];
}

/** The files that show the records, by their paths in the repository. */
export async function render() {
  const files = new Map();
  const groupsOfPage = groups.filter((group) => group !== COSTS);
  const page = [
    '# Benchmarks',
    '`npm run bench` runs memmap beside its peers in turns, in one run; this page shows a recorded run. Each time is the median of the rounds. The times are those of one machine; the ratios tell more. "3 ×" beside memmap means that the peer takes three times as long.',
    ...groupsOfPage.flatMap((group) => {
      const record = read(group);
      return record === undefined ? unrecorded(group) : section(group, record);
    }),
  ];
  files.set('docs/benchmarks.md', `${page.join('\n\n')}\n`);
  for (const group of groupsOfPage) {
    const record = read(group);
    if (record !== undefined) files.set(`docs/images/${group}.svg`, await groupChart(record));
  }
  files.set('docs/images/readme.svg', await readmeChart());
  files.set('docs/costs.md', costs(read(COSTS), show, times));
  return files;
}

/** Writes them. */
export async function save() {
  mkdirSync(join(root, 'docs', 'images'), { recursive: true });
  for (const [path, text] of await render()) writeFileSync(join(root, path), text);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await save();
