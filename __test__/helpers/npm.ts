/** What npm would publish. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './temporary';

/**
 * The files of the package, by `npm pack`, and what they take in bytes. The core that was built here is
 * left out: `npm pack` takes it, but `scripts/release/prepublish.mjs` removes it before it is published.
 */
export function packed(): { paths: string[]; unpackedSize: number } {
  const windows = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync(
    windows ? 'npm.cmd' : 'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts'],
    {
      cwd: root,
      encoding: 'utf8',
      shell: windows,
      env: require(join(root, 'scripts', 'npm-environment.js'))(),
    },
  );
  if (status !== 0) throw new Error(`npm pack ended with ${status}: ${stderr}`);
  const [{ files }]: [{ files: { path: string; size: number }[] }] = JSON.parse(stdout);
  const published = files.filter(({ path }) => !/^memmap\.[\w-]+\.node$/.test(path));
  return {
    paths: published.map(({ path }) => path),
    unpackedSize: published.reduce((sum, { size }) => sum + size, 0),
  };
}
