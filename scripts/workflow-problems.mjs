/**
 * What is wrong in `.github/`, of what actionlint cannot know: whether actions are pinned, and whether
 * the workflows agree with the rest of the project.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The workflows and the actions of this repository: their paths and texts. */
function sources(root) {
  return readdirSync(join(root, '.github'), { recursive: true, encoding: 'utf8' })
    .map((path) => `.github/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.yml'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function all(text, pattern) {
  return [...text.matchAll(pattern)].map(([, found]) => found);
}

/** A digest cannot be moved to other code, as a tag can. The comment says which version it is. */
function unpinned({ path, text }, root) {
  return all(text, /^\s*(?:- )?uses: *(.*)$/gm).flatMap((uses) => {
    if (uses.startsWith('./')) {
      const there = uses.endsWith('.yml') ? uses : `${uses}/action.yml`;
      return existsSync(join(root, there)) ? [] : [`${path}: there is no ${uses}`];
    }
    const pinned = /^[\w-]+\/[\w-]+@[0-9a-f]{40} # \S+$/.test(uses);
    return pinned ? [] : [`${path}: '${uses}' is not pinned as owner/name@<digest> # version`];
  });
}

/** One version of an action is used everywhere. */
function mixed(files) {
  const pins = files.flatMap(({ text }) => all(text, /uses: *([^.].*)$/gm));
  const names = new Set(pins.map((pin) => pin.split('@')[0]));
  return [...names].flatMap((name) => {
    const versions = new Set(pins.filter((pin) => pin.startsWith(`${name}@`)));
    return versions.size > 1 ? [`${name} is used in ${versions.size} versions`] : [];
  });
}

/** npm scripts and files that a workflow runs. */
function missing({ path, text }, root, scripts) {
  const named = all(text, /\bnpm run (?:--silent )?([\w:-]+)/g).filter((name) => !scripts[name]);
  const files = all(text, /(?:\bnode |run: )((?:scripts|examples|\.ci)\/[\w./-]+)/g);
  return [
    ...named.map((name) => `${path}: package.json has no script ${name}`),
    ...files
      .filter((file) => !existsSync(join(root, file)))
      .map((file) => `${path}: there is no ${file}`),
  ];
}

/** A workflow may read the repository and nothing else, unless a job asks for more. */
function permissive({ path, text }) {
  if (!path.includes('/workflows/')) return [];
  const found = [];
  if (!/^permissions:\n {2}contents: read\n(?! )/m.test(text)) {
    found.push(`${path}: the workflow may do more than 'contents: read'`);
  }
  const checkouts = all(
    text,
    /(uses: actions\/checkout@.*\n +with:\n +persist-credentials: false)/g,
  );
  if (checkouts.length !== all(text, /(uses: actions\/checkout@)/g).length) {
    found.push(`${path}: a checkout leaves its token behind (persist-credentials: false)`);
  }
  return found;
}

/** The jobs of a workflow, by name, each with its text. */
function jobs(text) {
  const [, body = ''] = text.split(/^jobs:\n/m);
  return Object.fromEntries(
    body
      .split(/^ {2}(?=[\w-]+:\n)/m)
      .slice(1)
      .map((job) => [job.slice(0, job.indexOf(':')), job]),
  );
}

function differences(what, found, expected) {
  return [
    ...expected
      .filter((each) => !found.includes(each))
      .map((each) => `${what} ${each} is in no job`),
    ...found
      .filter((each) => !expected.includes(each))
      .map((each) => `${what} ${each} is unknown to package.json`),
  ];
}

/** Everything wrong, one line each. */
export function problems(root) {
  const files = sources(root);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const cargo = readFileSync(join(root, 'Cargo.toml'), 'utf8');
  const text = (name) => files.find(({ path }) => path.endsWith(`/${name}`))?.text ?? '';
  const { build = '', demo = '' } = jobs(text('build.yml'));
  const test = jobs(text('test.yml'));
  const targetsOf = (job) => all(job, /target: ([\w-]+)/g);
  const oldestNode = /\d+/.exec(manifest.engines.node)?.[0];
  const oldestRust = /^rust-version = "(.*)"$/m.exec(cargo)?.[1];
  const found = files.flatMap((file) => [
    ...unpinned(file, root),
    ...missing(file, root, manifest.scripts),
    ...permissive(file),
  ]);
  found.push(...mixed(files));
  found.push(...differences('target', targetsOf(build), manifest.napi.targets));
  for (const target of targetsOf(demo)) {
    if (!manifest.napi.targets.includes(target)) found.push(`the demo's ${target} is no target`);
  }
  if (!test.test?.includes(`node: ['${oldestNode}',`)) {
    found.push(`test.yml does not test the oldest Node.js, ${oldestNode}`);
  }
  if (!test['oldest-rust']?.includes(`rust: '${oldestRust}'`)) {
    found.push(`test.yml has no job oldest-rust with the oldest Rust, ${oldestRust}`);
  }
  const tokens = files.filter(({ text }) => text.includes('id-token: write'));
  if (tokens.map(({ path }) => path).join() !== '.github/workflows/publish.yml') {
    found.push('publish.yml, and it alone, must ask for id-token: write');
  }
  return found;
}
