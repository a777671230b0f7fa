/** The published typings, in programs of `__test__/types/` that each compiler must accept. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { documentSnippets, runsAsItStands } from './helpers/snippets';

const root = dirname(require.resolve('memmap/package.json'));
const TYPINGS = ['index.d.ts', 'sync.d.ts', 'shm.d.ts', 'channel.d.ts'];
const programs = join(root, '__test__', 'types');

/** A package that depends on what npm would publish of this one. */
const consumer = mkdtempSync(join(tmpdir(), 'memmap-types-'));
test.after.always(() => rmSync(consumer, { recursive: true, force: true }));

test.before(() => {
  const modules = join(consumer, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  mkdirSync(join(modules, 'memmap'));
  for (const file of ['package.json', ...TYPINGS]) {
    copyFileSync(join(root, file), join(modules, 'memmap', file));
  }
  // What the typings need beside them; TypeScript follows the links to what that needs.
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  for (const file of readdirSync(programs)) {
    copyFileSync(join(programs, file), join(consumer, file));
  }
  writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }');
});

/** The folders of the compilers under `node_modules/`, and their programs. */
const compilers: Record<string, string> = {
  '5.7': 'typescript-5.7/bin/tsc',
  '5.8': 'typescript-5.8/bin/tsc',
  '5.9': 'typescript-5.9/bin/tsc',
  '6.0': '@typescript/typescript6/bin/tsc6',
  '7.0': 'typescript/bin/tsc',
};

/** No `dom`, and no `esnext.disposable`. */
const OPTIONS = {
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
};

/** Ways to find the typings: as Node.js finds packages, as bundlers do, and without `exports`. */
const MODULES = {
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  node10: { module: 'esnext', moduleResolution: 'node10' },
};

/** The programs of `__test__/types/`, from the folder of a project. */
function ofTheTests(): string[] {
  return readdirSync(consumer)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `../${name}`);
}

/** Compiles programs; answers what the compiler has against them. */
async function complaints(
  version: string,
  options: object,
  files: () => string[] = ofTheTests,
): Promise<string> {
  const compiler = join(root, 'node_modules', ...(compilers[version] ?? '').split('/'));
  const project = join(mkdtempSync(join(consumer, 'project-')), 'tsconfig.json');
  const compilerOptions = { ...OPTIONS, typeRoots: ['../node_modules/@types'], ...options };
  writeFileSync(project, JSON.stringify({ compilerOptions, files: files() }));
  try {
    await promisify(execFile)(process.execPath, [compiler, '--project', project]);
    return '';
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr || String(error);
  }
}

for (const version of Object.keys(compilers)) {
  test.serial(`TypeScript ${version} takes the typings and the programs`, async (t) => {
    t.is(await complaints(version, { ...MODULES.nodenext, skipLibCheck: true }), '');
  });

  test.serial(`TypeScript ${version} takes them without skipLibCheck`, async (t) => {
    t.is(await complaints(version, { ...MODULES.bundler, skipLibCheck: false }), '');
  });
}

test.serial('the examples of the README compile under strict', async (t) => {
  const folder = join(consumer, 'readme');
  mkdirSync(folder);
  const examples = documentSnippets().filter(runsAsItStands);
  for (const [index, { code }] of examples.entries()) {
    writeFileSync(join(folder, `${index}.ts`), code);
  }
  const strict = { ...MODULES.nodenext, skipLibCheck: true, noUncheckedIndexedAccess: false };
  const files = () => readdirSync(folder).map((name) => `../readme/${name}`);
  t.true(examples.length >= 4);
  t.is(await complaints('7.0', strict, files), '');
  // It would say so of one that does not.
  writeFileSync(join(folder, 'refused.ts'), "import 'memmap';\nconst one: string = 1;\n");
  t.regex(await complaints('7.0', strict, files), /refused\.ts\(2,7\): error TS2322/);
});

test.serial('resolution without package exports (node10) finds every entry point', async (t) => {
  t.is(await complaints('5.9', { ...MODULES.node10, skipLibCheck: true }), '');
});

test.serial('a program that the typings refuse fails', async (t) => {
  const path = join(consumer, 'refused.ts');
  writeFileSync(path, "import { Mmap } from 'memmap';\nMmap.open('file', { offset: '1' });\n");
  const text = await complaints('5.9', { ...MODULES.nodenext, skipLibCheck: true });
  rmSync(path);
  t.regex(text, /refused\.ts\(2,\d+\): error TS2769/);
  t.is(text.match(/error TS/g)?.length, 1, text);
});

/** What follows an `export` or `export type` at the end of a file. */
function exported(text: string, keyword: string): string[] {
  const lists = text.matchAll(new RegExp(`^${keyword} \\{([^}]*)\\};`, 'gm'));
  return [...lists].flatMap(([, list = '']) => list.match(/\w+/g) ?? []).sort();
}

for (const file of TYPINGS) {
  const entry = file === 'index.d.ts' ? 'memmap' : `memmap/${file.slice(0, -'.d.ts'.length)}`;
  test(`${file} declares as values what ${entry} exports, and no more`, (t) => {
    const text = readFileSync(join(root, file), 'utf8');
    t.deepEqual(exported(text, 'export'), Object.keys(require(entry)).sort());
  });
}

test('the typings show what users hold and nothing else', (t) => {
  for (const file of TYPINGS) {
    const text = readFileSync(join(root, file), 'utf8');
    const names = [...exported(text, 'export'), ...exported(text, 'export type')];
    const declared = text.matchAll(
      /^(?:export )?(?:declare )?(?:abstract )?(class|function|let|const enum) ([\w$]+)/gm,
    );
    const seen = [...declared].filter(
      ([, kind, name]) => kind !== 'class' || !names.includes(name ?? ''),
    );
    t.deepEqual(
      seen.map(([, kind, name]) => `${kind} ${name}`),
      [],
      file,
    );
    // The rolling up renames what two modules call the same.
    t.deepEqual(text.match(/\b\w+\$\d+\b/g) ?? [], [], file);
  }
});
