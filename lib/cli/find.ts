/** `memmap find`: the lines that contain something. */
import { parseArgs } from 'node:util';
import { Mmap } from '../index';
import { forEach } from './files';
import { type Output, UsageError } from './output';

const LINE_FEED = 10;

interface Settings {
  pattern: string | RegExp;
  count: boolean;
  numbers: boolean;
  /** Whether each line says which file it is of. */
  names: boolean;
}

/** The pattern that the command line asks for. */
function readPattern(text: string, expression: boolean, ignoreCase: boolean): string | RegExp {
  if (!expression && !ignoreCase) return text;
  // Expressions see bytes; the bytes of other letters have no capitals.
  if (/[^\0-\x7f]/.test(text)) {
    throw new UsageError('-e and -i take patterns of ASCII characters only');
  }
  const source = expression ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  try {
    return new RegExp(source, ignoreCase ? 'im' : 'm');
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The lines with a match: where each begins and ends. */
async function* matchingLines(map: Mmap, pattern: string | RegExp) {
  let end = -1;
  for await (const match of map.scan(pattern)) {
    // The rest of a line that was given already.
    if (match.index < end) continue;
    const start = match.index === 0 ? 0 : map.lastIndexOf(LINE_FEED, match.index - 1) + 1;
    const lineFeed = map.indexOf(LINE_FEED, match.index);
    end = lineFeed === -1 ? map.length : lineFeed + 1;
    yield { start, end, match };
  }
}

async function search(path: string, settings: Settings, output: Output): Promise<number> {
  const { pattern, count, numbers, names } = settings;
  using map = Mmap.open(path);
  let found = 0;
  let line = 1;
  let counted = 0;
  for await (const { start, end, match } of matchingLines(map, pattern)) {
    found++;
    if (count) continue;
    if (numbers || output.json) {
      line += map.countSync('\n', { start: counted, end: start });
      counted = start;
    }
    const bytes = map.subarray(start, map.buffer[end - 1] === LINE_FEED ? end - 1 : end);
    if (output.json) {
      await output.value({ path, line, offset: match.index, text: bytes.toString() });
      continue;
    }
    const where = [names ? output.style('dim', path) : [], numbers ? String(line) : []].flat();
    await output.write(where.map((part) => `${part}:`).join(''));
    await output.write(bytes.length > 0 ? Buffer.from(bytes) : '');
    await output.line();
  }
  if (count) {
    await (output.json
      ? output.value({ path, lines: found })
      : output.line(names ? `${path}:${found}` : String(found)));
  }
  return found;
}

export async function find(args: string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      expression: { type: 'boolean', short: 'e', default: false },
      'ignore-case': { type: 'boolean', short: 'i', default: false },
      count: { type: 'boolean', short: 'c', default: false },
      'line-number': { type: 'boolean', short: 'n', default: false },
    },
  });
  const [text, ...files] = positionals;
  if (text === undefined) throw new UsageError('name a pattern and a file');
  if (text === '') throw new UsageError('an empty pattern is in every line');
  output.json = values.json;
  const settings: Settings = {
    pattern: readPattern(text, values.expression, values['ignore-case']),
    count: values.count,
    numbers: values['line-number'],
    names: files.length > 1,
  };
  let found = 0;
  const well = await forEach(files, output, async (file) => {
    found += await search(file, settings, output);
  });
  if (!well) return 2;
  return found > 0 ? 0 : 1;
}
