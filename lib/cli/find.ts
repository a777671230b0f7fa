/** `memmap find`: the lines that contain something. */
import { Mmap } from '../index';
import { memoryOf } from '../map/memory-map';
import { lineMatches, prepareForLines } from '../search/line-matches';
import type { Prepared } from '../search/pattern';
import { readArguments } from './arguments';
import { forEach } from './files';
import { LineText } from './line-text';
import { type Output, UsageError } from './output';

interface Settings {
  pattern: Prepared;
  count: boolean;
  numbers: boolean;
  /** Whether each line says which file it is of. */
  names: boolean;
}

/** The pattern that the command line asks for. */
function readPattern(text: string, expression: boolean, ignoreCase: boolean): string | RegExp {
  if (text === '') throw new UsageError('an empty pattern is in every line');
  if (text.includes('\n')) {
    throw new UsageError('a pattern has no line feed: each line is searched by itself');
  }
  if (!expression && !ignoreCase) return text;
  // Expressions see bytes; the bytes of other letters have no capitals.
  if (/[^\0-\x7f]/.test(text)) {
    throw new UsageError('-e and -i take patterns of ASCII characters only');
  }
  const source = expression ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  try {
    // A carriage return is a byte of the line as any other, for the dot, too.
    return new RegExp(source, ignoreCase ? 'is' : 's');
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A line with a match. */
interface Line {
  start: number;
  /** Where its line feed is, or the end of the file. */
  end: number;
  /** Where the match is. */
  offset: number;
}

/** Prints lines, which come in order. */
class Printer {
  readonly #path: string;
  readonly #text: LineText;
  readonly #output: Output;
  readonly #settings: Settings;
  /** Whether lines are printed as they are, so that those that follow each other are one piece. */
  readonly #isPlain: boolean;
  /** What is still to be printed before the bytes of the file, ... */
  #head = '';
  /** ... and these. */
  #from = 0;
  #to = 0;
  /** A line's number, and where that line begins. */
  #number = 1;
  #numbered = 0;

  constructor(path: string, text: LineText, settings: Settings, output: Output) {
    this.#path = path;
    this.#text = text;
    this.#settings = settings;
    this.#output = output;
    this.#isPlain = !(settings.names || settings.numbers || output.json);
  }

  /**
   * Takes a line. There are millions of them: so nothing is awaited while the output has room.
   *
   * @returns False where there is none: flush the output, and try again.
   */
  add(line: Line): boolean {
    const { start, end } = line;
    const to = Math.min(end + 1, this.#text.length);
    if (this.#isPlain && start === this.#to && this.#from < this.#to) {
      this.#to = to;
      return true;
    }
    if (!this.#give()) return false;
    if (!this.#isPlain) this.#head = this.#headOf(line);
    [this.#from, this.#to] = this.#output.json ? [to, to] : [start, to];
    return true;
  }

  #headOf({ start, end, offset }: Line): string {
    const { names, numbers } = this.#settings;
    if (numbers || this.#output.json) {
      this.#number += this.#text.count(this.#numbered, start);
      this.#numbered = start;
    }
    if (this.#output.json) {
      const text = this.#text.read(start, end);
      return `${JSON.stringify({ path: this.#path, line: this.#number, offset, text })}\n`;
    }
    const name = names ? `${this.#output.style('dim', this.#path)}:` : '';
    return numbers ? `${name}${this.#number}:` : name;
  }

  /** Gives the output what is still to be printed; false where it has no room for all of it. */
  #give(): boolean {
    if (this.#head !== '') {
      this.#head = this.#output.takeText(this.#head);
      if (this.#head !== '') return false;
    }
    this.#from = this.#text.give(this.#output, this.#from, this.#to);
    return this.#from === this.#to;
  }

  /** Prints what is still to be printed. */
  async finish(): Promise<void> {
    // The last line of a file may lack its line feed.
    const isEnded = this.#from === this.#to || this.#text.isStart(this.#to);
    while (!this.#give()) await this.flush();
    if (!isEnded) await this.#output.write('\n');
    if (this.#output.isTerminal) await this.flush();
  }

  async flush(): Promise<void> {
    this.#text.check();
    await this.#output.flush();
  }
}

async function search(path: string, settings: Settings, output: Output): Promise<number> {
  using map = Mmap.open(path);
  const text = new LineText(map);
  const printer = new Printer(path, text, settings, output);
  let found = 0;
  /** The start of the line after the last one that was found. */
  let next = 0;
  for await (const offsets of lineMatches(memoryOf(map), settings.pattern)) {
    for (const offset of offsets) {
      if (offset < next) continue;
      // What can match nothing also does so behind the last line.
      if (offset === text.length && text.isStart(offset)) break;
      const end = text.end(offset);
      if (!settings.count) {
        const line = { start: text.start(offset, next), end, offset };
        while (!printer.add(line)) await printer.flush();
      }
      found++;
      next = end + 1;
    }
    await printer.finish();
  }
  text.check();
  if (settings.count) {
    await (output.json
      ? output.value({ path, lines: found })
      : output.line(settings.names ? `${path}:${found}` : String(found)));
  }
  return found;
}

export async function find(args: string[], output: Output): Promise<number> {
  const given = readArguments(args, output, {
    expression: { type: 'boolean', short: 'e' },
    'ignore-case': { type: 'boolean', short: 'i' },
    count: { type: 'boolean', short: 'c' },
    'line-number': { type: 'boolean', short: 'n' },
  });
  const [text, ...files] = given.positionals;
  if (text === undefined) throw new UsageError('name a pattern and a file');
  const pattern = readPattern(text, given.has('expression'), given.has('ignore-case'));
  const settings: Settings = {
    pattern: await prepareForLines(pattern),
    count: given.has('count'),
    numbers: given.has('line-number'),
    names: files.length > 1,
  };
  let found = 0;
  const well = await forEach(files, output, async (file) => {
    found += await search(file, settings, output);
  });
  if (!well) return 2;
  return found > 0 ? 0 : 1;
}
