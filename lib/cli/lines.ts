/** `memmap lines`: lines by their numbers. */
import { parseArgs } from 'node:util';
import { Mmap } from '../index';
import { type Output, UsageError } from './output';

/** The bytes whose lines are counted at a time, until the first line is found. */
const CHUNK = 16 * 2 ** 20;

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

/** Where the chunk begins in which a line begins, and how many lines end in the file before that. */
async function seek(map: Mmap, line: number): Promise<[start: number, before: number]> {
  let before = 0;
  let start = 0;
  while (start < map.length) {
    const end = Math.min(map.length, start + CHUNK);
    const ended = await map.count('\n', { start, end });
    if (before + ended >= line - 1) break;
    before += ended;
    start = end;
  }
  return [start, before];
}

export async function lines(args: string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [path, range, ...rest] = positionals;
  if (path === undefined || rest.length > 0) throw new UsageError('name one file, and its lines');
  const [first, count] = readRange(range);
  output.json = values.json;
  using map = Mmap.open(path);
  const [start, before] = await seek(map, first);
  // The chunk may begin within a line, whose rest is no line.
  let number = before;
  let printed = 0;
  for (const line of map.lines({ start })) {
    number++;
    if (number < first) continue;
    await (output.json
      ? output.value({ path, line: number, text: line.toString() })
      : output.write(Buffer.concat([line, Buffer.from('\n')])));
    printed++;
    if (printed === count) break;
  }
  return printed > 0 ? 0 : 1;
}
