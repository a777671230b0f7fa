/** `using`, and what a map prints. */
import { inspect } from 'node:util';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { temporaryFile } from './helpers/temporary';

test('using closes the map at the end of its block, also where the block throws', (t) => {
  const path = temporaryFile(t, 'content');
  for (const { open } of [Mmap, MmapMut, MmapCow]) {
    const seen: { map?: ReturnType<typeof open>; buffer?: Buffer } = {};
    t.throws(
      () => {
        using map = open(path);
        seen.map = map;
        seen.buffer = map.buffer;
        t.is(seen.buffer.length, 7);
        throw new Error('from the block');
      },
      { message: 'from the block' },
    );
    t.true(seen.map?.closed);
    t.is(seen.buffer?.length, 0);
  }
});

test('util.inspect shows what a map is, and not its bytes', (t) => {
  const path = temporaryFile(t, 'content');
  for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
    using map = open(path, { offset: 2 });
    const options = { breakLength: Infinity };
    const shown = `${name} { path: ${inspect(path)}, offset: 2, length: 5, closed: `;
    t.is(inspect(map, options), `${shown}false }`);
    map.close();
    t.is(inspect(map, options), `${shown}true }`.replace('length: 5', 'length: 0'));
    t.regex(inspect(map, { colors: true }), /\[33mtrue/);
    t.notThrows(() => inspect(Object.getPrototypeOf(map), { showHidden: true }));
  }
  using memory = MmapMut.anonymous(3);
  t.regex(
    inspect({ deep: [memory] }),
    /MmapMut \{ path: null, offset: 0, length: 3, closed: false \}/,
  );
});
