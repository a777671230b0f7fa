/** The check of the workflows, on this checkout and on copies in which one thing is wrong. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { root, temporaryFolder } from './helpers/temporary';

const CHECK = `
  import(${JSON.stringify(
    pathToFileURL(join(root, 'scripts', 'workflow-problems.mjs')).href,
  )}).then(({ problems }) => console.log(JSON.stringify(problems(process.cwd()))));`;

/** What the check finds in a folder. */
function problems(folder: string): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', CHECK], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('nothing is wrong in the workflows', (t) => {
  t.deepEqual(problems(root), []);
});

/** A file, what is replaced in it and by what, and what the check says then. */
const mistakes: [string, string | RegExp, string, RegExp][] = [
  [
    'workflows/test.yml',
    /checkout@[0-9a-f]{40} # v/,
    'checkout@v',
    /'actions\/checkout@v[\d.]+' is not/,
  ],
  ['workflows/test.yml', / # v[\d.]+/, '', /'actions\/checkout@[0-9a-f]{40}' is not pinned/],
  ['workflows/test.yml', /@[0-9a-f]{40}/, `@${'0'.repeat(40)}`, /checkout is used in 2 versions/],
  [
    'workflows/test.yml',
    './.github/actions/setup',
    './.github/actions/set',
    /is no .\/.github\/actions\/set$/,
  ],
  [
    'workflows/publish.yml',
    './.github/workflows/test.yml',
    './.github/workflows/t.yml',
    /is no .*t\.yml$/,
  ],
  ['workflows/test.yml', 'npm run demo', 'npm run demonstration', /has no script demonstration/],
  [
    'workflows/publish.yml',
    'scripts/release/notes.mjs',
    'scripts/notes.mjs',
    /is no scripts\/notes.mjs/,
  ],
  ['workflows/test.yml', 'run: .ci/run', 'run: .ci/walk', /is no .ci\/walk/],
  ['workflows/nightly.yml', '  contents: read\n', '  contents: write\n', /may do more/],
  [
    'workflows/nightly.yml',
    '  contents: read\n',
    '  contents: read\n  actions: write\n',
    /may do more/,
  ],
  [
    'workflows/nightly.yml',
    'persist-credentials: false',
    'fetch-depth: 0',
    /leaves its token behind/,
  ],
  [
    'workflows/build.yml',
    '- { target: aarch64-unknown-linux-musl, os: ubuntu-latest }',
    '',
    /target aarch64-unknown-linux-musl is in no job/,
  ],
  [
    'workflows/build.yml',
    'target: aarch64-pc-windows-msvc, os: windows-latest',
    'target: i686-pc-windows-msvc, os: windows-latest',
    /i686-pc-windows-msvc is unknown/,
  ],
  ['workflows/test.yml', "node: ['20',", "node: ['22',", /does not test the oldest Node.js, 20/],
  ['workflows/test.yml', /rust: '1.\d+'/, "rust: '1.0'", /no job oldest-rust/],
  ['workflows/test.yml', 'contents: read\n', 'contents: read\n# id-token: write\n', /it alone/],
];

for (const [file, before, after, said] of mistakes) {
  test(`the check finds '${after.trim() || `no ${before}`}' in ${file}`, (t) => {
    const folder = temporaryFolder(t);
    for (const name of ['.github', '.ci', 'examples', 'scripts', 'Cargo.toml', 'package.json']) {
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
    const path = join(folder, '.github', file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(before, () => after),
    );
    t.not(readFileSync(path, 'utf8'), text);
    const found = problems(folder);
    t.true(
      found.some((problem) => said.test(problem)),
      found.join('\n'),
    );
  });
}
