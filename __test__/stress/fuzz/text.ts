/**
 * A file of lines without a NUL. It only shrinks, or is written anew, in whole pages of any system: so
 * a NUL among its bytes comes from a page that was lost, and must be an error wherever it is an answer.
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { newPath } from '../../helpers/scratch';
import { type Action, type AnyMap, count, keep, lie, random } from './world';

/** A multiple of every page size: 16 KiB on Apple silicon. */
const UNIT = 16_384;
const MOST = 12;

const path = newPath();
let units = 0;

function write(): void {
  units = random.below(MOST + 1);
  const bytes = Buffer.alloc(units * UNIT);
  for (let at = 0; at < bytes.length; at++) bytes[at] = 0x61 + (at % 26);
  for (let at = random.below(200); at < bytes.length; at += 1 + random.below(300)) bytes[at] = 10;
  writeFileSync(path, bytes);
}

write();

const maps: AnyMap[] = [];

/** A map of the file, often one that has lost bytes and does not know it. */
export function aText(): AnyMap {
  const known = maps.length > 0 && random.below(5) > 0 ? random.pick(maps) : null;
  if (known !== null && !known.closed) {
    if (known.faults.truncated) known.refresh();
    return known;
  }
  const kind = random.pick([Mmap, MmapMut, MmapCow]);
  const length = units * UNIT;
  const map = kind.open(path, { offset: random.below(4) === 0 ? random.below(length + 1) : 0 });
  keep(maps, map, 8);
  return map;
}

/** A string or a copy of bytes that was an answer. */
export function answered(what: string, answer: string | Uint8Array): void {
  const lost = typeof answer === 'string' ? answer.includes('\0') : answer.includes(0);
  if (lost) lie(what);
  count('answers');
}

export function closeTexts(): void {
  for (const map of maps.splice(0)) map.close();
}

/** What happens to the file and its maps. */
export const texting: Action[] = [
  [6, write],
  [
    8,
    () => {
      units = random.below(units + 1);
      truncateSync(path, units * UNIT);
    },
  ],
  [2, () => aText().close()],
  [2, () => aText().refresh()],
  [2, () => maps.splice(random.below(maps.length + 1))],
];
