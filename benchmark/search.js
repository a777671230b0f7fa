/**
 * Searching 1 GiB in the page cache beside common tools, each on one thread. Every time includes
 * opening the file, so that the page faults of a first look are in it; a program's also includes
 * starting it.
 */
const { spawnSync } = require('node:child_process');
const {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { Mmap } = require('memmap');
const { pythonPeer } = require('./peers');
const { inTurns, medianRatio } = require('./rounds');

const SIZE = 2 ** 30;
const ROUNDS = 3;
/** Its first byte is the most common one in the file. */
const MISSING = ' nobody-wrote-this';
/** Is in every tenth line, once. */
const LITERAL = 'connection reset';

/** Regular expressions, and the time allowed beside Python's `re` and ripgrep. */
const EXPRESSIONS = [
  ['a literal alternation', /ECONNRESET|ETIMEDOUT|EPIPE|ENOSPC/, 1 / 5, 1 / 0.8],
  ['a class with a repetition', /[a-z]+[0-9]{4}/, 1 / 5, 1 / 0.8],
  ['a caseless word', /\bwarning\b/i, 1 / 5, 1 / 0.8],
  // A literal prefix, and a match in almost every line: the least favourable case.
  ['a match in every line', /user=[a-z]+[0-9]{3,}/, undefined, undefined],
];

/** Writes a log of about `size` bytes, the same every time. */
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
  for (let written = 0; written < size; written += bytes.length) writeSync(file, bytes);
  closeSync(file);
}

async function nanoseconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start);
}

/** A search in a map that is opened for it. What it answers must be the same every time. */
function contestant(path, work) {
  let first;
  return () =>
    nanoseconds(async () => {
      const map = Mmap.open(path);
      const answer = await work(map);
      map.close();
      first ??= answer;
      if (answer !== first) throw new Error(`${answer} after ${first}`);
    });
}

/** A program that prints a number, or null where it is not installed. */
function program(command, ...args) {
  const run = () => spawnSync(command, args, { env: { ...process.env, LC_ALL: 'C' } });
  return run().error === undefined ? () => nanoseconds(run) : null;
}

function python(...args) {
  const peer = pythonPeer('search', ...args);
  return peer && { run: () => peer.run(1), stop: () => peer.stop() };
}

/** One contest: ours against some peers, a row for each. */
async function contest(what, ours, peers, rounds = ROUNDS) {
  const contestants = { ours };
  for (const [name, { run }] of Object.entries(peers)) contestants[name] = run;
  const times = await inTurns(contestants, rounds);
  return Object.entries(peers).map(([peer, { atMost }]) => ({
    what,
    peer,
    times: times.ours,
    peerTimes: times[peer],
    atMost,
  }));
}

function countEach(iterable) {
  let count = 0;
  for (const _ of iterable) count++;
  return count;
}

function readlineEvents(path) {
  return new Promise((resolve) => {
    let count = 0;
    const reader = createInterface({ input: createReadStream(path) });
    reader.on('line', () => count++);
    reader.on('close', () => resolve(count));
  });
}

async function readlineIterator(path) {
  let count = 0;
  for await (const _ of createInterface({ input: createReadStream(path) })) count++;
  return count;
}

/** The longest time between two runs of a timer of 1 ms while `work` runs, in nanoseconds. */
async function longestGap(work) {
  let longest = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  await work();
  look();
  clearInterval(timer);
  return longest * 1e6;
}

async function gapsDuringScan(path) {
  const map = Mmap.open(path);
  const gaps = await inTurns(
    {
      idle: () => longestGap(() => new Promise((resolve) => setTimeout(resolve, 500))),
      scan: () =>
        longestGap(async () => {
          for (const pattern of [MISSING, MISSING, /nobody[0-9]wrote/]) {
            for await (const match of map.scan(pattern)) throw new Error(`found ${match}`);
          }
        }),
    },
    ROUNDS,
  );
  map.close();
  const what = 'longest timer gap during scan()';
  return [{ what, peer: 'idle', times: gaps.scan, peerTimes: gaps.idle, atMost: 3 }];
}

exports.run = async (folder) => {
  const path = join(folder, 'log');
  writeLog(path, SIZE);
  const pythons = {
    find: python(path, 'find', MISSING),
    lines: python(path, 'lines', ''),
  };
  const rows = [
    ...(await contest(
      'a missing needle',
      contestant(path, (map) => map.indexOf(MISSING)),
      {
        'Buffer.indexOf': {
          run: contestant(path, (map) => map.buffer.indexOf(MISSING)),
          atMost: 1 / 5,
        },
        "Python's mmap.find": { run: pythons.find?.run ?? null, atMost: 1 / 4 },
      },
    )),
    ...(await contest(
      'lines with a literal',
      contestant(path, (map) => map.countSync(LITERAL)),
      {
        'grep -c -F': { run: program('grep', '-c', '-F', LITERAL, path), atMost: 1 },
        ripgrep: { run: program('rg', '-j1', '-c', '-F', LITERAL, path), atMost: 1 },
      },
    )),
    ...(await contest(
      'lineCount',
      contestant(path, (map) => map.lineCountSync()),
      {
        'wc -l': { run: program('wc', '-l', path), atMost: 1 },
      },
    )),
    ...(await contest(
      'lines()',
      contestant(path, (map) => countEach(map.lines())),
      {
        "readline's events": { run: () => nanoseconds(() => readlineEvents(path)), atMost: 1 / 3 },
        "readline's iterator": {
          run: () => nanoseconds(() => readlineIterator(path)),
          atMost: 1 / 3,
        },
        "Python's readline": { run: pythons.lines?.run ?? null, atMost: 1 },
      },
      1,
    )),
  ];
  for (const peer of Object.values(pythons)) peer?.stop();
  for (const [name, expression, beside, besideRipgrep] of EXPRESSIONS) {
    const source = (expression.ignoreCase ? '(?i)' : '') + expression.source;
    const peer = python(path, 're', source);
    const rg = program('rg', '-j1', '-a', '--no-unicode', '--count-matches', source, path);
    const peers = {
      "Python's re": { run: peer?.run ?? null, atMost: beside },
      ripgrep: { run: rg, atMost: besideRipgrep },
    };
    rows.push(
      ...(await contest(
        name,
        contestant(path, (map) => map.countSync(expression)),
        peers,
        1,
      )),
    );
    peer?.stop();
  }
  rows.push(...(await gapsDuringScan(path)));
  return rows;
};

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-benchmark-'));
  try {
    for (const { what, peer, times, peerTimes, atMost } of await exports.run(folder)) {
      const ratio = peerTimes ? medianRatio(peerTimes, times) : Number.NaN;
      const target = atMost === undefined ? 'no target' : `target ${(1 / atMost).toFixed(2)}`;
      console.log(`${what}, beside ${peer}: ${ratio.toFixed(2)} times as fast (${target})`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (require.main === module) main();
