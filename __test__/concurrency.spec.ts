import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { MmapMut, type Pattern } from 'memmap';
import { mapOf } from './helpers/maps';
import { Random } from './helpers/random';
import { root } from './helpers/temporary';
import { threadsNow, untilThreadsEnd } from './helpers/threads';
import { type Numbers, windowed } from './helpers/windowed';

const MIB = 2 ** 20;

/** What has been found to go wrong most easily: matches that overlap, that are empty, that never agree. */
const PATTERNS: Pattern[] = [
  'a',
  'aa',
  'aba',
  'abab',
  '',
  ['ab', 'ba', 'aab'],
  ['a', 'ab', 'abb'],
  ['bbb', 'bb', 'abba'],
  /a+/,
  /a*/,
  /(?:)/,
  /[\s\S]{3}/,
  /[\s\S]{7}/,
  /ab*a|b/,
  /(a)(b)?/,
  /a[\s\S]*b/,
  /b[\s\S]*?a/,
  /\bab/,
  /^a|b$/m,
  /(?:ab)+|a{2,5}/,
  /^|b/,
  /a$|$/,
];

test.serial(
  'searching several windows at a time finds what one thread finds, and what one window has',
  async (t) => {
    const random = new Random(7);
    for (let round = 0; round < 150; round++) {
      const letters = random.pick(['ab', 'aab', 'abc\n', 'aaaaab', 'ab ']);
      const length = random.below(200);
      const text = Array.from({ length }, () => random.pick([...letters])).join('');
      using map = mapOf(text.padEnd(1, 'a'));
      const pattern = random.pick(PATTERNS);
      const start = random.below(map.length + 1);
      const end = start + random.below(map.length - start + 1);
      const range = random.below(2) === 0 ? {} : { start, end };
      const size = 1 + random.below(40);
      const what = `${pattern} in ${JSON.stringify(text)}, ${JSON.stringify({ ...range, size, round })}`;
      const whole = map.findAllSync(pattern, { ...range, which: true });
      const offsets = { numbers: [...whole.offsets], which: [...whole.which] };
      let groups: Numbers | undefined;
      for (const concurrency of [1, random.pick([2, 3, 8])]) {
        const how = { ...range, size, concurrency };
        t.is((await windowed(map, pattern, 'count', how)).count, whole.offsets.length, what);
        for (const most of [undefined, 1, 1 + random.below(5)]) {
          const found = await windowed(map, pattern, 'needle', { ...how, most });
          t.deepEqual({ numbers: found.numbers, which: found.which }, offsets, what);
        }
        const found = await windowed(map, pattern, 'groups', how);
        groups ??= found;
        t.deepEqual(found, groups, what);
      }
    }
  },
);

test.serial('progress is told in order, up to the end', async (t) => {
  using map = mapOf('ab'.repeat(500));
  for (const concurrency of [1, 4]) {
    const told: number[] = [];
    const onProgress = (done: number, total: number) => {
      t.is(total, 1000);
      told.push(done);
    };
    await windowed(map, /ab/, 'offset', { size: 7, concurrency, onProgress });
    t.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    t.is(told.at(-1), 1000);
  }
});

test.serial('any number of threads gives the answers of one, over real windows', async (t) => {
  using map = MmapMut.anonymous(40 * MIB + 123);
  map.fill(`${'.'.repeat(994)}abcde\n`);
  // Over the borders of windows of 8 and of 16 MiB.
  for (const border of [8, 16, 24, 32]) map.fill('needle', border * MIB - 300, border * MIB + 300);
  map.fill('x', 8 * MIB - 5, 8 * MIB + 2 ** 18 + 1000);
  for (const pattern of [
    'needle',
    10,
    ['need', 'lene', 'bc'],
    /n[^d]+dle/,
    /x+/,
    /[\s\S]{500}/,
    /x[\s\S]*/,
  ]) {
    const one = { concurrency: 1 };
    const offsets = await map.findAll(pattern, { ...one, which: true });
    const count = await map.count(pattern, one);
    t.is(count, offsets.offsets.length);
    for (const concurrency of [2, 5, 64]) {
      t.is(await map.count(pattern, { concurrency }), count, `${pattern}`);
      const found = await map.findAll(pattern, { concurrency, which: true });
      t.true(Buffer.from(found.offsets.buffer).equals(Buffer.from(offsets.offsets.buffer)));
      t.true(Buffer.from(found.which.buffer).equals(Buffer.from(offsets.which.buffer)));
      const limit = Math.floor(count / 2) + 1;
      const some = await map.findAll(pattern, { concurrency, limit });
      t.is(some.length, Math.min(limit, count));
      t.true(
        some.every((offset, index) => offset === offsets.offsets[index]),
        `${pattern}`,
      );
    }
    let index = 0;
    for await (const match of map.scan(pattern, { concurrency: 3, batch: 1000 })) {
      if (match.index !== offsets.offsets[index]) t.fail(`${pattern}: match ${index}`);
      index++;
    }
  }
  const lines = map.lineCountSync();
  const index = map.lineIndexSync();
  for (const concurrency of [1, 2, 7]) {
    t.is(await map.lineCount({ concurrency }), lines);
    const built = await map.lineIndex({ concurrency, every: 5000 });
    t.is(built.length, index.length);
    for (const n of [0, 1, 7777, lines - 1]) {
      t.is(built.offsetOf(n), index.offsetOf(n));
    }
  }
});

test.serial('aborting and closing end a search on several threads at once', async (t) => {
  for (const pattern of ['needle', /needle/]) {
    for (const end of ['abort', 'close', 'resize']) {
      using map = MmapMut.anonymous(2 ** 32);
      const aborting = new AbortController();
      const { signal } = aborting;
      let last = 0;
      const searches = [
        map.count(pattern, {
          concurrency: 3,
          signal,
          onProgress: (done) => {
            last = done;
            if (end === 'abort') aborting.abort('enough');
            else if (end === 'close') map.close();
            else map.resize(10);
          },
        }),
        map.findAll(pattern, { concurrency: 2, signal }),
        map.lineIndex({ concurrency: 2, signal }),
      ];
      const codes = { abort: 'ABORT_ERR', close: 'ERR_MMAP_CLOSED', resize: 'ERR_MMAP_CHANGED' };
      for (const search of searches) {
        await t.throwsAsync(search, { code: codes[end as keyof typeof codes] });
      }
      t.true(last < 2 ** 32);
    }
  }
});

test.serial(
  'a listener that throws ends the work with its error, and is called no more',
  async (t) => {
    using map = MmapMut.anonymous(64 * MIB);
    let calls = 0;
    const onProgress = () => {
      calls++;
      throw new Error('on purpose');
    };
    const message = 'on purpose';
    await t.throwsAsync(map.count('x', { concurrency: 4, onProgress }), { message });
    await t.throwsAsync(map.lineIndex({ concurrency: 4, onProgress }), { message });
    await t.throwsAsync(map.prefetch(0, map.length, { concurrency: 4, onProgress }), { message });
    await untilThreadsEnd();
    t.is(calls, 3);
  },
);

test.serial(
  'a listener that ends the search ends it where the rest is found already, too',
  async (t) => {
    const codes = { abort: 'ABORT_ERR', close: 'ERR_MMAP_CLOSED', resize: 'ERR_MMAP_CHANGED' };
    for (const [end, code] of Object.entries(codes)) {
      using map = MmapMut.anonymous(64 * MIB);
      // So the first window takes longer than all others.
      map.fill('x', 0, 16 * MIB);
      const aborting = new AbortController();
      const { signal } = aborting;
      let calls = 0;
      const onProgress = () => {
        calls++;
        if (end === 'abort') aborting.abort();
        else if (end === 'close') map.close();
        else map.resize(10);
      };
      await t.throwsAsync(map.count('x', { concurrency: 4, signal, onProgress }), { code });
      t.is(calls, 1);
    }
  },
);

test.serial('there are hardly more threads than were asked for, and they end', async (t) => {
  await untilThreadsEnd();
  using map = MmapMut.anonymous(256 * MIB);
  let most = 0;
  const onProgress = () => {
    most = Math.max(most, threadsNow().searches);
  };
  await map.count(/needle/, { concurrency: 4, onProgress });
  // One that hands over its result may not be free yet when the next window is begun.
  t.true(most >= 1 && most <= 8, `${most} threads`);
  await untilThreadsEnd();
});

test.serial('the default is half of what the machine runs at once, at least one', (t) => {
  const { defaultSearchThreads } = require(join(root, 'dist', 'memory', 'threads.js'));
  t.is(defaultSearchThreads(), Math.min(64, Math.max(1, Math.floor(availableParallelism() / 2))));
});
