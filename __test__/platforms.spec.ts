/** The tests of other platforms (`npm run test:platforms`): what they build, and how runs are judged. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { root } from './helpers/temporary';

interface Known {
  titles: (string | RegExp)[];
  never?: true;
}

interface Verdict {
  passed: number;
  skipped: number;
  known: number;
  failed: { title: string }[];
  cured: string[];
}

/** What the modules of `scripts/platforms/` export. */
function load<T>(name: string): Promise<T> {
  return import(pathToFileURL(join(root, 'scripts', 'platforms', `${name}.mjs`)).href);
}

test('every published target is built', async (t) => {
  const { platforms } = await load<{ platforms: { target: string }[] }>('builds');
  const built = platforms.map(({ target }) => target);
  const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const target of napi.targets) t.true(built.includes(target), target);
});

test('a run is judged by each of its cases, and by whether it came to its end', async (t) => {
  type Judge = (suite: object, known: Known[], ended: object) => Verdict;
  const { judge } = await load<{ judge: Judge }>('suites');
  const known = [{ titles: ['open › one', /^open › two( of two)?$/] }];
  const tap = (...lines: string[]) => ({
    status: 1,
    signal: null,
    stdout: lines.join('\n'),
    stderr: '',
  });
  const titles = ({ failed }: Verdict) => failed.map(({ title }) => title);

  const whole = judge(
    {},
    known,
    tap(
      'TAP version 13',
      'not ok 1 - open › one',
      '  ---',
      '    message: ok 2 - no case',
      '  ...',
      'ok 2 - open › two of two',
      'ok 3 - open › three',
      'not ok 4 - open › two more',
      'ok 5 - open › four (not here) # SKIP',
      '1..5',
    ),
  );
  t.deepEqual(titles(whole), ['open › two more']);
  t.deepEqual([whole.passed, whole.known, whole.skipped], [2, 1, 1]);
  t.deepEqual(whole.cured, ['open › two of two']);

  const broken = ['the run broke off and ended with 1'];
  t.deepEqual(titles(judge({}, known, tap('ok 1 - open › three'))), broken);
  t.deepEqual(titles(judge({}, known, tap('1..0'))), broken);

  const kept: Known[] = [{ titles: ['open › five', 'smoke › six'], never: true }];
  t.is(judge({}, kept, tap('ok 1 - open › three', '1..1')).known, 1, 'what was left out');
  t.is(judge({ specs: ['open'] }, kept, tap('ok 1 - open › three', '1..1')).known, 0);

  const smoke = { smoke: true };
  const list = [{ titles: ['smoke › one'] }];
  const seen = judge(
    smoke,
    list,
    tap(
      'FAILED  one',
      'Error: why',
      'ok      two',
      'FAILED  three',
      'left out: four (no FIFOs)',
      '1 passed, 2 failed',
    ),
  );
  t.deepEqual(titles(seen), ['smoke › three']);
  t.deepEqual([seen.passed, seen.known, seen.skipped], [1, 1, 1]);
  t.deepEqual(titles(judge(smoke, list, tap('ok      two'))), broken);
});

test('a suite names specs that there are', async (t) => {
  interface Suite {
    specs?: string[];
    without?: string[];
  }
  const { runtimes } = await load<{ runtimes: { suites: Suite[]; core: Suite[] }[] }>('runtimes');
  const suites = runtimes.flatMap(({ suites, core }) => [...suites, ...core]);
  const names = suites.flatMap(({ specs = [], without = [] }) => [...specs, ...without]);
  t.true(names.length > 0);
  for (const name of names.filter((one) => !one.includes('*'))) {
    t.true(existsSync(join(root, '__test__', `${name}.spec.ts`)), name);
  }
});
