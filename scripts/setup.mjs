/**
 * Makes this checkout ready to run: installs the development dependencies, builds the native core,
 * compiles the TypeScript. Each step is skipped while what it reads has not changed.
 *
 * With `--package` it makes only what the package consists of, where npm has installed the dependencies.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import npmEnvironment from './npm-environment.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'node_modules', '.cache', 'memmap');

const packageOnly = process.argv.includes('--package');

/** What users' compilers read: one file for each entry point. */
const TYPINGS = ['index.d.ts', 'sync.d.ts', 'shm.d.ts', 'channel.d.ts'];

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Every file at or below a path. */
function files(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => files(join(path, name)));
}

/** A digest of what a step reads. */
function digest(inputs) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of inputs.flatMap((input) => files(join(root, input)))) {
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: npmEnvironment(),
    // Setting up says nothing on standard output: that belongs to what was asked for.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) {
    console.error(`memmap: ${[command, ...args].join(' ')} failed`);
    process.exit(status ?? 1);
  }
}

/** A program of the development dependencies. */
function tool(name, ...args) {
  // A relative path: a shell, which Windows needs here, would split an absolute one at its spaces.
  run(join('node_modules', '.bin', name), ...args);
}

function step(name, inputs, outputs, work, hint = '') {
  const stamp = join(stamps, name);
  const now = digest(inputs);
  const done = existsSync(stamp) && readFileSync(stamp, 'utf8') === now;
  if (done && outputs.every((output) => files(join(root, output)).length > 0)) return;
  console.error(`memmap: ${name}${hint}`);
  // Should the work fail, what it leaves belongs to no inputs, not even to those of before.
  rmSync(stamp, { force: true });
  work();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, now);
}

/**
 * Compiles into an empty folder: what no source stands for any more must not be run or packed. Several
 * versions of the compiler are installed for the tests of the typings, so this one is named by its path.
 */
function compile(project, folder) {
  rmSync(join(root, folder), { recursive: true, force: true });
  run('node', join('node_modules', 'typescript', 'bin', 'tsc'), '--project', project);
}

/** This platform's core, by the name that `lib/base/native.ts` loads it by. Others may lie beside it. */
function nativeBuilt() {
  const { platform, arch } = process;
  const { glibcVersionRuntime } = process.report.getReport().header;
  const library = { linux: glibcVersionRuntime ? '-gnu' : '-musl', win32: '-msvc' }[platform] ?? '';
  return existsSync(join(root, `memmap.${platform}-${arch}${library}.node`));
}

if (!packageOnly) {
  step(
    'installing dependencies',
    ['package-lock.json'],
    ['node_modules/.package-lock.json'],
    () => run('npm', 'ci', '--include=dev', '--ignore-scripts', ...QUIET),
    ' (with the build that follows it takes some minutes, once)',
  );
}
step(
  'building the native core',
  ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs'],
  nativeBuilt() ? ['lib/base/binding.d.ts'] : ['no native core'],
  () =>
    tool(
      'napi',
      'build',
      '--platform',
      '--release',
      '--no-js',
      '--dts',
      'lib/base/binding.d.ts',
      '--',
      '--locked',
    ),
);
step('compiling TypeScript', ['lib', 'tsconfig.json'], ['dist/index.js'], () =>
  compile('.', 'dist'),
);
if (!packageOnly) {
  step(
    'rolling up the typings',
    ['lib', 'tsconfig.json', 'scripts/typings.mjs', ...TYPINGS],
    TYPINGS,
    () => run('node', join('scripts', 'typings.mjs')),
  );
  step(
    'compiling the tests',
    ['__test__', 'lib', ...TYPINGS, 'tsconfig.json'],
    ['build/__test__'],
    () => compile('__test__', 'build'),
  );
}
