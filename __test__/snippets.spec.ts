/** The examples in doc comments, README.md and docs/: each is run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { canShare } from './helpers/gates';
import {
  commentSnippets,
  documentSnippets,
  run,
  runsAsItStands,
  type Snippet,
  withChecks,
} from './helpers/snippets';
import { root } from './helpers/temporary';

const documents = documentSnippets();

/** What Windows has not: dropping pages, truncating what is mapped, and one ArrayBuffer for all lengths. */
const NOT_ON_WINDOWS = /\.evict|truncateSync|\.buffer\.buffer === buffer/;

const sharing = canShare();

/** A map that is lent as a SharedArrayBuffer; a FileLock takes an option of the same name. */
const SHARED_MAP = /Mmap\w*\.open\([^)]*shared: true/;

/** Why an example cannot run here. */
function impossible(code: string): string {
  if (process.platform === 'win32' && NOT_ON_WINDOWS.test(code)) return ' (not on Windows)';
  if (!sharing && SHARED_MAP.test(code)) return ' (not here: this runtime has no shared maps)';
  return '';
}

for (const snippet of [...documents, ...commentSnippets()]) {
  const reason = impossible(snippet.code);
  const title = `the example at ${snippet.title} runs${reason}`;
  (reason === '' ? test.serial : test.skip)(title, async (t) => {
    await t.notThrowsAsync(run(snippet));
  });
}

test('the first example of the README finds a line', async (t) => {
  const [first] = documents;
  t.regex(first?.title ?? '', /^README\.md:/);
  t.regex(await run(first as Snippet), /^127\.0\.0\.1 .*"GET \/about HTTP\/1\.1" 200 513\n$/);
});

test('every example of the README is a whole ECMAScript module', (t) => {
  const fences = readFileSync(join(root, 'README.md'), 'utf8').match(/^```(?:js|ts)$/gm) ?? [];
  const run = documents.filter(({ title }) => title.startsWith('README.md:'));
  t.true(fences.length >= 4);
  t.is(run.length, fences.length);
  for (const { title, code, setup } of run) {
    t.is(setup, '', title);
    t.notRegex(code, /require\(/, title);
  }
});

test('the examples of the README run untranspiled, and so on Node.js 20', async (t) => {
  const title = 'README.md:1';
  const code = 'const seen: number = 1;\n';
  await t.throwsAsync(run({ title, code }), { message: /SyntaxError|error: Expected/ });
  await t.notThrowsAsync(run({ title: 'docs/guide.md:1', code }));
  // Newer ones know this, so that running them shows nothing.
  for (const snippet of documents.filter(runsAsItStands)) {
    t.notRegex(snippet.code, /^\s*(?:await )?using /m, snippet.title);
  }
});

test('an example that is a part of a program runs after its setup', async (t) => {
  const setup = "const word = 'Hello';\n";
  t.is(await run({ title: 'here', setup, code: 'console.log(word);\n' }), 'Hello\n');
  await t.throwsAsync(run({ title: 'here', code: 'console.log(word);\n' }));
  t.true(documents.some((snippet) => snippet.setup !== ''));
});

test('an example that fails, says something wrong or never checks what it says is no example', async (t) => {
  const example = (code: string) => run({ title: 'here', code });
  await t.throwsAsync(example("throw new Error('no');\n"), { message: /no/ });
  await t.throwsAsync(example('1 + 1; // => 3\n'), { message: /says 3 and gets 2/ });
  await t.throwsAsync(example('if (true) {\n} // => 3\n'), { message: /'\/\/ =>' stands behind/ });
  await t.notThrowsAsync(example("const text = 'a' + 'b'; // => 'ab'\n[1, 2]; // => [ 1, 2 ]\n"));
  t.is(withChecks('  await f(1); // => 2\n'), '  __expect(await f(1), "2");\n');
});
