/** `memmap lines`: lines by their numbers. */
import { Mmap } from '../index';
import { readArguments } from './arguments';
import { LineText } from './line-text';
import { type Output, UsageError } from './output';

/** The bytes whose lines are counted at a time, until the first line is found. */
const CHUNK = 16 * 2 ** 20;

/** The bytes of these that are looked at for line feeds, or printed, at a time. */
const PIECE = 256 * 1024;

/** The first line and the number of lines that `FROM`, `FROM-TO` or `FROM:+COUNT` asks for. */
function readRange(text: string | undefined): [first: number, count: number] {
  const [, from, to, count] = text?.match(/^(\d+)(?:-(\d+)|:\+(\d+))?$/) ?? [];
  const first = Number(from);
  const last = to === undefined ? first + Number(count ?? 1) - 1 : Number(to);
  if (!(first >= 1 && last >= first)) {
    throw new UsageError('lines are FROM, FROM-TO or FROM:+COUNT, and count from 1');
  }
  return [first, last - first + 1];
}

/** Where a line begins; the end of the file where it has not so many. */
async function seek(map: Mmap, text: LineText, line: number): Promise<number> {
  let left = line - 1;
  let start = 0;
  while (left > 0 && start < map.length) {
    const end = Math.min(map.length, start + CHUNK);
    const ended = await map.count('\n', { start, end });
    if (ended >= left) break;
    left -= ended;
    start = end;
  }
  while (left > 0 && start < map.length) {
    const [end, ended] = some(text, start, left);
    left -= ended;
    start = end;
  }
  return start;
}

/** The end of the next piece, which ends no more than so many lines, and how many it ends. */
function some(text: LineText, start: number, most: number): [end: number, ended: number] {
  const end = Math.min(text.length, start + PIECE);
  const ended = text.count(start, end);
  if (ended <= most) return [end, ended];
  let at = start;
  for (let line = 0; line < most; line++) at = text.end(at) + 1;
  return [at, most];
}

/** Prints bytes as they are, up to the end of so many lines. */
async function print(text: LineText, start: number, count: number, output: Output): Promise<void> {
  let at = start;
  let left = count;
  while (left > 0 && at < text.length) {
    const [end, ended] = some(text, at, left);
    while (at < end) {
      at = text.give(output, at, end);
      if (at < end) {
        text.check();
        await output.flush();
      }
    }
    left -= ended;
  }
  // The last line of a file may lack its line feed.
  if (!text.isStart(at)) await output.line();
}

export async function lines(args: string[], output: Output): Promise<number> {
  const { positionals } = readArguments(args, output);
  const [path, range, ...rest] = positionals;
  if (path === undefined || rest.length > 0) throw new UsageError('name one file, and its lines');
  const [first, count] = readRange(range);
  using map = Mmap.open(path);
  const text = new LineText(map);
  const start = await seek(map, text, first);
  if (start === map.length) return 1;
  if (output.json) {
    let at = start;
    for (let line = first; line < first + count && at < map.length; line++) {
      const end = text.end(at);
      await output.value({ path, line, text: text.read(at, end) });
      at = end + 1;
    }
  } else {
    await print(text, start, count, output);
  }
  text.check();
  return 0;
}
