/** Maps that are opened, closed, resized and refreshed while their files change. */
import { truncateSync, writeFileSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import {
  type Action,
  aMap,
  aMutable,
  count,
  files,
  keep,
  LARGE,
  large,
  maps,
  openOne,
  random,
  someLength,
} from './world';

export const opening: Action[] = [
  [10, openOne],
  [2, () => keep(maps, MmapMut.anonymous(someLength()), 30)],
  [
    2,
    () => {
      const path = random.pick(files);
      const overwrite = random.below(4) > 0;
      keep(
        maps,
        MmapMut.create(path, someLength(), { overwrite, allocate: random.below(2) > 0 }),
        30,
      );
    },
  ],
  [8, () => truncateSync(random.pick(files), someLength())],
  [4, () => writeFileSync(random.pick(files), Buffer.alloc(someLength(), random.below(256)))],
  [2, () => truncateSync(large, random.pick([LARGE, LARGE, 0, 2 ** 32 - 1, 2 ** 32 + 4097]))],
  [10, () => aMap().close()],
  [8, () => aMap().refresh()],
  [
    4,
    () => {
      const map = aMutable();
      // Only a map that reaches the end of its file can be resized.
      if (random.below(4) > 0) map.refresh();
      map.resize(someLength(), { allocate: random.below(2) > 0 });
      count('resized');
    },
  ],
  [
    2,
    () => {
      const map = aMap();
      const kind = [Mmap, MmapMut, MmapCow].find((kind) => map instanceof kind) ?? Mmap;
      keep(maps, kind.from(map.descriptor()), 30);
      count('opened by descriptor()');
    },
  ],
  [2, () => maps.splice(random.below(maps.length + 1))],
  [
    5,
    () => {
      const map = aMap();
      return [map.length, map.offset, map.path, map.closed, map.faults, String(map)];
    },
  ],
];
