/** Maps that are opened, closed, resized and refreshed while their files change. */
import assert from 'node:assert';
import { appendFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
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
  someReserve,
} from './world';

/** Refreshes a map after its file has grown, and looks at what was there before. */
function growOne(): void {
  const map = aMap();
  const { path, offset, length } = map;
  if (path === null || !files.includes(path) || map.closed || map.replaced) return;
  const { size } = statSync(path);
  if (size < offset + length || size > 2 ** 20 || map.fileSize !== size) return;
  const old = map.buffer;
  appendFileSync(path, Buffer.alloc(1 + random.below(20_000), random.below(256)));
  const { truncated, io, strayWrites } = map.faults;
  const isWhole = !truncated && io === null && strayWrites === 0;
  if (!map.refresh() || !isWhole || map instanceof MmapCow) return;
  // Nothing else runs meanwhile in this thread; workers change no lengths.
  assert.strictEqual(old.length, length, 'a map that only grew has detached a Buffer');
  assert(map.buffer.subarray(0, length).equals(old), 'two lengths show two files');
  assert(map.length > length);
  count('grown');
}

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
        MmapMut.create(path, someLength(), {
          overwrite,
          allocate: random.below(2) > 0,
          ...(random.below(2) > 0 ? { reserve: someReserve() } : {}),
        }),
        30,
      );
    },
  ],
  [8, () => truncateSync(random.pick(files), someLength())],
  [4, () => writeFileSync(random.pick(files), Buffer.alloc(someLength(), random.below(256)))],
  [2, () => truncateSync(large, random.pick([LARGE, LARGE, 0, 2 ** 32 - 1, 2 ** 32 + 4097]))],
  // Files that only grow, which detaches nothing.
  [
    8,
    () => {
      const path = random.pick(files);
      if (statSync(path).size < 2 ** 20)
        appendFileSync(path, Buffer.alloc(random.below(20_000), 1));
    },
  ],
  [10, growOne],
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
