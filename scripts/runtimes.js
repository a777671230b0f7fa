/**
 * Other runtimes than the one at hand, for tests and benchmarks that need them: npm packages under
 * `.runtimes/`, installed on first use.
 */
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const folder = join(__dirname, '..', '.runtimes');
const platform = process.platform === 'win32' ? 'win' : process.platform;

/** The program of the newest Node.js of a major version, such as `'24'`. Throws without a network. */
function node(version) {
  const home = join(folder, `node-${version}`);
  const name = `node-${platform}-${process.arch}`;
  const bin = join(home, 'node_modules', name, 'bin');
  const program = join(bin, platform === 'win' ? 'node.exe' : 'node');
  if (existsSync(program)) return program;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', home, `${name}@${version}`],
    { encoding: 'utf8', shell: platform === 'win', timeout: 120_000 },
  );
  if (status !== 0 || !existsSync(program)) {
    throw new Error(`npm could not install ${name}@${version}: ${stderr}`);
  }
  return program;
}

module.exports = { node };
