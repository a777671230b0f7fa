/** `memmap find` beside a model and grep, in large files, and for readers that are slow. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { inProcess, memmapWith, values } from './helpers/cli';
import { needs } from './helpers/gates';
import { diskPath, temporaryFolder } from './helpers/temporary';

/** Expressions that grep -E and JavaScript read alike, many of which can match nothing. */
const EXPRESSIONS = [
  ...['a', 'x*', '$', '^', '^$', 'a*b*', '^a', 'b$', '^a*$', 'a|$', '(a|b)*', '(a*)*', '(^|b)+a'],
  ...['[^a]', '[^b]+', '.', 'a.b', 'b{2,}', '^(a|ab)b$', 'a?$', '(^a|b$)', '[^x]*'],
];

/** The lines of a text, without their line feeds. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** All texts of up to so many of these characters. */
function texts(alphabet: string, length: number): string[] {
  if (length === 0) return [''];
  const shorter = texts(alphabet, length - 1);
  return [
    '',
    ...[...alphabet].flatMap((character) => shorter.map((text) => `${character}${text}`)),
  ];
}

const TEXTS = [
  ...texts('a\n', 4),
  ...texts('ab\n', 3),
  ...['aab\nb\n\nabb', 'a\r\nb\r\n\r\n', 'a\rb\n', '\0a\nb\0\n', 'ab\n\n\nba\n', 'xx\nab\nxx\n'],
];

/** A file for each of the texts. */
function filesOfTexts(t: ExecutionContext): string[] {
  const folder = temporaryFolder(t);
  return TEXTS.map((text, index) => {
    const path = join(folder, String(index));
    writeFileSync(path, text);
    return path;
  });
}

test('find -e prints the lines that the expression matches by themselves', async (t) => {
  const files = filesOfTexts(t);
  for (const source of EXPRESSIONS) {
    // With the flag s: of a line of Windows the carriage return is a part, as for grep.
    const expression = new RegExp(source, 's');
    const found = TEXTS.map((text) =>
      linesOf(text)
        .map((line, index) => `${index + 1}:${line}\n`)
        .filter((_, index) => expression.test(linesOf(text)[index] ?? '')),
    );
    const all = await inProcess('find', '-en', '--', source, ...files);
    t.is(
      all.printed,
      found.map((lines, file) => lines.map((line) => `${files[file]}:${line}`).join('')).join(''),
      source,
    );
    t.is(all.code, found.flat().length > 0 ? 0 : 1, source);
    const counts = await inProcess('find', '-ec', '--', source, ...files);
    t.is(
      counts.printed,
      found.map((lines, file) => `${files[file]}:${lines.length}\n`).join(''),
      source,
    );
  }
});

needs('grep')('find agrees with grep (needs grep)', async (t) => {
  // What grep adds to a last line without a line feed is added by find, too.
  const files = filesOfTexts(t);
  for (const source of EXPRESSIONS) {
    const grep = spawnSync('grep', ['-aEn', '--', source, ...files], {
      encoding: 'latin1',
      env: { ...process.env, LC_ALL: 'C' },
    });
    const { code, printed } = await inProcess('find', '-en', '--', source, ...files);
    t.is(printed, grep.stdout, source);
    t.is(grep.status, code, source);
  }
});

test('find works in files of more than 4 GiB', (t) => {
  const path = diskPath(t, 'sparse');
  const last = Buffer.from('\nneedle at the end');
  writeFileSync(path, 'needle at the start\n');
  const file = openSync(path, 'r+');
  // Not as a string, whose position Deno ignores.
  writeSync(file, last, 0, last.length, 2 ** 32 + 50);
  closeSync(file);
  // It is read from the first byte to the last.
  t.timeout(300_000);
  const { status, stdout, stderr } = memmapWith({ timeout: 300_000 }, 'find', '-n', 'needle', path);
  t.is(stderr, '');
  t.is(status, 0);
  t.is(stdout, '1:needle at the start\n3:needle at the end\n');
});

test('find prints long lines, and lines over the borders of what is looked at at once', async (t) => {
  const path = diskPath(t, 'long');
  const parts = [
    'first x\n',
    `${'a'.repeat(5 * 2 ** 20)}x${'b'.repeat(9 * 2 ** 20)}\n`,
    'none\n',
    ...Array.from({ length: 100_000 }, (_, index) => `x ${index}\n`),
    `x${'c'.repeat(3 * 2 ** 20)}`,
  ];
  writeFileSync(path, parts.join(''));
  const wanted = parts.filter((part) => part.includes('x'));
  const plain = await inProcess('find', 'x', path);
  t.true(plain.printed === `${wanted.join('')}\n`);
  const numbered = await inProcess('find', '-n', 'x', path);
  const numbers = parts.flatMap((part, index) =>
    part.includes('x') ? [`${index + 1}:${part}`] : [],
  );
  t.true(numbered.printed === `${numbers.join('')}\n`);
  const json = await inProcess('find', '--json', 'x', path);
  t.deepEqual(
    (values(json.printed) as { text: string }[]).map(({ text }) => text.length),
    wanted.map((part) => part.replace('\n', '').length),
  );
  t.is((await inProcess('find', '-c', 'x', path)).printed, `${wanted.length}\n`);
});
