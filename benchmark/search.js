/**
 * Searching 1 GiB in the page cache beside common tools, each on one thread, and on two. Every time includes
 * opening the file, so that the page faults of a first look are in it; a program's also includes
 * starting it.
 */
const {
  closeSync,
  createReadStream,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} = require('node:fs');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { Mmap } = require('memmap');
const { longestGap } = require('./gaps');
const { Halves } = require('./halves');
const { missing, program, pythonPeer } = require('./peers');
const { inTurns } = require('./rounds');

const SIZE = 2 ** 30;
const ROUNDS = 3;
/** Its first byte is the most common one in the file. */
const MISSING = ' nobody-wrote-this';
/** Is in every tenth line, once. */
const LITERAL = 'connection reset';

/** Regular expressions, and the time allowed beside Python's `re` and ripgrep; the rounds. */
const EXPRESSIONS = [
  ['a literal alternation', /ECONNRESET|ETIMEDOUT|EPIPE|ENOSPC/, 1 / 5, 1 / 0.8, ROUNDS],
  ['a class with a repetition', /[a-z]+[0-9]{4}/, 1 / 5, 1 / 0.8, 1],
  ['a caseless word', /\bwarning\b/i, 1 / 5, 1 / 0.8, 1],
  // A literal prefix, and a match in almost every line: the least favourable case.
  ['a match in every line', /user=[a-z]+[0-9]{3,}/, undefined, undefined, ROUNDS],
];

/** Writes a log of about `size` bytes, the same every time. Returns where a line begins, halfway. */
function writeLog(path, size) {
  let seed = 12345;
  const random = (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const levels = ['info', 'debug', 'info', 'info', 'Warning', 'error'];
  const words = 'request served from cache in the usual time after one retry by worker'.split(' ');
  const block = [];
  for (let line = 0, length = 0; length < 2 ** 22; line++) {
    let text = `2026-10-${10 + random(20)}T${10 + random(14)}:00:00.${100 + random(900)}Z `;
    text += `${levels[random(6)]} user=${words[random(words.length)]}${random(2000)} `;
    for (let word = random(8); word >= 0; word--) text += `${words[random(words.length)]} `;
    if (line % 10 === 0) text += LITERAL;
    if (line % 1000 === 7) text += 'ECONNRESET';
    if (line % 1000 === 507) text += 'EPIPE';
    block.push(text);
    length += text.length + 1;
  }
  const bytes = Buffer.from(`${block.join('\n')}\n`);
  const file = openSync(path, 'w');
  let blocks = 0;
  for (; blocks * bytes.length < size; blocks++) writeSync(file, bytes);
  closeSync(file);
  return Math.floor(blocks / 2) * bytes.length;
}

/** The `run` of a contestant in this process. */
function timed(work) {
  return async () => {
    const start = process.hrtime.bigint();
    const answer = await work();
    return { time: Number(process.hrtime.bigint() - start), answer };
  };
}

/** A search in a map that is opened for it. */
function searched(path, work) {
  return timed(() => {
    const map = Mmap.open(path);
    const answer = work(map);
    map.close();
    return answer;
  });
}

function countEach(iterable) {
  let count = 0;
  for (const _ of iterable) count++;
  return count;
}

/** How often a Buffer has a needle. */
function occurrences(buffer, needle) {
  let count = 0;
  for (let at = buffer.indexOf(needle); at !== -1; at = buffer.indexOf(needle, at + 1)) count++;
  return count;
}

function readlineEvents(path, wanted = () => true) {
  return new Promise((resolve) => {
    let count = 0;
    const reader = createInterface({ input: createReadStream(path) });
    reader.on('line', (line) => {
      if (wanted(line)) count++;
    });
    reader.on('close', () => resolve(count));
  });
}

async function readlineIterator(path) {
  let count = 0;
  for await (const _ of createInterface({ input: createReadStream(path) })) count++;
  return count;
}

async function gapDuring(work) {
  const { gap } = await longestGap(work);
  return gap;
}

async function gapsDuringScan(path, comparisons) {
  const map = Mmap.open(path);
  const gaps = await inTurns(
    {
      idle: () => gapDuring(() => new Promise((resolve) => setTimeout(resolve, 500))),
      scan: () =>
        gapDuring(async () => {
          for (const pattern of [MISSING, MISSING, /nobody[0-9]wrote/]) {
            for await (const match of map.scan(pattern)) throw new Error(`found ${match}`);
          }
        }),
    },
    ROUNDS,
  );
  map.close();
  comparisons.add('longest gap of a 1 ms timer during scan()', {
    memmap: { command: 'for await (const match of map.scan(pattern))', times: gaps.scan },
    'the same, idle': { command: 'no work', times: gaps.idle, atMost: 3 },
  });
}

/** A search by a promise in a map that is opened for it. */
function searchedOnThreads(path, work) {
  return timed(async () => {
    const map = Mmap.open(path);
    const answer = await work(map);
    map.close();
    return answer;
  });
}

/**
 * The same on two threads, beside one, and beside ripgrep, which searches a file on one. Two workers that
 * search a half each in one piece show what the machine's cores and memory allow.
 */
async function expressionsOnTwoThreads(path, middle, comparisons) {
  const halves = new Halves(path, middle, statSync(path).size);
  try {
    for (const [name, expression, , , rounds] of EXPRESSIONS) {
      const on = (concurrency) => ({
        command: `await map.count(${expression}, { concurrency: ${concurrency} })`,
        run: searchedOnThreads(path, (map) => map.count(expression, { concurrency })),
      });
      const source = (expression.ignoreCase ? '(?i)' : '') + expression.source;
      await comparisons.compare(
        `${name}, on two threads: count the matches of ${expression}`,
        {
          memmap: on(2),
          'memmap on one thread': { ...on(1), atMost: 1 / 1.7 },
          'two workers, a half each': {
            command: `map.countSync(${expression})`,
            run: timed(() => halves.count(expression)),
          },
          ripgrep: {
            command: `rg -j1 -a --no-unicode --count-matches '${source}' log`,
            run: program('rg', ['-j1', '-a', '--no-unicode', '--count-matches', source, path]),
            missing: missing('rg'),
            atMost: 1,
          },
        },
        { rounds: Math.max(rounds, ROUNDS) },
      );
    }
  } finally {
    await halves.close();
  }
}

async function linesOnTwoThreads(path, comparisons) {
  const lineCount = (concurrency) => ({
    command: `await map.lineCount({ concurrency: ${concurrency} })`,
    run: searchedOnThreads(path, (map) => map.lineCount({ concurrency })),
  });
  await comparisons.compare(
    'count the lines of 1 GiB on two threads',
    { memmap: lineCount(2), 'memmap on one thread': { ...lineCount(1), atMost: 1 } },
    { rounds: ROUNDS },
  );
}

/** The contests over plain bytes and lines. */
async function plain(path, comparisons, python) {
  await comparisons.compare(
    'find what is not there in 1 GiB',
    {
      memmap: {
        command: 'map.indexOf(needle)',
        run: searched(path, (map) => map.indexOf(MISSING)),
      },
      'Buffer.indexOf': {
        command: 'map.buffer.indexOf(needle)',
        run: searched(path, (map) => map.buffer.indexOf(MISSING)),
        atMost: 1 / 5,
      },
      "Python's mmap": { command: 'm.find(needle)', ...python('find', MISSING), atMost: 1 / 4 },
    },
    { rounds: ROUNDS },
  );
  await comparisons.compare(
    'count the lines of a 1 GiB log that contain a word',
    {
      memmap: {
        command: "map.countSync('connection reset')",
        run: searched(path, (map) => map.countSync(LITERAL)),
      },
      ripgrep: {
        command: "rg -j1 -c -F 'connection reset' log",
        run: program('rg', ['-j1', '-c', '-F', LITERAL, path]),
        missing: missing('rg'),
        atMost: 1,
      },
      'GNU grep': {
        command: "LC_ALL=C grep -c -F 'connection reset' log",
        run: program('grep', ['-c', '-F', LITERAL, path]),
        missing: missing('grep'),
        atMost: 1,
      },
      "Python's mmap": { command: 'm.find(needle, at + 1) in a loop', ...python('count', LITERAL) },
      'fs.readFileSync': {
        command: 'buffer.indexOf(needle, at + 1) in a loop',
        run: timed(() => occurrences(readFileSync(path), LITERAL)),
      },
      "Node's readline": {
        command: "on('line', (line) => line.includes('connection reset'))",
        run: timed(() => readlineEvents(path, (line) => line.includes(LITERAL))),
      },
    },
    { rounds: ROUNDS },
  );
  await comparisons.compare(
    'count the lines of 1 GiB',
    {
      memmap: {
        command: 'map.lineCountSync()',
        run: searched(path, (map) => map.lineCountSync()),
      },
      'wc -l': {
        command: 'LC_ALL=C wc -l log',
        run: program('wc', ['-l', path]),
        missing: missing('wc'),
        atMost: 1,
      },
    },
    { rounds: ROUNDS },
  );
  await comparisons.compare(
    'go through the lines of 1 GiB',
    {
      memmap: {
        command: 'for (const line of map.lines())',
        run: searched(path, (map) => countEach(map.lines())),
      },
      "readline's events": {
        command: "on('line')",
        run: timed(() => readlineEvents(path)),
        atMost: 1 / 3,
      },
      "readline's iterator": {
        command: 'for await (const line of readline)',
        run: timed(() => readlineIterator(path)),
        atMost: 1 / 3,
      },
      "Python's mmap": { command: 'm.readline() in a loop', ...python('lines', ''), atMost: 1 },
    },
    { rounds: 1 },
  );
}

exports.title = 'Searching';
exports.about =
  'Searches a log of 1 GiB that is in memory, each tool on one thread where nothing else is said. Every time includes opening the file, and that of a program starting it.';

exports.run = async ({ folder, comparisons, progress }) => {
  const path = join(folder, 'log');
  progress('writing a file of 1 GiB');
  const middle = writeLog(path, SIZE);
  const started = [];
  const python = (...args) => {
    const peer = pythonPeer('search', path, ...args);
    started.push(peer);
    return { run: peer && (() => peer.run(1)), missing: missing('python3') };
  };
  try {
    await plain(path, comparisons, python);
    for (const [name, expression, beside, besideRipgrep, rounds] of EXPRESSIONS) {
      const source = (expression.ignoreCase ? '(?i)' : '') + expression.source;
      await comparisons.compare(
        `${name}: count the matches of ${expression}`,
        {
          memmap: {
            command: `map.countSync(${expression})`,
            run: searched(path, (map) => map.countSync(expression)),
          },
          ripgrep: {
            command: `rg -j1 -a --no-unicode --count-matches '${source}' log`,
            run: program('rg', ['-j1', '-a', '--no-unicode', '--count-matches', source, path]),
            missing: missing('rg'),
            atMost: besideRipgrep,
          },
          "Python's re over mmap": {
            command: `re.compile(rb'${source}').finditer(m)`,
            ...python('re', source),
            atMost: beside,
          },
        },
        { rounds },
      );
    }
    await expressionsOnTwoThreads(path, middle, comparisons);
    await linesOnTwoThreads(path, comparisons);
    progress('gaps of a timer during scan()');
    await gapsDuringScan(path, comparisons);
  } finally {
    for (const peer of started) peer?.stop();
  }
};
