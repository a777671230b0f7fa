/**
 * Going to a line by its number, and to a key in sorted lines, beside what one does without an index.
 */
const { closeSync, createReadStream, openSync, readFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { Mmap } = require('memmap');
const { lookUp } = require('../examples/sorted-lines');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const LINES = 2_000_000;
const ROUNDS = 5;
/** What a line and a key may take, in nanoseconds. */
const ALLOWED_LINE = 2000;
const ALLOWED_KEY = 10_000;

const keyOf = (n) => `user-${String(n * 7).padStart(9, '0')}`;
const lineOf = (n) => `${keyOf(n)}\t${'value '.repeat(1 + (n % 9))}${n}`;

/** Sorted lines of many lengths. */
function writeLines(path) {
  const file = openSync(path, 'w');
  for (let n = 0; n < LINES; n += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, index) => `${lineOf(n + index)}\n`);
    writeSync(file, lines.join(''));
  }
  closeSync(file);
}

/** The nth of numbers that jump about. */
const somewhere = (n) => (n * 1_000_003) % LINES;

/** The time of one of `count` repetitions, and as the answer what `work` returns for the middle. */
function many(count, work) {
  return () => {
    let sum = 0;
    const start = process.hrtime.bigint();
    for (let n = 0; n < count; n++) sum += work(somewhere(n));
    const time = Number(process.hrtime.bigint() - start) / count;
    if (sum === 0) throw new Error('the lines are empty');
    return { time, answer: work(LINES / 2) };
  };
}

/** Walks from the start of a Buffer to a line. */
function walkTo(buffer, number) {
  let from = 0;
  for (let n = 0; n < number; n++) from = buffer.indexOf(10, from) + 1;
  return buffer.toString('utf8', from, buffer.indexOf(10, from));
}

/** Reads with readline up to a line. */
function readTo(path, number) {
  return new Promise((resolve) => {
    let n = 0;
    const input = createReadStream(path);
    createInterface({ input }).on('line', (line) => {
      if (n++ !== number) return;
      input.destroy();
      resolve(line);
    });
  });
}

async function byNumber(path, comparisons) {
  const map = Mmap.open(path);
  const index = map.lineIndexSync({ encoding: 'utf8' });
  const buffer = readFileSync(path);
  const whole = buffer.toString().split('\n');
  for (const n of [0, 1, LINES - 1, ...Array.from({ length: 1000 }, (_, n) => somewhere(n))]) {
    if (index.line(n) !== whole[n]) throw new Error(`line ${n} is ${index.line(n)}`);
  }
  if (walkTo(buffer, 1234) !== whole[1234]) throw new Error('the walk leads elsewhere');
  const bytes = map.lineIndexSync();
  const dense = map.lineIndexSync({ every: 1024 });
  const half = LINES / 2;
  await comparisons.compare(
    'a line of 2,000,000 by its number, as a string',
    {
      memmap: { command: 'index.line(n)', run: many(200_000, (n) => index.line(n).length) },
      'memmap, as a Buffer': {
        command: 'index.line(n)',
        run: many(200_000, (n) => bytes.line(n).length),
      },
      'memmap, a denser index': {
        command: 'map.lineIndexSync({ every: 1024 }).line(n)',
        run: many(200_000, (n) => dense.line(n).length),
      },
      'an array of all lines': {
        command: "fs.readFileSync(file, 'utf8').split('\\n')[n]",
        run: many(200_000, (n) => whole[n].length),
      },
      'a walk through a Buffer': {
        command: 'buffer.indexOf(10, from) in a loop, to the middle',
        run: many(1, () => walkTo(buffer, half).length),
        atMost: 1 / 1000,
      },
      readline: {
        command: "on('line'), to the middle",
        run: async () => {
          const start = process.hrtime.bigint();
          const line = await readTo(path, half);
          return { time: Number(process.hrtime.bigint() - start), answer: line.length };
        },
        atMost: 1 / 1000,
      },
    },
    { rounds: ROUNDS, limit: { text: '2 µs', time: ALLOWED_LINE } },
  );
  map.close();
}

async function build(path, comparisons) {
  const map = Mmap.open(path);
  const built = (command, work) => ({
    command,
    run: async () => {
      const start = process.hrtime.bigint();
      const length = await work();
      const time = Number(process.hrtime.bigint() - start);
      // What an array of lines leaves behind is not the next one's to collect.
      collectGarbage();
      return { time, answer: length };
    },
  });
  const index = async (options) => (await map.lineIndex(options)).length;
  await comparisons.compare(
    'make 2,000,000 lines ready',
    {
      memmap: built('await map.lineIndex()', () => index()),
      'memmap, a denser index': built('await map.lineIndex({ every: 1024 })', () =>
        index({ every: 1024 }),
      ),
      'memmap, a smaller index': built('await map.lineIndex({ every: 65536 })', () =>
        index({ every: 65536 }),
      ),
      'an array of all lines': built(
        "fs.readFileSync(file, 'utf8').split('\\n').length - 1",
        () => readFileSync(path, 'utf8').split('\n').length - 1,
      ),
    },
    { rounds: ROUNDS },
  );
  map.close();
}

async function ranges(path, comparisons) {
  const map = Mmap.open(path);
  const index = map.lineIndexSync({ encoding: 'utf8' });
  const whole = readFileSync(path, 'utf8').split('\n');
  const from = LINES / 2;
  const length = (lines) => {
    let sum = 0;
    for (const line of lines) sum += line.length;
    return sum;
  };
  const answering = (work) => () => {
    const start = process.hrtime.bigint();
    const answer = work();
    return { time: Number(process.hrtime.bigint() - start), answer };
  };
  await comparisons.compare(
    '1,000 lines from the middle of 2,000,000',
    {
      memmap: {
        command: 'for (const line of index.lines(from, from + 1000))',
        run: answering(() => length(index.lines(from, from + 1000))),
      },
      'an array of all lines': {
        command: "lines.slice(from, from + 1000), of fs.readFileSync(file, 'utf8').split('\\n')",
        run: answering(() => length(whole.slice(from, from + 1000))),
      },
      'a search from the start': {
        command: 'Array.from(map.lines()).slice(from, from + 1000)',
        run: answering(() => {
          let sum = 0;
          let n = 0;
          for (const line of map.lines({ encoding: 'utf8' })) {
            if (n >= from) sum += line.length;
            if (++n === from + 1000) break;
          }
          return sum;
        }),
        atMost: 1 / 100,
      },
    },
    { rounds: ROUNDS },
  );
  map.close();
}

async function byKey(path, comparisons) {
  const map = Mmap.open(path);
  const { buffer } = map;
  const index = map.lineIndexSync({ encoding: 'utf8' });
  const lookUpByIndex = (key) => {
    let [low, high] = [0, index.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const line = index.line(middle);
      const tab = line.indexOf('\t');
      const found = line.slice(0, tab);
      if (found === key) return line.slice(tab + 1);
      if (found < key) low = middle + 1;
      else high = middle;
    }
    return undefined;
  };
  const table = new Map();
  for (const line of map.lines({ encoding: 'utf8' })) {
    const tab = line.indexOf('\t');
    table.set(line.slice(0, tab), line.slice(tab + 1));
  }
  for (const n of [0, LINES - 1, 77, 1_234_567]) {
    const value = lineOf(n).split('\t')[1];
    for (const found of [lookUp(buffer, Buffer.from(keyOf(n))), lookUpByIndex(keyOf(n))]) {
      if (found !== value) throw new Error(`${keyOf(n)} is ${found}, not ${value}`);
    }
  }
  await comparisons.compare(
    'the value of a key in 2,000,000 sorted lines',
    {
      memmap: {
        command: 'lookUp(map.buffer, key) of examples/sorted-lines.js',
        run: many(50_000, (n) => lookUp(buffer, Buffer.from(keyOf(n))).length),
      },
      'memmap, by the index': {
        command: 'index.line(middle) in a binary search',
        run: many(5000, (n) => lookUpByIndex(keyOf(n)).length),
      },
      'a Map of all lines': {
        command: 'table.get(key), once all lines are in memory',
        run: many(50_000, (n) => table.get(keyOf(n)).length),
      },
      'Buffer.indexOf': {
        command: "buffer.indexOf('\\n' + key)",
        run: many(5, (n) => {
          const start = buffer.indexOf(`\n${keyOf(n)}`) + 1;
          const line = buffer.toString('utf8', start, buffer.indexOf(10, start));
          return line.length - line.indexOf('\t') - 1;
        }),
        atMost: 1 / 100,
      },
    },
    { rounds: ROUNDS, limit: { text: '10 µs', time: ALLOWED_KEY } },
  );
  map.close();
}

exports.title = 'Lines';
exports.about =
  'Goes to lines by their numbers, and to keys in sorted lines, in a file of 2,000,000 lines that is in memory. Places jump about.';

exports.run = async ({ folder, comparisons, progress }) => {
  const path = join(folder, 'lines');
  progress('writing 2,000,000 lines');
  writeLines(path);
  await build(path, comparisons);
  await byNumber(path, comparisons);
  await ranges(path, comparisons);
  await byKey(path, comparisons);
};
