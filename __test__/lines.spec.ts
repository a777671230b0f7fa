import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { MmapMut } from 'memmap';
import { codeOf, mapOf } from './helpers/maps';
import { root } from './helpers/temporary';

const text = fc
  .array(fc.constantFrom('a', 'bc', '\n', '\r', '\r\n', 'é', ''), { maxLength: 40 })
  .map((parts) => parts.join(''));

/** The lines as a naive reader finds them. */
function naive(whole: string, keepEnds: boolean): string[] {
  const lines = whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return keepEnds ? [...lines] : lines.map((line) => line.replace(/\r?\n$/, ''));
}

test('lines, their number and their index are those of a naive reader', async (t) => {
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (whole, keepEnds) => {
      using map = mapOf(whole);
      const expected = naive(whole, keepEnds);
      const lines = [...map.lines({ keepEnds })];
      t.deepEqual(lines.map(String), expected);
      t.true(lines.every((line) => Buffer.isBuffer(line) && line.buffer === map.buffer.buffer));
      t.deepEqual([...map.lines({ keepEnds, encoding: 'utf8' })], expected);
      t.is(map.lineCountSync(), expected.length);
      t.is(await map.lineCount(), expected.length);
      for (const index of [
        map.lineIndexSync({ keepEnds, encoding: 'utf8' }),
        await map.lineIndex({ keepEnds, encoding: 'utf8' }),
      ]) {
        t.is(index.length, expected.length);
        t.deepEqual(
          Array.from({ length: index.length }, (_, n) => index.line(n)),
          expected,
        );
      }
      const cursor = map.cursor();
      const read: Array<string | null> = [];
      while (cursor.remaining > 0) read.push(cursor.readLine({ keepEnds, encoding: 'utf8' }));
      t.deepEqual(read, expected);
      t.is(cursor.readLine(), null);
    }),
    { numRuns: 300 },
  );
});

test('a range truncates the lines at its ends', async (t) => {
  using map = mapOf('one\ntwo\r\nthree\n');
  const range = { start: 1, end: 12 };
  t.deepEqual([...map.lines(range)].map(String), ['ne', 'two', 'thr']);
  t.is(map.lineCountSync(range), 3);
  t.is(await map.lineCount(range), 3);
  const index = map.lineIndexSync(range);
  t.deepEqual(
    [0, 1, 2].map((n) => String(index.line(n))),
    ['ne', 'two', 'thr'],
  );
  t.deepEqual(
    [0, 1, 2].map((n) => index.offsetOf(n)),
    [1, 4, 9],
  );
  t.deepEqual(
    [1, 3, 4, 8, 9, 12].map((offset) => index.lineAt(offset)),
    [0, 0, 1, 1, 2, 2],
  );
  t.is(
    codeOf(() => index.lineAt(0)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => index.line(3)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => index.line(0.5)),
    'ERR_OUT_OF_RANGE',
  );
});

const BLOCK = 2 ** 16;

test('an index finds lines around the borders of its blocks, and lines of many blocks', async (t) => {
  using map = MmapMut.anonymous(300 * BLOCK + 5);
  map.fill('x');
  // Line feeds before, at and behind borders, and none for the 270 blocks at the end.
  const feeds = [0, BLOCK - 1, BLOCK, 2 * BLOCK - 2, 2 * BLOCK + 1, 10 * BLOCK, 30 * BLOCK - 1];
  for (const feed of feeds) map.write('\n', feed);
  const index = await map.lineIndex({ keepEnds: true, every: BLOCK });
  t.is(index.length, feeds.length + 1);
  t.is(index.byteLength, 302 * 8);
  const begins = [0, ...feeds.map((feed) => feed + 1)];
  for (const [n, begin] of begins.entries()) {
    t.is(index.offsetOf(n), begin);
    t.is(index.line(n).length, (begins[n + 1] ?? map.length) - begin);
    t.is(index.lineAt(begin), n);
    if (n > 0) t.is(index.lineAt(begin - 1), n - 1);
  }
});

test('an index of any density finds the same lines, and gives ranges of them', async (t) => {
  const many = Array.from({ length: 20_000 }, (_, n) =>
    'x'.repeat((n * 7919) % (n % 9 ? 40 : 4000)),
  );
  using map = mapOf(many.join('\n'));
  for (const every of [1024, 1025, 4096, 65_536, 2 ** 24]) {
    const index = await map.lineIndex({ every, encoding: 'latin1' });
    t.is(index.length, many.length);
    for (let n = 0; n < many.length; n += 37) t.is(index.line(n), many[n] ?? '');
    t.is(index.line(many.length - 1), many.at(-1) ?? '');
    for (const [from, to] of [
      [0, 3],
      [777, 1234],
      [19_990, 20_000],
      [5, 5],
      [20_000, 20_000],
    ] as const) {
      t.deepEqual([...index.lines(from, to)], many.slice(from, to));
    }
    t.is([...index.lines()].length, many.length);
    for (const [from, to] of [
      [-1, 3],
      [4, 3],
      [0, 20_001],
    ] as const) {
      t.is(
        codeOf(() => index.lines(from, to)),
        'ERR_OUT_OF_RANGE',
      );
    }
  }
  t.is(map.lineIndexSync().byteLength, 8 * (Math.ceil(map.length / 4096) + 1));
  for (const every of [1023, 2 ** 24 + 1]) {
    t.is(
      codeOf(() => map.lineIndexSync({ every })),
      'ERR_OUT_OF_RANGE',
    );
  }
});

test('an index notices that its map has changed', (t) => {
  using map = mapOf('a\nb\nc\n');
  const index = map.lineIndexSync();
  t.is(String(index.line(2)), 'c');
  map.fill('x');
  t.is(
    codeOf(() => index.line(2)),
    'ERR_MMAP_CHANGED',
  );
  map.resize(3);
  t.is(
    codeOf(() => index.line(0)),
    'ERR_MMAP_CHANGED',
  );
  map.close();
  t.is(
    codeOf(() => index.line(0)),
    'ERR_MMAP_CLOSED',
  );
});

test('an index notices a line feed that is new or gone in the blocks of a line', (t) => {
  const many = Array.from({ length: 40_000 }, (_, n) => `line ${n}`);
  const block = 64 * 2 ** 10;
  using map = mapOf(many.join('\n'));
  const index = map.lineIndexSync({ encoding: 'latin1', every: block });
  const changedAt = index.lineAt(3 * block + 1000);
  map.write('\n', 3 * block + 1000);
  const changed: number[] = [];
  for (let n = 0; n < index.length; n++) {
    try {
      t.is(index.line(n), many[n] ?? '');
    } catch (error) {
      t.is(Reflect.get(error as object, 'code'), 'ERR_MMAP_CHANGED');
      changed.push(n);
    }
  }
  t.true(changed.includes(changedAt));
  t.is(changed[0], index.lineAt(3 * block - 1), 'from the line that reaches into the block');
  t.is(changed.at(-1), index.lineAt(4 * block), 'to the line that begins in it');
  const wide = mapOf(`a\n${'x'.repeat(3 * block)}\nb\n`);
  const lines = wide.lineIndexSync();
  wide.write('\n', 2 * block);
  t.is(
    codeOf(() => lines.line(1)),
    'ERR_MMAP_CHANGED',
    'also in the middle of a line of many blocks',
  );
  t.is(String(lines.line(2)), 'b');
});

test('more lines than one fetch, and the iterator ends with its map', (t) => {
  const many = Array.from({ length: 5000 }, (_, n) => `line ${n}`);
  const map = mapOf(`${many.join('\n')}\n`);
  t.deepEqual([...map.lines({ encoding: 'latin1' })], many);
  for (const closeAfter of [1, 16, 17, 3000]) {
    using again = mapOf(many.join('\n'));
    const lines = again.lines();
    for (let n = 0; n < closeAfter; n++) lines.next();
    again.close();
    t.is(
      codeOf(() => lines.next()),
      'ERR_MMAP_CLOSED',
    );
    t.true(lines.next().done);
  }
  map.close();
  t.is(
    codeOf(() => map.lines()),
    'ERR_MMAP_CLOSED',
  );
  t.is(
    codeOf(() => map.lineCountSync()),
    'ERR_MMAP_CLOSED',
  );
});

test('counting and indexing can be aborted and watched', async (t) => {
  using map = MmapMut.anonymous(48 * 2 ** 20);
  const progress: number[] = [];
  await map.lineIndex({ onProgress: (done, total) => progress.push(done / total) });
  t.is(progress.at(-1), 1);
  t.true(progress.length > 1);
  const signal = AbortSignal.abort('enough');
  await t.throwsAsync(map.lineCount({ signal }), { name: 'AbortError' });
  await t.throwsAsync(map.lineIndex({ signal }), { name: 'AbortError' });
  const running = map.lineCount();
  map.close();
  await t.throwsAsync(running, { code: 'ERR_MMAP_CLOSED' });
});

test('the example sorted-lines.js finds every key, and no other', (t) => {
  const { lookUp }: { lookUp: (bytes: Buffer, key: Buffer) => string | undefined } = require(
    join(root, 'examples', 'sorted-lines.js'),
  );
  const keys = Array.from(
    { length: 3000 },
    (_, n) => `k${(n * 3).toString(36).padStart(n % 5, '0')}`,
  );
  const lines = keys.sort((a, b) => (a < b ? -1 : 1)).map((key) => `${key}\tvalue of ${key}`);
  for (const end of ['', '\n']) {
    using map = mapOf(lines.join('\n') + end);
    for (const key of new Set(keys)) t.is(lookUp(map.buffer, Buffer.from(key)), `value of ${key}`);
    for (const key of ['', 'a', 'k', 'zzz', `${keys[5]}x`]) {
      if (!keys.includes(key)) t.is(lookUp(map.buffer, Buffer.from(key)), undefined, key);
    }
  }
});
