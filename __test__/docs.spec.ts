import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { root } from './helpers/temporary';

/** The pages for readers of the repository, relative to its root. */
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true })
    .map((name) => `docs/${String(name).replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.md')),
];

/** Folders of the repository. A path that begins with one of them is meant as a path. */
const FOLDER = '(?:lib|src|docs|scripts|__test__|benchmark|examples|npm|\\.ci|\\.github)';

/** The paths that a page names in code spans, as `lib/index.ts` or `src/guard/`. */
function namedPaths(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, span = '']) =>
    [...span.matchAll(new RegExp(`(?<![\\w./*-])${FOLDER}/[\\w./-]*(?![\\w./*-])`, 'g'))].map(
      ([path]) => path,
    ),
  );
}

/** The targets of a page's links, without those that lead out of the repository. */
function links(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a page: those that GitHub gives to its headings, and those that it sets itself. */
function anchors(text: string): string[] {
  const seen = new Map<string, number>();
  const headings = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) => {
      const anchor = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    },
  );
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)];
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

test('the checks of the docs see what they are for', (t) => {
  t.deepEqual(namedPaths('`lib/index.ts`, `node examples/demo.js` and `npm/*/README.md`'), [
    'lib/index.ts',
    'examples/demo.js',
  ]);
  t.deepEqual(links('[a](docs/a.md#b) [c](https://example.org)'), ['docs/a.md#b']);
  t.deepEqual(anchors('## Alignment: why `buffer.byteOffset` may not be 0'), [
    'alignment-why-bufferbyteoffset-may-not-be-0',
  ]);
  t.deepEqual(anchors('## line()\n```\n# a comment\n```\n## line\n<a id="here"></a>'), [
    'line',
    'line-1',
    'here',
  ]);
  t.true(namedPaths(read('docs/internals.md')).length > 20);
  t.true(pages.flatMap((page) => links(read(page))).length > 20);
});

test('every path that the docs name exists', (t) => {
  const missing = pages.flatMap((page) =>
    namedPaths(read(page))
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${page} names ${path}`),
  );
  t.deepEqual(missing, []);
});

test('every relative link of the docs leads to a page, and to a heading that it has', (t) => {
  const broken = pages.flatMap((page) =>
    links(read(page)).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(read(target)).includes(anchor);
    }),
  );
  t.deepEqual(broken, []);
});

test('npm can resolve the relative links of the README: it knows the repository', (t) => {
  const { repository, homepage } = JSON.parse(read('package.json'));
  t.regex(repository.url, /^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/);
  t.is(homepage, `${repository.url.slice('git+'.length, -'.git'.length)}#readme`);
  // npm shows pictures from there, too, but no HTML with relative addresses.
  t.notRegex(read('README.md'), /<(?:img|a)\s/);
});
