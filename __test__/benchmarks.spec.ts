import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { root } from './helpers/temporary';

const records = join(root, 'benchmark', 'record');

/** The pages and pictures that show the recorded figures. */
async function rendered(): Promise<Map<string, string>> {
  const report = pathToFileURL(join(root, 'benchmark', 'report.mjs')).href;
  const { render }: { render(): Promise<Map<string, string>> } = await import(report);
  return await render();
}

test('docs/benchmarks.md and all charts, that of the README too, show the recorded figures', async (t) => {
  const files = await rendered();
  t.true(files.has('docs/benchmarks.md') && files.has('docs/images/readme.svg'));
  for (const [path, text] of files) {
    t.true(readFileSync(join(root, path), 'utf8') === text, `${path}: npm run bench:report`);
  }
});

const UNITS: Record<string, number> = { s: 1e9, ms: 1e6, µs: 1e3, ns: 1 };

/** `5.82 s` in nanoseconds. */
function nanoseconds(shown: string): number {
  const [number, unit = ''] = shown.split(' ');
  return Number(number) * (UNITS[unit] ?? Number.NaN);
}

/** Times, and how many times as long as the first of their comparison they are said to be. */
function shownRatios(path: string): { of: number; to: number; said: number }[] {
  const text = readFileSync(join(root, path), 'utf8');
  const shown = path.endsWith('.svg')
    ? />([\d.]+ [mµn]?s)(?: · ([\d.,]+) ×)?</g
    : /\| ([\d.]+ [mµn]?s) \| (?:([\d.,]+) ×)? ?\|$/gm;
  let to = Number.NaN;
  return [...text.matchAll(shown)].flatMap(([, time = '', said]) => {
    const of = nanoseconds(time);
    if (said === undefined) to = of;
    return said === undefined ? [] : [{ of, to, said: Number(said.replaceAll(',', '')) }];
  });
}

for (const path of ['docs/benchmarks.md', 'docs/costs.md', 'docs/images/readme.svg']) {
  test(`every ratio in ${path} is the quotient of the times that stand there`, (t) => {
    const ratios = shownRatios(path);
    t.true(ratios.length > 3);
    for (const { of, to, said } of ratios) t.is(said, Number((of / to).toPrecision(3)));
  });
}

test('the page names a group that has no record, and no target as a peer', async (t) => {
  const { groups, read } = require(join(root, 'benchmark', 'record.js'));
  const page = (await rendered()).get('docs/benchmarks.md') ?? '';
  for (const group of groups.filter((name: string) => name !== 'calls')) {
    const missing = `Not recorded yet: \`npm run bench -- ${group}\` measures it.`;
    t.is(page.includes(missing), read(group) === undefined, group);
    t.true(page.includes(`\`npm run bench -- ${group}\``), group);
  }
  t.notRegex(page, /what is allowed|\d us\b/);
});

test('an unknown group and an unknown option are one line each, and exit code 2', (t) => {
  const program = join(root, 'benchmark', 'index.js');
  for (const argument of ['no-such-group', '--no-such-option']) {
    const { status, stderr } = spawnSync(process.execPath, [program, argument], {
      encoding: 'utf8',
    });
    t.is(status, 2);
    t.regex(stderr, /^memmap: .*no-such-\w+.*\n$/);
  }
});

interface Comparisons {
  entries: { answer: unknown; contestants: Record<string, unknown>[] }[];
  add(what: string, contestants: object, options?: object): void;
  compare(what: string, contestants: object, options?: { rounds: number }): Promise<void>;
}

/** Runs one comparison of memmap with a peer. */
async function compared(memmap: object, peer: object): Promise<Comparisons> {
  const { Comparisons: Class } = require(join(root, 'benchmark', 'comparisons.js'));
  const comparisons: Comparisons = new Class(() => {});
  await comparisons.compare('work', { memmap, peer }, { rounds: 1 });
  return comparisons;
}

test('a comparison has the answer, the times, and how many times as long a peer may take', async (t) => {
  const memmap = { command: 'ours', run: () => ({ time: 10, answer: 42 }) };
  const peer = { command: 'theirs', run: () => ({ time: 30, answer: 42 }), atMost: 0.5 };
  const [entry] = (await compared(memmap, peer)).entries;
  t.like(entry, {
    answer: 42,
    contestants: [
      { name: 'memmap', time: 10 },
      { name: 'peer', command: 'theirs', time: 30, atLeast: 2 },
    ],
  });
  const { ratio } = require(join(root, 'benchmark', 'comparisons.js'));
  t.is(ratio(entry, entry?.contestants[1]), 3);
  t.is(ratio(entry, entry?.contestants[0]), undefined);
});

test('a limit beside no peer is a target, and no contestant', (t) => {
  const { Comparisons: Class } = require(join(root, 'benchmark', 'comparisons.js'));
  const comparisons: Comparisons = new Class(() => {});
  const limit = { text: '2 µs', time: 2000 };
  comparisons.add('work', { memmap: { command: 'ours', times: [1950] } }, { limit });
  t.like(comparisons.entries[0], { limit, contestants: [{ name: 'memmap', time: 1950 }] });
  t.is(comparisons.entries[0]?.contestants.length, 1);
});

test('a peer that is not there is named with what to install', async (t) => {
  const memmap = { command: 'ours', run: () => 10 };
  const { entries } = await compared(memmap, { command: 'rg', run: null, missing: 'ripgrep' });
  t.deepEqual(entries[0]?.contestants[1], { name: 'peer', command: 'rg', missing: 'ripgrep' });
});

test('a comparison of contestants that come to different answers fails', async (t) => {
  const memmap = { command: 'ours', run: () => ({ time: 10, answer: 42 }) };
  const peer = { command: 'theirs', run: () => ({ time: 10, answer: 41 }) };
  await t.throwsAsync(compared(memmap, peer), { message: 'work: peer answers 41, memmap 42' });
});

test('the record of a group has the commands, the times and the machine', (t) => {
  const names = readdirSync(records);
  t.true(names.length > 0);
  for (const name of names) {
    const text = readFileSync(join(records, name), 'utf8');
    t.notRegex(text, /\/(?:tmp|home|root|Users)\//, `${name} names no path of a machine`);
    const { machine, comparisons } = JSON.parse(text);
    t.true(machine.cores > 0 && machine.platform !== '' && machine.node.startsWith('v'), name);
    for (const { what, contestants } of comparisons) {
      const [memmap, ...peers] = contestants;
      t.is(memmap.name, 'memmap', what);
      t.true(memmap.time > 0 && peers.length > 0, what);
      for (const peer of peers) {
        t.true(peer.command !== '' && (peer.missing !== undefined || peer.time > 0), what);
        // It is the quotient of the times, whatever anybody writes here.
        t.false('ratio' in peer, what);
      }
    }
  }
});
