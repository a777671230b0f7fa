/**
 * Builds what the package consists of after `npm install` in a clone: so a clone, and a dependency on
 * the git repository, which npm installs and packs in a folder of its own, can be used at once.
 *
 * npm runs it on other occasions, too. `npm ci` is how `scripts/setup.mjs` itself installs, and what is
 * packed or published was built before.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { npm_command, npm_config_package_lock_only, npm_config_dry_run } = process.env;
const changesNothing = npm_config_package_lock_only === 'true' || npm_config_dry_run === 'true';

if (npm_command === 'install' && !changesNothing) {
  const setup = join(dirname(fileURLToPath(import.meta.url)), 'setup.mjs');
  const { status } = spawnSync(process.execPath, [setup, '--package'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
