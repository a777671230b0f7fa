/**
 * The examples in doc comments and documents, and how they are run. CONTRIBUTING.md says what an
 * example may use.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from '@typescript/typescript6';

const root = dirname(require.resolve('memmap/package.json'));

/** A fenced piece of code. */
export interface Snippet {
  /** The file and line that it stands at. */
  title: string;
  code: string;
  /** What a part of a program needs before it: in a comment above it, which readers do not see. */
  setup?: string;
}

/** The fences of JavaScript and TypeScript in a text, each with the comment of its setup. */
function fences(file: string, text: string, firstLine = 1): Snippet[] {
  const pattern = /^(?:<!-- setup\n((?:(?!-->)[^\n]*\n)*)-->\n)?```(?:js|ts)\n(.*?)^```$/gms;
  return [...text.matchAll(pattern)].map(({ index, 0: whole, 1: setup = '', 2: code = '' }) => {
    const fence = index + whole.indexOf('```');
    const title = `${file}:${firstLine + text.slice(0, fence).split('\n').length}`;
    return { title, code, setup };
  });
}

/** The examples in the doc comments of a source file. */
function inComments(file: string): Snippet[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/^ *\/\*\*\n.*?\*\/$/gms)].flatMap(({ index, 0: comment }) =>
    fences(file, comment.replace(/^ *\*(?: |$)/gm, ''), source.slice(0, index).split('\n').length),
  );
}

/** Every example of a doc comment. */
export function commentSnippets(): Snippet[] {
  return readdirSync(join(root, 'lib'), { recursive: true })
    .map((name) => `lib/${String(name).replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .sort()
    .flatMap(inComments);
}

/** Every example of the documents that are written by hand: those of `docs/api/` are doc comments. */
export function documentSnippets(): Snippet[] {
  const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...documents.sort().map((name) => `docs/${name}`)].flatMap((file) =>
    fences(file, readFileSync(join(root, file), 'utf8')),
  );
}

/** Writes the files that every example finds in its folder. */
export function prepare(folder: string): void {
  const numbers = new Float64Array(1024).map((_, index) => index / 2);
  writeFileSync(join(folder, 'data.bin'), numbers);
  const requests = ['/', '/about', '/missing', '/'].map(
    (path, second) =>
      `127.0.0.1 - - [25/Nov/2026:10:00:0${second} +0000] "GET ${path} HTTP/1.1" ` +
      `${path === '/missing' ? 404 : 200} ${512 + second}\n`,
  );
  writeFileSync(join(folder, 'access.log'), requests.join(''));
}

const PRELUDE = `
import { inspect as __inspect } from 'node:util';
function __expect(value, text) {
  const seen = __inspect(value, { breakLength: Infinity });
  if (seen !== text) throw new Error('an example says ' + text + ' and gets ' + seen);
}
`;

/** `expression; // => text` and `const name = expression; // => text` check what they say. */
export function withChecks(code: string): string {
  return code.replace(
    /^(\s*)(?:(?:const|let) (\w+) = )?(.+?); \/\/ => (.+)$/gm,
    (_, indent: string, name: string | undefined, expression: string, text: string) =>
      `${indent}${name ? `const ${name} = ${expression}; ` : ''}` +
      `__expect(${name ?? expression}, ${JSON.stringify(text)});`,
  );
}

/** Whether an example must run on every Node.js that is supported as readers see it. */
export function runsAsItStands({ title }: Snippet): boolean {
  return title.startsWith('README.md:');
}

/** An example as an ECMAScript module for every Node.js that is supported, which checks what it says. */
export function asModule(snippet: Snippet): string {
  const { title, code, setup = '' } = snippet;
  if (/^.*\/\/ =>.*$/m.test(withChecks(code))) {
    throw new Error(`${title}: '// =>' stands behind an expression of one line, '; // => text'`);
  }
  const module = PRELUDE + setup + withChecks(code);
  if (runsAsItStands(snippet)) return module;
  // `using` is younger than the oldest Node.js that is tested.
  const { outputText } = transpileModule(module, {
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
  });
  return outputText;
}

/** Runs an example in a folder of its own. Answers what it printed. */
export async function run(snippet: Snippet): Promise<string> {
  // Inside the package, where 'memmap' is this build.
  const folder = mkdtempSync(join(root, 'build', 'example-'));
  try {
    prepare(folder);
    writeFileSync(join(folder, 'example.mjs'), asModule(snippet));
    const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], {
      cwd: folder,
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
