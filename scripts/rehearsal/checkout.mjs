/** A copy of the checkout, in which a version is published without a trace in the checkout itself. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../release/json.mjs';
import { napi } from '../release/napi.mjs';
import { setVersion } from '../release/versions.mjs';

/** Copies what git knows or would add, and what was compiled. Dependencies are linked. */
export function copyCheckout(root, folder) {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of [...listed.split('\0').filter(Boolean), 'dist']) {
    const from = join(root, file);
    if (existsSync(from)) cpSync(from, join(folder, file), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

/**
 * Publishes the version of a copy, with the cores of a folder for some platforms, by the commands of
 * `.github/workflows/publish.yml`. Throws with what was printed where it fails.
 */
export function publish(folder, cores, packages, env) {
  const manifest = readJson(join(folder, 'package.json'));
  manifest.napi.targets = packages.map(({ target }) => target);
  writeJson(join(folder, 'package.json'), manifest);
  setVersion(folder, manifest.version, new Date().toISOString().slice(0, 10));
  mkdirSync(join(folder, 'artifacts'));
  for (const { file } of packages) cpSync(join(cores, file), join(folder, 'artifacts', file));
  napi(['artifacts', '--cwd', folder, '--output-dir', 'artifacts']);
  execFileSync('npm', ['publish', '--access', 'public'], { cwd: folder, env, stdio: 'pipe' });
}

/** What is wrong with packages as they stand in the registry: `names` are all, of one version. */
export function publishedProblems(names, version, env, folder) {
  const specifications = names.map((name) => `${name}@${version}`);
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', ...specifications], {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 26,
    }),
  );
  return names.flatMap((name, at) => {
    const files = packed[at].files.map(({ path }) => path);
    const core = files.filter((path) => path.endsWith('.node'));
    const expected = name === 'memmap' ? [] : [`memmap.${name.slice('memmap-'.length)}.node`];
    const needed = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
    return [
      ...(core.join() === expected.join() ? [] : [`${name} brings the cores [${core}]`]),
      ...needed.filter((file) => !files.includes(file)).map((file) => `${name} lacks ${file}`),
    ];
  });
}
