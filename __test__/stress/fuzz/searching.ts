/** Searches of a file that loses bytes meanwhile. No search finds a NUL: only lost bytes have one. */
import type { Match } from 'memmap';
import { answered, aText } from './text';
import { type Action, count, keep, later, lie, random, somePosition } from './world';

const matches: Match[] = [];

const PATTERNS = ['\n', 'xyz', /[a-m]+/, /\w*\n\w/, /(q)(r)?/, /[^a-z]/];

/** A match whose text must be as long as it was when it was found. */
function matched(match: Match): void {
  const text = match.toString('latin1');
  if (text.length !== match.end - match.index) lie('the length of a match');
  answered('match.toString()', text);
}

/** Of several searches for a NUL, one. Answers how many were found. */
function searchSync(): number {
  const map = aText();
  const start = random.below(map.length + 1);
  return random.pick([
    () => map.indexOf('\0', somePosition(map.length)) + 1,
    () => map.lastIndexOf('\0') + 1,
    () => Number(map.includes('\0', start)),
    () => map.countSync('\0', { start }),
    () => map.countSync(['\0', '\x01'], { start }),
    () => map.countSync(/\0+/, { start }),
    () => map.findAllSync(/[^\n-z]/, { start, limit: 3 }).length,
    () => (map.exec(/\0/, start) === null ? 0 : 1),
    () => [...map.matchAll(/\0+|~/)].length,
  ])();
}

async function search(): Promise<number> {
  const map = aText();
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const searching = random.pick([
    () => map.count('\0', options),
    () => map.count(/\0+/, options),
    async () => (await map.findAll(['\0', '\x01'], options)).length,
    async () => (await map.findAll(/[^\n-z]/, { ...options, limit: 3 })).length,
  ])();
  if (random.below(4) === 0) controller.abort();
  return searching;
}

async function scan(): Promise<void> {
  let left = random.below(100);
  for await (const match of aText().scan(random.pick(PATTERNS), { batch: 1 + random.below(50) })) {
    matched(match);
    if (random.below(20) === 0) keep(matches, match, 20);
    if (left-- === 0) break;
  }
  count('scans');
}

function nothingFound(found: number): void {
  if (found !== 0) lie('a search');
  count('searches');
}

/** Drops what keeps maps alive. */
export function dropMatches(): void {
  matches.length = 0;
}

export const searching: Action[] = [
  [10, () => nothingFound(searchSync())],
  [10, () => later(search().then(nothingFound))],
  [6, () => later(scan())],
  [
    6,
    () => {
      const map = aText();
      const match = map.exec(random.pick([/[a-m]+/, /\w+/]), random.below(map.length + 1));
      if (match) keep(matches, match, 20);
    },
  ],
  [10, () => matches.length > 0 && matched(random.pick(matches))],
  [
    4,
    () => {
      for (const match of aText().matchAll(random.pick([/[a-m]+/, /\w*\n/]))) {
        matched(match);
        if (random.below(20) === 0) break;
      }
    },
  ],
];
