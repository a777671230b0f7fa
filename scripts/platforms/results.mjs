/** The last result of each build and each suite, kept in .platforms/results.json. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { platforms } from './builds.mjs';
import { runtimes } from './runtimes.mjs';
import { folder } from './tools.mjs';

const file = join(folder, 'results.json');

/** The key of a suite's result. */
const keyOf = (runtime, suite) => `${runtime.name} ${suite.name}`;

/**
 * Adds the results of this run to those kept, and answers all that there are, in the order of the lists.
 * What was not run leaves the result of before.
 */
export async function remember(cores, rows) {
  const kept = existsSync(file)
    ? JSON.parse(await readFile(file, 'utf8'))
    : { cores: {}, rows: {} };
  for (const { platform, notRun, error, checked } of cores) {
    if (notRun) continue;
    const before = kept.cores[platform.name]?.checked;
    kept.cores[platform.name] = { error: Boolean(error), checked: checked ?? before };
  }
  for (const { runtime, suite, notRun, error, passed, failed, known, skipped } of rows) {
    if (notRun) continue;
    const counts = { passed, failed: failed?.length, known, skipped };
    kept.rows[keyOf(runtime, suite)] = error ? { error: true } : counts;
  }
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${JSON.stringify(kept, null, 2)}\n`);
  return {
    cores: platforms.flatMap((platform) => {
      const core = kept.cores[platform.name];
      return core === undefined ? [] : [{ platform, ...core }];
    }),
    rows: runtimes.flatMap((runtime) =>
      runtime.suites.flatMap((suite) => {
        const row = kept.rows[keyOf(runtime, suite)];
        return row === undefined ? [] : [{ runtime, suite, ...row }];
      }),
    ),
  };
}
