/** Cursors, lines and streams over a file that loses bytes meanwhile. */
import type { Cursor, LineIndex, StringLineOptions } from 'memmap';
import { answered, aText, texting } from './text';
import { type Action, count, keep, later, lie, random, somePosition } from './world';

const LATIN1 = { encoding: 'latin1', keepEnds: true } satisfies StringLineOptions;

const cursors: Cursor[] = [];
const indexes: LineIndex<string>[] = [];

/** A loop over lines that goes on between other actions. */
class Reading {
  readonly #length: number;
  readonly #lines: Iterator<string>;
  #read = 0;
  #failed = false;

  constructor() {
    const map = aText();
    this.#length = map.length;
    this.#lines = map.lines(LATIN1);
  }

  /** Reads some lines. At the end of the loop every byte must have been in one, or it has failed. */
  next(): void {
    try {
      for (let lines = random.below(200); lines >= 0; lines--) {
        const { value, done } = this.#lines.next();
        if (done) {
          if (!this.#failed && this.#read !== this.#length) lie('the end of lines()');
          return;
        }
        this.#read += value.length;
        answered('lines()', value);
      }
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }
}

const readings: Reading[] = [];

function aCursor(): Cursor {
  if (cursors.length > 0 && random.below(4) > 0) return random.pick(cursors);
  const map = aText();
  const cursor = map.cursor(somePosition(map.length));
  keep(cursors, cursor, 8);
  return cursor;
}

async function anIndex(): Promise<LineIndex<string>> {
  if (indexes.length > 0 && random.below(4) > 0) return random.pick(indexes);
  const map = aText();
  const index = random.below(2) > 0 ? map.lineIndexSync(LATIN1) : await map.lineIndex(LATIN1);
  keep(indexes, index, 4);
  return index;
}

/** Reads a stream to its end, which must not come before all bytes have. */
async function stream(): Promise<void> {
  const map = aText();
  const start = random.below(map.length + 1);
  const { length } = map;
  const chunks: Buffer[] = [];
  const chunkSize = random.pick([100, 5000, 65_536]);
  const source = random.pick<() => AsyncIterable<Uint8Array>>([
    () => map.createReadStream({ start, highWaterMark: chunkSize }),
    () => map.readable({ start, chunkSize }),
    () => map.readable({ start, chunkSize, type: 'bytes' }),
  ])();
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk));
    if (random.below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== length - start) lie('the end of a stream');
  answered('a stream', bytes);
  count('streams read');
}

/** Drops what keeps maps alive. */
export function dropReadings(): void {
  for (const pool of [cursors, indexes, readings]) pool.length = 0;
}

export const reading: Action[] = [
  ...texting,
  [
    10,
    () => {
      const cursor = aCursor();
      cursor.seek(random.below(cursor.position + cursor.remaining + 1));
      if (cursor.remaining > 0) answered('cursor.readByte()', Buffer.of(cursor.readByte()));
    },
  ],
  [8, () => answered('cursor.readLine()', aCursor().readLine(LATIN1) ?? '')],
  [3, () => aCursor().readLine()?.length],
  [3, () => aCursor().readUntil('q')?.length],
  [3, () => aCursor().read(random.below(5000)).length],
  [8, () => keep(readings, new Reading(), 6)],
  [12, () => readings.length > 0 && random.pick(readings).next()],
  [
    8,
    async () => {
      const index = await anIndex();
      if (index.length > 0) answered('lineIndex.line()', index.line(random.below(index.length)));
    },
  ],
  [3, async () => (await anIndex()).lineAt(random.below(50_000))],
  [2, () => aText().lineCountSync()],
  [2, () => later(aText().lineCount())],
  [6, () => later(stream())],
];
