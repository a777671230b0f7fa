import { join } from 'node:path';
import test from 'ava';
import { type Match, MmapMut, type Pattern, type ScanOptions } from 'memmap';
import type * as maps from '../lib/map/memory-map';
import { codeOf, mapOf } from './helpers/maps';
import { root } from './helpers/temporary';
import { until } from './helpers/until';

const { memoryOf }: typeof maps = require(join(root, 'dist', 'map', 'memory-map.js'));

async function collect(map: MmapMut, pattern: Pattern, options?: ScanOptions): Promise<Match[]> {
  const found: Match[] = [];
  for await (const match of map.scan(pattern, options)) found.push(match);
  return found;
}

/** A file without a newline that a slow machine needs seconds for; sparse, so that it costs nothing. */
const LARGE = 4 * 2 ** 30;

test('scan finds what findAll and matchAll find, whatever the batch', async (t) => {
  using map = mapOf('one two three two one two');
  for (const batch of [1, 2, 1000]) {
    const needles = await collect(map, ['two', 'one'], { batch, start: 1 });
    t.deepEqual(
      needles.map(({ index, end, which }) => [index, end, which]),
      [
        [4, 7, 0],
        [14, 17, 0],
        [18, 21, 1],
        [22, 25, 0],
      ],
    );
    const matches = await collect(map, /t(?<rest>\w+)/, { batch });
    t.deepEqual(
      matches.map(({ indices }) => indices),
      [...map.matchAll(/t(?<rest>\w+)/)].map(({ indices }) => indices),
    );
    t.deepEqual(
      matches.map((match) => match.bytes('rest')?.toString()),
      ['wo', 'hree', 'wo', 'wo'],
    );
    t.is((await collect(map, '', { batch })).length, map.length + 1);
    t.is((await collect(map, /$/, { batch })).length, 1);
  }
});

const EXPRESSION_CHUNK = 8 * 2 ** 20;
const MAX_MATCH_LENGTH = 2 ** 18;

test('matches of regular expressions across the borders of chunks are found once', async (t) => {
  using map = MmapMut.anonymous(3 * EXPRESSION_CHUNK);
  map.fill('.');
  const runs = [
    [0, 10],
    [EXPRESSION_CHUNK - 5, 10],
    [2 * EXPRESSION_CHUNK - 1, MAX_MATCH_LENGTH],
    [3 * EXPRESSION_CHUNK - 7, 7],
  ];
  for (const [start = 0, length = 0] of runs) map.fill('a', start, start + length);
  const places = runs.map(([start = 0, length = 0]) => [start, start + length]);
  const found = await collect(map, /a+/);
  t.deepEqual(
    found.map(({ index, end }) => [index, end]),
    places,
  );
  t.is(await map.count(/a+/), runs.length);
  const assertions = await collect(map, /\ba|a\b|^\.|\.$|a$/);
  t.deepEqual(
    assertions.map(({ index }) => index),
    [...map.matchAll(/\ba|a\b|^\.|\.$|a$/)].map(({ index }) => index),
  );
});

test('a scan of a huge map leaves the event loop free and is ended by its signal', async (t) => {
  using map = MmapMut.anonymous(LARGE);
  const aborting = new AbortController();
  let ticks = 0;
  const timer = setInterval(() => ++ticks === 5 && aborting.abort('enough'), 1);
  let done = 0;
  const scanning = collect(map, 'needle', {
    signal: aborting.signal,
    onProgress: (now) => {
      done = now;
    },
  });
  const error = await t.throwsAsync(scanning, { name: 'AbortError' });
  clearInterval(timer);
  t.is(error?.cause, 'enough');
  t.true(ticks >= 5);
  t.true(done < LARGE, `${done} bytes were searched`);
});

test('closing or resizing the map ends a scan, also between two matches', async (t) => {
  for (const end of ['close', 'resize'] as const) {
    for (const pattern of ['needle', /needle/]) {
      using map = MmapMut.anonymous(LARGE);
      let searched = 0;
      const scanning = collect(map, pattern, {
        onProgress: (done) => {
          searched = done;
        },
      });
      await until(() => searched > 0, 'the scan has begun');
      if (end === 'close') map.close();
      else map.resize(10);
      await t.throwsAsync(scanning, {
        code: end === 'close' ? 'ERR_MMAP_CLOSED' : 'ERR_MMAP_CHANGED',
      });
    }
  }
  const map = mapOf('aaaa');
  const scan = map.scan('a');
  t.is((await scan.next()).value?.index, 0);
  map.close();
  await t.throwsAsync(scan.next(), { code: 'ERR_MMAP_CLOSED' });
  t.true((await scan.next()).done);
});

test('leaving the loop ends the scan', async (t) => {
  using map = MmapMut.anonymous(LARGE);
  map.write('needle', 100);
  let done = 0;
  for await (const match of map.scan('needle', {
    onProgress: (now) => {
      done = now;
    },
  })) {
    t.is(match.index, 100);
    break;
  }
  t.true(done < LARGE);
});

test('leaving the loop, a limit and an error end the wait for windows under way', async (t) => {
  using map = MmapMut.anonymous(LARGE);
  map.write('needle', 100);
  const { watchers } = memoryOf(map as unknown as Parameters<typeof memoryOf>[0]);
  const ways = {
    leaving: async () => {
      for await (const match of map.scan(/needle/, { concurrency: 8 })) return match.index;
    },
    limit: () => map.findAll(/needle/, { concurrency: 8, limit: 1 }),
    error: () => {
      const onProgress = () => {
        throw new Error('on purpose');
      };
      return map.count(/needle/, { concurrency: 8, onProgress }).catch(() => {});
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    await way();
    t.is(watchers.first, undefined, name);
  }
});

test('a pattern that searches the whole map for each match is aborted all the same', async (t) => {
  // Each match of the second alternative first has the whole rest searched for the first one:
  // without a look at the signal after each few matches it takes days.
  using map = MmapMut.anonymous(64 * 2 ** 20);
  map.fill('A');
  const signal = AbortSignal.timeout(100);
  await t.throwsAsync(map.count(/[A-Z]*[^A]|A/, { signal }), { name: 'AbortError' });
});

test('the arguments of scan are checked when it is called', (t) => {
  using map = mapOf('abc');
  t.is(
    codeOf(() => map.scan('a', { batch: 0 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.scan('a', { end: 4 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => map.scan('a', { onProgress: 1 as never })),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => map.scan('a', { signal: {} as never })),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => map.scan(/a(?=b)/)),
    'ERR_MMAP_UNSUPPORTED',
  );
  t.is(
    codeOf(() => map.scan({} as never)),
    'ERR_INVALID_ARG_TYPE',
  );
});
