import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const src = join(__dirname, '..', '..', 'src');

/** The districts of the Rust core, from bottom to top. A file imports only from rows above its own. */
const DISTRICTS = [
  ['model'],
  ['error'],
  ['sys', 'pool'],
  ['guard'],
  ['memory'],
  ['search', 'sync'],
  ['exports'],
];

/** Where `unsafe` may appear: folders end with a slash. */
const UNSAFE = ['sys/', 'guard/', 'memory/region/', 'memory/array_buffer.rs'];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.rs'));

/** A file without comments and the contents of strings. */
function code(file: string): string {
  return readFileSync(join(src, file), 'utf8').replace(
    /\/\/.*|'(?:\\.|[^'\\])'|"(?:\\[\s\S]|[^"\\])*"/g,
    (found) => (found.startsWith('"') ? '""' : ''),
  );
}

/** The paths that a `use` tree names: `a::{b, c::d}` gives `a::b` and `a::c::d`. */
function paths(tree: string): string[] {
  const brace = tree.indexOf('{');
  if (brace < 0) return [tree];
  const items: string[] = [''];
  let depth = 0;
  for (const character of tree.slice(brace + 1, tree.lastIndexOf('}'))) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (character === ',' && depth === 0) items.push('');
    else items.push((items.pop() ?? '') + character);
  }
  return items
    .filter((item) => item !== '')
    .flatMap((item) => paths(item).map((path) => tree.slice(0, brace) + path));
}

/** The modules of the crate that a file names, as parts of a path below `src/`. */
function imports(file: string): string[][] {
  const folder = file.split('/').slice(0, -1);
  const found: string[][] = [];
  const text = code(file);
  const names = /\b(?:crate|super)\b(?:::\w+)*(?:::\{)?/g;
  for (let name = names.exec(text); name !== null; name = names.exec(text)) {
    let tree = name[0];
    // The rest of a tree in braces: up to the brace that closes it.
    for (let depth = tree.endsWith('{') ? 1 : 0; depth > 0; names.lastIndex += 1) {
      const character = text.charAt(names.lastIndex);
      if (character === '') throw new Error(`${file}: a brace is not closed`);
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      tree += character;
    }
    for (const path of paths(tree.replaceAll(/\s/g, ''))) {
      const parts = path.split('::');
      const from = parts.shift() === 'crate' ? [] : [...folder];
      if (file.endsWith('/mod.rs') && from.length > 0) from.pop();
      while (parts[0] === 'super') {
        parts.shift();
        from.pop();
      }
      found.push([...from, ...parts]);
    }
  }
  return found;
}

/** The file or folder of a district that a path leads to; undefined for the district itself. */
function unit(path: string[]): string | undefined {
  const [district, name] = path;
  const base = name?.replace(/\.rs$/, '');
  return files.some((file) => file.startsWith(`${district}/${base}/`)) ||
    files.includes(`${district}/${base}.rs`)
    ? `${district}/${base}`
    : undefined;
}

const edges = files
  .filter((file) => file !== 'lib.rs')
  .flatMap((file) => imports(file).map((to) => ({ file, to })));

test('every file of the core is in a district', (t) => {
  const known = DISTRICTS.flat();
  t.deepEqual(
    files.filter((file) => file !== 'lib.rs' && !known.includes(file.split('/')[0] ?? '')),
    [],
  );
});

test('the imports of the core are all seen', (t) => {
  const seen = (file: string, to: string) =>
    edges.some((edge) => edge.file === file && edge.to.join('/').startsWith(to));
  t.true(seen('sync/word.rs', 'memory/Region'));
  t.true(seen('sys/memory/unix.rs', 'sys/file/unmappable'));
  t.true(seen('memory/array_buffer.rs', 'memory/region/SourceBytes'));
  t.true(seen('exports/search.rs', 'exports/pattern/Pattern'));
});

test('no file of the core imports from a district above or beside its own', (t) => {
  const row = (district: string | undefined) =>
    DISTRICTS.findIndex((districts) => districts.includes(district ?? ''));
  const wrong = edges.filter(({ file, to }) => {
    const own = file.split('/')[0];
    return row(to[0]) >= 0 && to[0] !== own && row(to[0]) >= row(own);
  });
  t.deepEqual(
    wrong.map(({ file, to }) => `${file} imports ${to.join('::')}`),
    [],
  );
});

test('no circle of imports among the files of a district', (t) => {
  const graph = new Map<string, Set<string>>();
  for (const { file, to } of edges) {
    const from = unit(file.split('/'));
    const target = unit(to);
    if (from === undefined || target === undefined || from === target) continue;
    if (from.split('/')[0] !== target.split('/')[0]) continue;
    graph.set(from, (graph.get(from) ?? new Set()).add(target));
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (at: string, path: string[]) => {
    if (path.includes(at)) circles.push([...path.slice(path.indexOf(at)), at].join(' > '));
    if (done.has(at) || path.includes(at)) return;
    for (const next of graph.get(at) ?? []) visit(next, [...path, at]);
    done.add(at);
  };
  for (const start of graph.keys()) visit(start, []);
  t.deepEqual(circles, []);
});

test('unsafe code is where raw memory and the system are', (t) => {
  const allowed = (file: string) =>
    UNSAFE.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));
  const having = files.filter((file) => /\bunsafe\b/.test(code(file)));
  t.deepEqual(
    having.filter((file) => !allowed(file)),
    [],
  );
  // Otherwise the list allows more than it must, or the search finds nothing.
  for (const place of UNSAFE)
    t.true(
      having.some((file) => file.startsWith(place)),
      place,
    );
});
