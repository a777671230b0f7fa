/**
 * Checks the workflows of GitHub: their pins and what they name (`workflow-problems.mjs`), and all else
 * by actionlint, which is compiled with Go where there is one.
 *
 *     npm run lint:workflows
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { problems } from './workflow-problems.mjs';

const VERSION = '1.7.12';
const root = resolve('.');
const folder = join(root, '.runtimes', `actionlint-${VERSION}`);
const program = join(folder, process.platform === 'win32' ? 'actionlint.exe' : 'actionlint');

/** Why there is no actionlint; undefined where there is one now. */
function install() {
  if (existsSync(program)) return undefined;
  const { error, status, stderr } = spawnSync(
    'go',
    ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${VERSION}`],
    { encoding: 'utf8', env: { ...process.env, GOBIN: folder }, timeout: 300_000 },
  );
  if (error?.code === 'ENOENT') return 'it is compiled with Go, which is not installed';
  if (status !== 0) return `go install failed: ${error?.message ?? stderr.trim()}`;
  return undefined;
}

const found = problems(root);
for (const problem of found) console.error(problem);
let failed = found.length > 0;

const reason = install();
if (reason === undefined) {
  // Whether a machine has shellcheck must not decide whether the check passes.
  const { status } = spawnSync(program, ['-shellcheck=', '-pyflakes='], {
    cwd: root,
    stdio: 'inherit',
  });
  failed ||= status !== 0;
}
console.log(`actionlint: ${reason === undefined ? 'run' : `not run: ${reason}`}`);
process.exitCode = failed ? 1 : 0;
