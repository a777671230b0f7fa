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

test('the record of a group has the commands, the times, the ratios and the machine', (t) => {
  const names = readdirSync(records);
  t.true(names.length > 0);
  for (const name of names) {
    const text = readFileSync(join(records, name), 'utf8');
    t.notRegex(text, /\/(?:tmp|home|root|Users)\//, `${name} names no path of a machine`);
    const { machine, comparisons } = JSON.parse(text);
    t.deepEqual(Object.keys(machine), ['cores', 'platform', 'node'], name);
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
