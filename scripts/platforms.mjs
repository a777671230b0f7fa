/**
 * Builds the core for every platform, and runs the tests on those that can run here: musl as it is,
 * arm64 under qemu, Windows under Wine, and the whole suite on Bun and Deno. Linux x64 only.
 *
 *     npm run test:platforms                    all; writes the table of docs/platforms.md
 *     npm run test:platforms -- musl wine-22    those whose names begin so, such as linux-arm64-musl
 *     npm run test:platforms -- --core          what the project's own check runs
 *     npm run test:platforms -- --write musl    some, and the table from the last result of each
 *
 * What cannot be fetched is reported as not run, and is no failure. What each run printed is kept
 * in .platforms/logs/.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, buildable, check, isCheckedOnly, platforms } from './platforms/builds.mjs';
import { knownOf } from './platforms/known.mjs';
import { remember } from './platforms/results.mjs';
import { runtimes } from './platforms/runtimes.mjs';
import { run } from './platforms/suites.mjs';
import { buildTable, suiteTable, withTables } from './platforms/table.mjs';
import { folder, root, Unavailable } from './platforms/tools.mjs';

const { values, positionals } = parseArgs({
  options: {
    core: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

/** This machine's own core is the one that the setup has built. */
const OWN = 'linux-x64-gnu';

const named = (name) => positionals.some((beginning) => name.startsWith(beginning));
const wanted = (name) => positionals.length === 0 || named(name);

const chosen = runtimes.flatMap((runtime) => {
  const suites = values.core ? runtime.core : runtime.suites;
  return wanted(runtime.name) && suites.length > 0 ? [{ runtime, suites }] : [];
});
const needed = new Set(chosen.map(({ runtime }) => runtime.platform));
const built = platforms.filter(({ name }) => {
  if (values.core) return needed.has(name) && name !== OWN;
  return wanted(name) || (needed.has(name) && name !== OWN);
});
if (chosen.length === 0 && built.length === 0) {
  const names = [...runtimes, ...platforms].map(({ name }) => name);
  console.error(`nothing is called ${positionals.join(', ')}; there are ${names.join(', ')}`);
  process.exit(1);
}

/** What came of some work: its result, or why it was not done, or how it failed. */
async function attempt(work) {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  try {
    return { ...(await work()), seconds: seconds() };
  } catch (error) {
    if (error instanceof Unavailable) return { notRun: error.message, seconds: seconds() };
    return { error: error.stack ?? String(error), seconds: seconds() };
  }
}

/** Builds one platform's core, and lets clippy check what cannot be linked. */
function make({ name }) {
  return attempt(async () => {
    await buildable();
    console.error(`memmap: building ${name}`);
    const output = name === OWN ? join(folder, 'cores') : root;
    await build(name, { quick: true, output });
    if (!isCheckedOnly(name) || values.core || !wanted(name)) return {};
    await check(name);
    return { checked: true };
  });
}

/** Results are kept one after the other, and at once: what follows may be broken off. */
let kept = Promise.resolve();
function keep(cores, rows) {
  kept = kept.then(() => remember(cores, rows));
}

/** What each platform's build comes to, one after the other: each uses all processors. */
const builds = new Map();
let last = Promise.resolve();
const inOrder = [...built].sort(
  (one, other) => Number(needed.has(other.name)) - Number(needed.has(one.name)),
);
for (const platform of inOrder) {
  last = last
    .then(() => make(platform))
    .then((result) => {
      keep([{ platform, ...result }], []);
      return result;
    });
  builds.set(platform.name, last);
}

/** Runs the suites of a runtime, one after the other. */
async function test({ runtime, suites }) {
  const core = await builds.get(runtime.platform);
  const rows = [];
  const started = await attempt(async () => {
    if (core?.error) throw new Unavailable('its core was not built');
    if (core?.notRun) throw new Unavailable(`its core was not built: ${core.notRun}`);
    return runtime.start();
  });
  for (const suite of suites) {
    const result = await attempt(async () => {
      if (started.notRun) throw new Unavailable(started.notRun);
      if (started.error) throw new Error(started.error);
      console.error(`memmap: ${suite.name} on ${runtime.name}`);
      return run({ ...runtime, ...started }, suite, knownOf(runtime.name));
    });
    rows.push({ runtime, suite, ...result });
    keep([], [{ runtime, suite, ...result }]);
    report(runtime, suite, result);
  }
  await started.remove?.();
  return rows;
}

/** Prints what failed, and what passes though the list says that it cannot. */
function report(runtime, suite, { failed = [], cured = [], error, notRun }) {
  const where = `${suite.name} on ${runtime.name}`;
  if (notRun) console.log(`${where} was not run: ${notRun}`);
  if (error) console.log(`${where} failed: ${error}`);
  for (const { detail } of failed) console.log(`${where}:\n${detail}`);
  for (const title of cured) console.log(`${where}: passes, though listed as known: ${title}`);
}

/** As many runs at a time as there are processors. */
const queue = chosen.slice();
const rows = [];
async function lane() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    rows.push(...(await test(next)));
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, lane));
const cores = [];
for (const platform of built) {
  const result = await builds.get(platform.name);
  if (result.error) console.log(`${platform.name} was not built: ${result.error}`);
  cores.push({ platform, ...result });
}

const order = (row) => runtimes.indexOf(row.runtime);
rows.sort((one, other) => order(one) - order(other));
console.log(buildTable(cores));
console.log(suiteTable(rows, { seconds: true }));
const all = await kept.then(() => remember([], []));
if (values.write || (positionals.length === 0 && !values.core)) {
  const page = join(root, 'docs', 'platforms.md');
  await writeFile(page, withTables(await readFile(page, 'utf8'), all.cores, all.rows));
}
const passed = rows.reduce((sum, row) => sum + (row.passed ?? 0), 0);
const failed =
  rows.reduce((sum, row) => sum + (row.error ? 1 : (row.failed?.length ?? 0)), 0) +
  cores.filter(({ error }) => error).length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
