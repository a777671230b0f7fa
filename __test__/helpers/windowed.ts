/** Searches in windows that are smaller than those of `lib/`, so that many borders lie in few bytes. */
import { join } from 'node:path';
import type { MemoryMap, Pattern } from 'memmap';
import type * as maps from '../../lib/map/memory-map';
import type * as jobs from '../../lib/memory/jobs';
import type * as patterns from '../../lib/search/pattern';
import type * as windows from '../../lib/search/windows';
import { root } from './temporary';

const load = (name: string) => require(join(root, 'dist', `${name}.js`));
const { memoryOf }: typeof maps = load('map/memory-map');
const { JobRunner }: typeof jobs = load('memory/jobs');
const { readPattern }: typeof patterns = load('search/pattern');
const { found }: typeof windows = load('search/windows');

/** All that a search lists. */
export interface Numbers {
  count: number;
  numbers: number[];
  which: number[];
}

/** How to search. */
interface Options extends Omit<windows.Wanted, 'prepared' | 'record'> {
  start?: number;
  end?: number;
}

/** Searches a range of a map. */
export async function windowed(
  map: MemoryMap,
  pattern: Pattern,
  record: windows.Wanted['record'],
  { start = 0, end = map.length, ...how }: Options,
): Promise<Numbers> {
  // Both are the class of the same module, which TypeScript sees once as source and once as typings.
  const memory = memoryOf(map as unknown as Parameters<typeof memoryOf>[0]);
  const prepared = readPattern(pattern, undefined, null).compileSync();
  const all: Numbers = { count: 0, numbers: [], which: [] };
  const runner = new JobRunner(memory, undefined);
  for await (const some of found(runner, [start, end], { ...how, prepared, record })) {
    all.count += some.count;
    all.numbers.push(...some.matches);
    all.which.push(...some.which);
  }
  return all;
}
