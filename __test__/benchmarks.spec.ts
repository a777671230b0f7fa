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

interface Comparisons {
  entries: { answer: unknown; contestants: Record<string, unknown>[] }[];
  compare(what: string, contestants: object, options?: { rounds: number }): Promise<void>;
}

/** Runs one comparison of memmap with a peer. */
async function compared(memmap: object, peer: object): Promise<Comparisons> {
  const { Comparisons: Class } = require(join(root, 'benchmark', 'comparisons.js'));
  const comparisons: Comparisons = new Class(() => {});
  await comparisons.compare('work', { memmap, peer }, { rounds: 1 });
  return comparisons;
}

test('a comparison has the answer, and how many times as long as memmap a peer takes', async (t) => {
  const memmap = { command: 'ours', run: () => ({ time: 10, answer: 42 }) };
  const peer = { command: 'theirs', run: () => ({ time: 30, answer: 42 }), atMost: 0.5 };
  t.like((await compared(memmap, peer)).entries[0], {
    answer: 42,
    contestants: [
      { name: 'memmap', time: 10 },
      { name: 'peer', command: 'theirs', time: 30, ratio: 3, atLeast: 2 },
    ],
  });
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

test('the record of a group has the commands, the times, the ratios and the machine', (t) => {
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
        t.true(peer.command !== '' && (peer.missing !== undefined || peer.ratio > 0), what);
      }
    }
  }
});
