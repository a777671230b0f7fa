/** The programs from npm that the rehearsal uses, each as the path of a file for Node.js. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import npmEnvironment from '../npm-environment.js';
import { fetch, npm, once } from '../platforms/tools.mjs';

/** The last of each that is JavaScript and runs on every Node.js that is supported. */
const TOOLS = {
  pnpm: { wanted: 'pnpm@10.34.9', program: 'pnpm/bin/pnpm.cjs' },
  yarn: { wanted: '@yarnpkg/cli-dist@4.18.1', program: '@yarnpkg/cli-dist/bin/yarn.js' },
  'yarn 1': { wanted: 'yarn@1.22.22', program: 'yarn/bin/yarn.js' },
};

/** A package manager. */
export async function packageManager(name) {
  const { wanted, program } = TOOLS[name];
  return join(await npm(wanted.replaceAll('/', '-'), wanted), 'node_modules', program);
}

/** The registry. Later versions than this one want Node.js 22. */
export async function verdaccio() {
  const folder = await once('verdaccio-6.8.0', async (target) => {
    // Not every registry has the version of node-fetch that it asks for.
    const manifest = { private: true, overrides: { 'node-fetch': '2.7.0' } };
    await writeFile(join(target, 'package.json'), JSON.stringify(manifest));
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    const options = { cwd: target, env: npmEnvironment() };
    await fetch('npm', ['install', ...quiet, 'verdaccio@6.8.0'], options);
  });
  return join(folder, 'node_modules', 'verdaccio', 'bin', 'verdaccio');
}
