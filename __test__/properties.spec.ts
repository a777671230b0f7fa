/** Property tests: whatever is done to a map, an ordinary Buffer says what should be seen. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  option,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { pattern, temporaryFile, temporaryFolder } from './helpers/temporary';

/** Lengths and offsets: mostly a few pages, often at the borders of pages. */
const MOST = 3 * 4096 + 100;
const size = oneof(
  integer({ min: 0, max: MOST }),
  integer({ min: -2, max: 2 }).chain((by) => constantFrom(4096 + by, 8192 + by, 12_288 + by)),
);
const place = oneof(size, integer({ min: 0, max: 20 }));

test('a map of any part of a file is that part', (t) => {
  const content = pattern(MOST);
  const path = temporaryFile(t, content);
  assert(
    property(
      place,
      option(size, { nil: undefined }),
      constantFrom(Mmap, MmapMut, MmapCow),
      (offset, length, mapClass) => {
        if (offset + (length ?? 0) > MOST) {
          t.throws(() => mapClass.open(path, { offset, length }), { code: 'ERR_OUT_OF_RANGE' });
          return;
        }
        using map = mapClass.open(path, { offset, length });
        const expected = content.subarray(
          offset,
          length === undefined ? undefined : offset + length,
        );
        t.is(map.length, expected.length);
        t.is(map.offset, offset);
        t.true(map.buffer.equals(expected));
      },
    ),
    { numRuns: 300 },
  );
});

test('subarray clamps as Buffer.subarray does, views and numbers are the ones that Buffer reads', (t) => {
  const content = pattern(MOST);
  const path = temporaryFile(t, content);
  const position = option(integer({ min: -MOST - 10, max: MOST + 10 }), { nil: undefined });
  assert(
    property(place, position, position, (offset, start, end) => {
      if (offset > MOST - 8) return;
      using map = Mmap.open(path, { offset });
      const model = content.subarray(offset);
      t.true(map.subarray(start, end).equals(model.subarray(start, end)));
      const at = Math.min(Math.abs(start ?? 0), model.length - 8);
      t.is(map.dataView(at).getFloat64(0, true), model.readDoubleLE(at));
      const aligned = (8 - (offset % 8)) % 8;
      const words = map.view(BigUint64Array, aligned);
      t.is(words.length, Math.floor((model.length - aligned) / 8));
      if (words.length > 0)
        t.is(words.at(-1), model.readBigUInt64LE(aligned + (words.length - 1) * 8));
    }),
    { numRuns: 300 },
  );
});

/** One change to a map. Positions are taken as they are: many do not fit, and must be refused. */
interface Change {
  kind: 'write' | 'fill' | 'copyWithin' | 'poke' | 'resize' | 'flush' | 'refresh';
  one: number;
  two: number;
  three: number;
  text: string;
  bytes: Uint8Array;
}

const KINDS = ['write', 'fill', 'copyWithin', 'poke', 'flush', 'refresh'] as const;
const changes = (kinds: readonly Change['kind'][]) =>
  array(
    record({
      kind: constantFrom(...kinds),
      one: place,
      two: place,
      three: place,
      text: string({ minLength: 1, maxLength: 10, unit: 'binary' }),
      bytes: uint8Array({ minLength: 1, maxLength: 5000 }),
    }),
    { maxLength: 15 },
  );

/** Does a change to the map and to its model; answers the model as it is then. */
function apply(map: MmapMut | MmapCow, model: Buffer, change: Change): Buffer {
  const { kind, one, two, three, text, bytes } = change;
  switch (kind) {
    case 'write': {
      const data = one % 2 === 0 ? Buffer.from(bytes) : text;
      if (map.write(data, one) !== Buffer.byteLength(data)) throw new Error('a wrong length');
      Buffer.from(data as string).copy(model, one);
      break;
    }
    case 'fill':
      map.fill(one % 2 === 0 ? bytes : text, one, two);
      model.fill(one % 2 === 0 ? bytes : Buffer.from(text), one, two);
      break;
    case 'copyWithin':
      map.copyWithin(one, two, three);
      model.copyWithin(one, two, three);
      break;
    case 'poke':
      map.subarray(one, two).reverse();
      model.subarray(one, two).reverse();
      break;
    case 'resize': {
      if (!(map instanceof MmapMut)) break;
      map.resize(one);
      const resized = Buffer.alloc(one);
      model.copy(resized);
      return resized;
    }
    case 'flush':
      if (map instanceof MmapMut) map.flushSync(one, two);
      break;
    case 'refresh':
      if (map.refresh()) throw new Error('no other process changed the file');
      break;
  }
  return model;
}

/** Whether the positions of a change lie within `length` bytes. */
function fits({ kind, one, two, three, text, bytes }: Change, length: number): boolean {
  switch (kind) {
    case 'write':
      return one + (one % 2 === 0 ? bytes.length : Buffer.byteLength(text)) <= length;
    case 'fill':
    case 'flush':
      return one <= two && two <= length;
    case 'copyWithin':
      return two <= three && three <= length && one + three - two <= length;
    default:
      return true;
  }
}

/** Applies changes one after the other and compares after each. */
function follow(map: MmapMut | MmapCow, start: Buffer, list: Change[]): Buffer {
  let model = start;
  for (const change of list) {
    if (fits(change, map.length) || (change.kind === 'flush' && map instanceof MmapCow)) {
      model = apply(map, model, change);
    } else {
      let code: unknown;
      try {
        apply(map, Buffer.from(model), change);
      } catch (error) {
        code = Reflect.get(Object(error), 'code');
      }
      if (code !== 'ERR_OUT_OF_RANGE') throw new Error(`${change.kind} gave ${code}`);
    }
    if (!map.buffer.equals(model)) throw new Error(`another content after ${change.kind}`);
  }
  return model;
}

test('a read-write map, its file and a Buffer stay the same through any changes', (t) => {
  const path = join(temporaryFolder(t), 'file');
  assert(
    property(size, place, changes([...KINDS, 'resize']), (length, before, list) => {
      const content = pattern(before + length);
      writeFileSync(path, content);
      using map = MmapMut.open(path, { offset: before });
      const model = follow(map, Buffer.from(content.subarray(before)), list);
      t.true(readFileSync(path).equals(Buffer.concat([content.subarray(0, before), model])));
    }),
    { numRuns: 150 },
  );
});

test('anonymous memory and a Buffer stay the same through any changes', (t) => {
  assert(
    property(size, changes([...KINDS, 'resize']), (length, list) => {
      using map = MmapMut.anonymous(length);
      const model = follow(map, Buffer.alloc(length), list);
      t.true(map.buffer.equals(model));
    }),
    { numRuns: 150 },
  );
});

test('a copy-on-write map and a Buffer stay the same through any changes; the file does not change', (t) => {
  const content = pattern(MOST);
  const path = temporaryFile(t, content);
  assert(
    property(place, size, changes(KINDS), (offset, length, list) => {
      if (offset + length > MOST) return;
      using map = MmapCow.open(path, { offset, length });
      follow(map, Buffer.from(content.subarray(offset, offset + length)), list);
      t.true(readFileSync(path).equals(content));
    }),
    { numRuns: 150 },
  );
});
