/** The scripts of a release, each on a copy of what it changes. `docs/releasing.md` explains them. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { coreFile } from './helpers/native';
import { documentSnippets } from './helpers/snippets';
import { root, temporaryFolder } from './helpers/temporary';

const { version, napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Copies all that the scripts of a release read and write. */
function copyTo(folder: string): void {
  for (const name of [
    'CHANGELOG.md',
    'Cargo.lock',
    'Cargo.toml',
    'LICENSE',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'npm',
    'package-lock.json',
    'package.json',
  ]) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith('.node'),
    });
  }
}

function copy(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  copyTo(folder);
  return folder;
}

/** Every file of a folder by its path there, with its text. */
function contents(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => /\.\w+$|LICENSE/.test(path) && !path.endsWith('.node'));
  return Object.fromEntries(
    files.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  );
}

/** The environment without what npm and a workflow say of the run that these tests are part of. */
function withoutThisRun(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^(npm|github|actions)_/i.test(name),
  );
  return Object.fromEntries(others);
}

/** Runs a script of `scripts/release/` in a folder. */
function run(folder: string, name: string, args: string[] = [], environment = {}) {
  const env = withoutThisRun();
  return spawnSync(process.execPath, [join(root, 'scripts', 'release', name), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, ...environment },
  });
}

/** The lines that are in one text and not in the other, as often as they are. */
function without(lines: string, others: string): string[] {
  const left = others.split('\n');
  return lines.split('\n').filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** The lines in which the files of two folders differ, as `file: - old` and `file: + new`. */
function changes(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys({ ...before, ...after }).flatMap((file) => {
    const old = before[file] ?? '';
    const now = after[file] ?? '';
    return [
      ...without(old, now).map((line) => `${file}: - ${line.trim()}`),
      ...without(now, old).map((line) => `${file}: + ${line.trim()}`),
    ].filter((change) => !change.endsWith(': + '));
  });
}

test('npm/ is what the script makes of package.json', (t) => {
  const folder = copy(t);
  writeFileSync(join(folder, 'npm', 'darwin-x64', 'README.md'), 'stale');
  cpSync(join(folder, 'npm', 'darwin-x64'), join(folder, 'npm', 'plan9-x64'), { recursive: true });
  const { stderr, status } = run(folder, 'packages.mjs');
  t.is(status, 0, stderr);
  const made = contents(join(folder, 'npm'));
  t.is(Object.keys(made).length, napi.targets.length * 5);
  t.deepEqual(made, contents(join(root, 'npm')));
});

test('one command changes the version in every file that names it, and nothing else', (t) => {
  const folder = copy(t);
  const before = contents(folder);
  const { stderr, status } = run(folder, 'version.mjs', ['7.8.9-beta.1']);
  t.is(status, 0, stderr);
  const date = new Date().toISOString().slice(0, 10);
  const expected = [
    `CHANGELOG.md: + ## [7.8.9-beta.1] - ${date}`,
    ...['Cargo.lock', 'Cargo.toml'].flatMap((file) => [
      `${file}: - version = "${version}"`,
      `${file}: + version = "7.8.9-beta.1"`,
    ]),
    ...[
      ...readdirSync(join(root, 'npm')).map((name) => join('npm', name, 'package.json')),
      'package-lock.json',
      'package-lock.json',
      'package.json',
    ].flatMap((file) => [
      `${file}: - "version": "${version}",`,
      `${file}: + "version": "7.8.9-beta.1",`,
    ]),
  ];
  t.deepEqual(changes(before, contents(folder)).sort(), expected.sort());
  const { stdout } = run(folder, 'notes.mjs');
  t.true(stdout.startsWith('### Added\n'), stdout);
});

test('the version is set again without a second heading', (t) => {
  const folder = copy(t);
  run(folder, 'version.mjs', ['7.8.9']);
  const once = contents(folder);
  const { stderr, status } = run(folder, 'version.mjs', ['7.8.9']);
  t.is(status, 0, stderr);
  t.deepEqual(contents(folder), once);
});

for (const [what, given, said] of [
  ['no version', 'v1', /'v1' is no version/],
  ['a changelog that says nothing', '7.8.9', /CHANGELOG\.md says nothing under \[Unreleased\]/],
] as const) {
  test(`${what} changes nothing`, (t) => {
    const folder = copy(t);
    writeFileSync(
      join(folder, 'CHANGELOG.md'),
      '# Changelog\n\n## [Unreleased]\n\n## [0.0.1]\n\nOld.\n',
    );
    const before = contents(folder);
    const { stderr, status } = run(folder, 'version.mjs', [given]);
    t.is(status, 1);
    t.regex(stderr, said);
    t.deepEqual(contents(folder), before);
  });
}

/** A folder that could be published: the changelog has its version, and each package a core. */
const complete = mkdtempSync(join(tmpdir(), 'memmap-'));

test.before(() => {
  copyTo(complete);
  run(complete, 'version.mjs', ['7.8.9']);
  for (const name of readdirSync(join(complete, 'npm'))) {
    writeFileSync(join(complete, 'npm', name, `memmap.${name}.node`), name);
  }
  mkdirSync(join(complete, 'dist'));
  writeFileSync(join(complete, 'dist', 'index.js'), '');
});

test.after.always(() => rmSync(complete, { recursive: true, force: true }));

function publishable(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  cpSync(complete, folder, { recursive: true });
  return folder;
}

const DRY = { npm_config_dry_run: 'true' };

test('before publishing, a core that was built in the checkout is removed', (t) => {
  const folder = publishable(t);
  writeFileSync(join(folder, 'memmap.linux-x64-gnu.node'), 'built here');
  const { stderr, status } = run(folder, 'prepublish.mjs', [], DRY);
  t.is(status, 0, stderr);
  t.false(existsSync(join(folder, 'memmap.linux-x64-gnu.node')));
  t.true(existsSync(join(folder, 'npm', 'linux-x64-gnu', 'memmap.linux-x64-gnu.node')));
});

/** What must not be published, what makes it so, and what is said of it. */
const refusals: [string, (folder: string) => void, Record<string, string>, string][] = [
  [
    'a core is missing',
    (folder) => rmSync(join(folder, 'npm', 'darwin-arm64', 'memmap.darwin-arm64.node')),
    {},
    'npm/darwin-arm64/memmap.darwin-arm64.node is missing',
  ],
  [
    'the versions differ',
    (folder) => cpSync(join(root, 'Cargo.toml'), join(folder, 'Cargo.toml')),
    {},
    `Cargo.toml has version ${version}, package.json has 7.8.9`,
  ],
  [
    'the changelog does not name the version',
    (folder) => cpSync(join(root, 'CHANGELOG.md'), join(folder, 'CHANGELOG.md')),
    {},
    'CHANGELOG.md has no section [7.8.9]',
  ],
  [
    'nothing is compiled',
    (folder) => rmSync(join(folder, 'dist'), { recursive: true }),
    {},
    'dist/ is missing',
  ],
  [
    'the tag is of another version',
    () => {},
    { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v7.8.8' },
    'the tag is v7.8.8, it must be v7.8.9',
  ],
  [
    'the repository is another one than the package names',
    () => {},
    { GITHUB_REPOSITORY: 'fork/memmap' },
    'not fork/memmap',
  ],
  [
    'npm is too old for the login of a workflow',
    () => {},
    { ACTIONS_ID_TOKEN_REQUEST_URL: 'there', npm_config_user_agent: 'npm/11.5.0 node/v24.0.0' },
    'npm 11.5.0 cannot log in by the identity of a workflow, 11.5.1 can',
  ],
];

for (const [what, damage, environment, said] of refusals) {
  test(`nothing is published where ${what}`, (t) => {
    const folder = publishable(t);
    damage(folder);
    const before = contents(folder);
    const { stderr, status } = run(folder, 'prepublish.mjs', [], { ...DRY, ...environment });
    t.is(status, 1);
    t.true(stderr.includes(said), stderr);
    t.deepEqual(contents(folder), before);
  });
}

/** Prints the value of an expression that may call what a module of `scripts/release/` exports. */
function evaluate(name: string, imported: string, expression: string): string {
  const module = pathToFileURL(join(root, 'scripts', 'release', name)).href;
  const code = `import(${JSON.stringify(module)}).then(({ ${imported} }) => console.log(${expression}));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return stdout.trim();
}

test('versions are compared by their numbers', (t) => {
  const versions = JSON.stringify(['2.2.5', '2.9', '2.17', '2.17.1', '2.34', '3.0']);
  const newer = `${versions}.filter((each) => isNewer(each, '2.17')).join()`;
  t.is(evaluate('newer.mjs', 'isNewer', newer), '2.17.1,2.34,3.0');
});

test('a core is known to be for the system that it was built on', (t) => {
  const path = JSON.stringify(join(root, coreFile));
  const system = evaluate('binary.mjs', 'systemOf', `systemOf(${path})`);
  t.is(system, `${process.platform}-${process.arch}`);
  const text = JSON.stringify(join(root, 'README.md'));
  t.is(evaluate('binary.mjs', 'systemOf', `systemOf(${text})`), 'undefined');
});

test("the README's first example, which the rehearsal runs, checks a value", (t) => {
  const [first] = documentSnippets();
  t.true(first?.title.startsWith('README.md:'));
  t.true(first?.code.includes('// => '));
});

const objdump =
  process.platform === 'linux'
    ? // The symbols of newer versions of Node.js take more than the mebibyte that is the default.
      spawnSync('objdump', ['-T', process.execPath], { encoding: 'utf8', maxBuffer: 2 ** 28 })
        .stdout
    : undefined;
const dynamic = objdump?.includes('GLIBC_');

(dynamic ? test : test.skip)(
  `the glibc that a program needs is the one objdump finds${dynamic ? '' : ' (needs binutils, and Node.js for glibc)'}`,
  (t) => {
    const found = [...(objdump ?? '').matchAll(/GLIBC_([\d.]+)/g)].map(([, name = '']) => name);
    const newest = found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).pop();
    t.is(evaluate('glibc.mjs', 'newestGlibc', 'newestGlibc(process.execPath)'), newest ?? '');
  },
);

/** Whether `npm <command>`, which runs `prepare`, builds: it says so first of all. */
function prepares(t: ExecutionContext, environment: Record<string, string>): boolean {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'scripts'));
  cpSync(join(root, 'scripts', 'prepare.mjs'), join(folder, 'scripts', 'prepare.mjs'));
  writeFileSync(join(folder, 'scripts', 'setup.mjs'), 'console.log(...process.argv.slice(2));');
  const { stdout, status } = spawnSync(process.execPath, [join(folder, 'scripts', 'prepare.mjs')], {
    encoding: 'utf8',
    env: { ...withoutThisRun(), ...environment },
  });
  t.is(status, 0);
  return stdout === '--package\n';
}

test('npm install builds the package; what installs for a build, packs or publishes does not', (t) => {
  t.true(prepares(t, { npm_command: 'install' }));
  for (const npm_command of ['ci', 'install-ci-test', 'pack', 'publish']) {
    t.false(prepares(t, { npm_command }), npm_command);
  }
  t.false(prepares(t, { npm_command: 'install', npm_config_package_lock_only: 'true' }));
});
