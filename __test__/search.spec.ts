import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { MmapMut } from 'memmap';
import { codeOf, mapOf } from './helpers/maps';
import { coreFile } from './helpers/native';
import { root } from './helpers/temporary';

/** Few different bytes, so that needles are found, nearly found and overlap. */
const someBytes = (maxLength: number) =>
  fc.uint8Array({ min: 97, max: 99, maxLength }).map((bytes) => Buffer.from(bytes));
const position = fc.integer({ min: -70, max: 70 });

/** The starts of matches as a naive search finds them, and which needle each is. */
function naive(
  haystack: Buffer,
  needles: Uint8Array[],
  start = 0,
  end = haystack.length,
): Array<[offset: number, which: number]> {
  const found: Array<[number, number]> = [];
  for (let at = start; at <= end; ) {
    const which = needles.findIndex(
      (needle) =>
        at + needle.length <= end && haystack.subarray(at, at + needle.length).equals(needle),
    );
    if (which === -1) at++;
    else {
      found.push([at, which]);
      at += Math.max(1, needles[which]?.length ?? 0);
    }
  }
  return found;
}

test('indexOf, lastIndexOf and includes answer as Buffer does', (t) => {
  const haystacks = fc.oneof(
    someBytes(64),
    fc.uint8Array({ maxLength: 64 }).map((b) => Buffer.from(b)),
  );
  const needles = fc.oneof(
    someBytes(8),
    someBytes(8).map(String),
    fc.integer({ min: 90, max: 102 }),
  );
  fc.assert(
    fc.property(
      haystacks,
      needles,
      fc.option(position, { nil: undefined }),
      (bytes, needle, start) => {
        using map = mapOf(bytes);
        t.is(map.indexOf(needle, start), bytes.indexOf(needle, start));
        t.is(map.lastIndexOf(needle, start), bytes.lastIndexOf(needle, start));
        t.is(map.includes(needle, start), bytes.includes(needle, start));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a start beyond any map is moved to its nearest end', (t) => {
  const bytes = Buffer.from('abcabc');
  using map = mapOf(bytes);
  for (const start of [2 ** 31, 2 ** 40, -(2 ** 40), Number.POSITIVE_INFINITY]) {
    for (const needle of ['', 'a', 'c', 'abcabc', 'abcabca']) {
      t.is(map.indexOf(needle, start), bytes.indexOf(needle, start), `${needle} ${start}`);
      t.is(map.lastIndexOf(needle, start), bytes.lastIndexOf(needle, start), `${needle} ${start}`);
    }
  }
  t.is(map.indexOf('b', 2n), 4);
  t.is(map.indexOf('b', -(2n ** 70n)), 1);
});

test('strings are encoded as Buffer encodes them', (t) => {
  const text = 'aé€😀 68656c6c6f aGVsbG8 hello';
  const encodings: BufferEncoding[] = ['utf8', 'latin1', 'ascii', 'hex', 'base64', 'base64url'];
  for (const encoding of encodings) {
    for (const needle of ['hello', '68656c6c6f', 'é', '€', '😀', 'aGVsbG8', 'zz', '']) {
      for (const stored of ['utf8', 'latin1'] as const) {
        const bytes = Buffer.from(text, stored);
        using map = mapOf(bytes);
        t.is(map.indexOf(needle, 0, encoding), bytes.indexOf(needle, 0, encoding), encoding);
        t.is(map.indexOf(needle, encoding), bytes.indexOf(needle, encoding), encoding);
        t.is(map.lastIndexOf(needle, encoding), bytes.lastIndexOf(needle, encoding), encoding);
        t.is(map.includes(needle, encoding), bytes.includes(needle, encoding), encoding);
      }
    }
  }
});

test('UTF-16 is found at any byte, where Buffer looks at even offsets', (t) => {
  const bytes = Buffer.concat([Buffer.from('x'), Buffer.from('needle', 'utf16le')]);
  using map = mapOf(bytes);
  t.is(bytes.indexOf('needle', 0, 'utf16le'), -1);
  t.is(map.indexOf('needle', 0, 'utf16le'), 1);
  fc.assert(
    fc.property(
      fc.string({ maxLength: 20 }),
      fc.string({ maxLength: 3 }),
      position,
      (a, b, start) => {
        const text = Buffer.from(a + b + a, 'utf16le');
        using same = mapOf(text);
        t.is(same.indexOf(b, start, 'utf16le'), text.indexOf(Buffer.from(b, 'utf16le'), start));
      },
    ),
  );
});

test('findAll and count answer as a naive search', async (t) => {
  const lists = fc
    .array(someBytes(4), { minLength: 1, maxLength: 4 })
    .filter((needles) => needles.length === 1 || needles.every(({ length }) => length > 0));
  await fc.assert(
    fc.asyncProperty(someBytes(80), lists, fc.nat(80), fc.nat(80), async (bytes, needles, a, b) => {
      using map = mapOf(bytes);
      const start = Math.min(a, b, bytes.length);
      const end = Math.min(Math.max(a, b), bytes.length);
      const expected = naive(bytes, needles, start, end);
      const offsets = expected.map(([offset]) => offset);
      t.deepEqual([...map.findAllSync(needles, { start, end })], offsets);
      t.deepEqual([...(await map.findAll(needles, { start, end }))], offsets);
      const finds = map.findAllSync(needles, { start, end, which: true });
      t.deepEqual([...finds.offsets], offsets);
      t.deepEqual(
        [...finds.which],
        expected.map(([, which]) => which),
      );
      t.deepEqual(await map.findAll(needles, { start, end, which: true }), finds);
      t.is(map.countSync(needles, { start, end }), expected.length);
      t.is(await map.count(needles, { start, end }), expected.length);
      const limit = Math.floor(expected.length / 2);
      t.deepEqual([...map.findAllSync(needles, { start, end, limit })], offsets.slice(0, limit));
      t.deepEqual(
        [...(await map.findAll(needles, { start, end, limit }))],
        offsets.slice(0, limit),
      );
    }),
    { numRuns: 300 },
  );
});

test('an empty needle matches at every place, a needle longer than the map nowhere', async (t) => {
  using map = mapOf('abc');
  t.deepEqual([...map.findAllSync('')], [0, 1, 2, 3]);
  t.deepEqual([...(await map.findAll('', { start: 1, end: 2 }))], [1, 2]);
  t.is(map.countSync(''), 4);
  t.is(map.countSync('abcd'), 0);
  t.is(map.indexOf('abcd'), -1);
  using empty = MmapMut.anonymous(0);
  t.is(empty.countSync(''), 1);
  t.is(await empty.count('a'), 0);
  t.deepEqual([...empty.findAllSync(10)], []);
});

const CHUNK = 16 * 2 ** 20;

test('matches across the borders of chunks are found once', async (t) => {
  using map = MmapMut.anonymous(3 * CHUNK);
  // Across a border, up to it, from it on, overlapping each other across it, and at both ends.
  const offsets = [0, CHUNK - 5, CHUNK + 1, 2 * CHUNK - 6, 2 * CHUNK, 3 * CHUNK - 6];
  for (const offset of offsets) map.write('abcabc', offset);
  map.write('abcabcabc', 2 * CHUNK - 60);
  offsets.splice(3, 0, 2 * CHUNK - 60);
  t.deepEqual([...(await map.findAll('abcabc'))], offsets);
  t.deepEqual([...map.findAllSync('abcabc')], offsets);
  t.deepEqual([...(await map.findAll(['zzz', 'abcabc']))], offsets);
  t.deepEqual([...(await map.findAll(/(?:abc){2}/))], offsets);
  t.is(await map.count('abcabc'), offsets.length);
  t.is(await map.count(/abcabc/), offsets.length);
  const scanned: number[] = [];
  for await (const { index, end } of map.scan('abcabc')) {
    t.is(end - index, 6);
    scanned.push(index);
  }
  t.deepEqual(scanned, offsets);
});

test('a long run of overlapping candidates gives the same matches in one piece and in chunks', async (t) => {
  using map = MmapMut.anonymous(2 * CHUNK + 10);
  map.fill('a', CHUNK - 1000, CHUNK + 1000);
  const whole = map.findAllSync('aaaaaaa');
  t.is(whole.length, Math.floor(2000 / 7));
  t.deepEqual(await map.findAll('aaaaaaa'), whole);
  t.deepEqual(await map.findAll(/a{7}/), whole);
});

test('needles are not coerced', (t) => {
  using map = mapOf('abc');
  const invoke = (needle: unknown) => () => map.indexOf(needle as string);
  for (const needle of [null, undefined, {}, [], true, 1n]) {
    t.is(codeOf(invoke(needle)), 'ERR_INVALID_ARG_TYPE');
  }
  for (const needle of [-1, 256, 1.5, Number.NaN]) {
    t.is(codeOf(invoke(needle)), 'ERR_OUT_OF_RANGE');
  }
  t.is(
    codeOf(() => map.countSync([])),
    'ERR_INVALID_ARG_VALUE',
  );
  t.is(
    codeOf(() => map.indexOf('a', 0, 'nonsense' as 'utf8')),
    'ERR_INVALID_ARG_VALUE',
  );
  t.is(
    codeOf(() => map.indexOf('a', 0.5)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.findAllSync('a', { start: 4 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.findAllSync('a', { start: 2, end: 1 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.findAllSync('a', { limit: -1 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.findAllSync('a', { limit: '1' as never })),
    'ERR_INVALID_ARG_TYPE',
  );
});

test('indexOf, lastIndexOf and includes look wholly within a range', (t) => {
  fc.assert(
    fc.property(someBytes(60), someBytes(3), fc.nat(60), fc.nat(60), (bytes, needle, a, b) => {
      using map = mapOf(bytes);
      const start = Math.min(a, b, bytes.length);
      const end = Math.min(Math.max(a, b), bytes.length);
      const part = bytes.subarray(start, end);
      const shifted = (offset: number) => (offset === -1 ? -1 : start + offset);
      t.is(map.indexOf(needle, { start, end }), shifted(part.indexOf(needle)));
      t.is(map.lastIndexOf(needle, { start, end }), shifted(part.lastIndexOf(needle)));
      t.is(map.includes(needle, { start, end }), part.includes(needle));
      t.is(map.indexOf(needle, { start }), bytes.indexOf(needle, start));
      t.is(map.lastIndexOf(needle, { end }), bytes.subarray(0, end).lastIndexOf(needle));
    }),
  );
  using map = mapOf('\xe5x', 'latin1');
  t.is(map.indexOf('e578', { encoding: 'hex' }), 0);
  t.is(map.indexOf('e578', {}, 'hex'), 0);
  t.is(map.indexOf('x', {}), 1);
  t.is(map.indexOf('x', { end: 1n }), -1);
  for (const range of [{ start: -1 }, { end: 3 }, { start: 2, end: 1 }, { start: 0.5 }]) {
    t.is(
      codeOf(() => map.indexOf('x', range)),
      'ERR_OUT_OF_RANGE',
    );
  }
  t.is(
    codeOf(() => map.lastIndexOf('x', [] as never)),
    'ERR_INVALID_ARG_TYPE',
  );
});

/** How often the event loop turns until `work` has ended. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let ended = false;
  const end = () => {
    ended = true;
  };
  work.then(end, end);
  for (; !ended; turns++) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

test('the promise forms compile no large pattern on the main thread', (t) => {
  const script = `
    const { MmapMut } = require('memmap');
    const core = require(${JSON.stringify(join(root, coreFile))});
    const { regex, literals } = core.Pattern;
    const blocks = () => { throw new Error('blocks'); };
    core.Pattern = { regex, literals, regexSync: blocks, literalsSync: blocks };
    const map = MmapMut.anonymous(16);
    map.write('word7 word77');
    const words = Array.from({ length: 5000 }, (_, index) => 'word' + index);
    (async () => {
      for (const pattern of [() => words, () => new RegExp(words.join('|')), () => 'w'.repeat(1e5)]) {
        console.log(await map.count(pattern()), (await map.findAll(pattern())).length);
        console.log((await map.scan(pattern()).next()).done);
        try { console.log(map.countSync(pattern())); } catch ({ message }) { console.log(message); }
      }
    })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  const found = '2 2\nfalse\nblocks\n';
  t.deepEqual({ stdout, stderr }, { stdout: `${found}${found}0 0\ntrue\nblocks\n`, stderr: '' });
});

test('a pattern that cannot be compiled rejects the promise forms', async (t) => {
  using map = mapOf('abc');
  const tooLarge = /(?:a{1000}){1000}/;
  await t.throwsAsync(map.count(tooLarge), { code: 'ERR_MMAP_UNSUPPORTED', message: /too large/ });
  await t.throwsAsync(map.scan(tooLarge).next(), { code: 'ERR_MMAP_UNSUPPORTED' });
});

test('needles that are changed after the call are searched for as they were', async (t) => {
  using map = mapOf('abc');
  const needles = [Buffer.from('b'), Buffer.from('c')];
  const counting = map.count(needles);
  const matches = map.scan(needles);
  needles[0]?.fill('x');
  needles.pop();
  t.is(await counting, 2);
  t.is((await matches.next()).value?.index, 1);
});

test('a closed map ends a count whose pattern is being compiled', async (t) => {
  const map = mapOf('abc');
  const counting = map.count(Array.from({ length: 20_000 }, (_, index) => `word${index}`));
  map.close();
  await t.throwsAsync(counting, { code: 'ERR_MMAP_CLOSED' });
});

test('the event loop turns while a long list of matches is put together', async (t) => {
  // Several lists of a million matches each.
  using map = MmapMut.anonymous(5_000_000);
  map.buffer[4_000_000] = 1;
  let searched = Promise.resolve(0);
  const finding = map.findAll([0, 1], {
    which: true,
    onProgress: (done, total) => {
      if (done === total) searched = turnsDuring(finding);
    },
  });
  const { offsets, which } = await finding;
  t.true((await searched) >= 4);
  t.is(offsets.length, 5_000_000);
  t.is(which.length, 5_000_000);
  t.true(offsets.every((offset, index) => offset === index));
  t.is(which.indexOf(1), 4_000_000);
  t.is(which.lastIndexOf(1), 4_000_000);
  const again = await map.findAll([0, 1]);
  t.true(Buffer.from(again.buffer).equals(Buffer.from(offsets.buffer)));
  t.deepEqual(map.findAllSync([0, 1], { which: true, start: 3_999_990, end: 4_000_010 }), {
    offsets: offsets.slice(3_999_990, 4_000_010),
    which: which.slice(3_999_990, 4_000_010),
  });
});

test('a needle may lie in the map itself', (t) => {
  using map = mapOf('xxneedlexxneedle');
  t.is(map.lastIndexOf(map.subarray(2, 8)), 10);
  t.is(map.countSync(map.subarray(2, 8)), 2);
  t.is(map.indexOf(new DataView(map.buffer.buffer, map.buffer.byteOffset + 2, 6)), 2);
});

test('searching a closed map throws, also where an option closes it', async (t) => {
  const map = mapOf('abc');
  const closing = {
    get start() {
      map.close();
      return 0;
    },
  };
  t.is(
    codeOf(() => map.countSync('a', closing)),
    'ERR_MMAP_CLOSED',
  );
  const calls = [
    () => map.indexOf('a'),
    () => map.lastIndexOf('a'),
    () => map.findAllSync('a'),
    () => map.exec('a'),
    () => map.matchAll('a'),
    () => map.scan('a'),
  ];
  for (const call of calls) t.is(codeOf(call), 'ERR_MMAP_CLOSED', String(call));
  await t.throwsAsync(map.count('a'), { code: 'ERR_MMAP_CLOSED' });
  await t.throwsAsync(map.findAll('a'), { code: 'ERR_MMAP_CLOSED' });
});
