/** Advice, prefetching, eviction, residency, page locks and flushes. */
import { type Action, type AnyMap, aMap, aMutable, count, later, random, someRange } from './world';

const HINTS =
  'normal random sequential willneed dontfork dofork mergeable unmergeable hugepage nohugepage ' +
  'dontdump dodump cold pageout populate-read dontneed populate-write free remove';

/** Does something with a map, and counts where it worked. */
function inMemory<T>(call: (map: AnyMap) => T): T {
  const done = call(aMap());
  if (!(done instanceof Promise)) count('memory controlled');
  return done;
}

export const paging: Action[] = [
  [
    8,
    () => {
      const map = aMap();
      // Some hints are for writable maps only, some for other systems: then it says so.
      Reflect.apply(map.advise, map, [random.pick(HINTS.split(' ')), ...someRange(map)]);
    },
  ],
  [3, () => inMemory((map) => map.prefetchSync(...someRange(map)))],
  [3, () => later(inMemory((map) => map.prefetch(...someRange(map))))],
  [3, () => inMemory((map) => map.evictSync(...someRange(map)))],
  [3, () => later(inMemory((map) => map.evict(...someRange(map))))],
  [2, () => inMemory((map) => map.residency(...someRange(map)))],
  [2, () => inMemory((map) => map.mlock(...someRange(map)))],
  [2, () => inMemory((map) => map.munlock(...someRange(map)))],
  [5, () => later(aMutable().flush())],
  [3, () => aMutable().flushSync()],
  [
    3,
    () => {
      const controller = new AbortController();
      later(aMutable().flush(0, undefined, { signal: controller.signal }));
      controller.abort();
    },
  ],
];
