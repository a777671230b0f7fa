/** Maps, `fs` and other processes over one file see what the others write. */
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { notOnMacOS } from './helpers/gates';
import { node } from './helpers/processes';
import { pattern, temporaryFile } from './helpers/temporary';

/** Runs a script in a process of its own; `path` is the last argument there. */
function elsewhere(script: string, path: string): string {
  const head = `const fs = require('node:fs'); const { Mmap, MmapMut } = require('memmap');
    const path = process.argv.at(-1);`;
  const { status, stdout, stderr } = node(['-e', head + script, path]);
  if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr}`);
  return stdout;
}

// Of bytes: Deno writes a string where the last one ended, whatever position is given.
const WRITE_BY_FS = `const fd = fs.openSync(path, 'r+'); const bytes = Buffer.from('by fs');
  for (const at of [0, 9000]) fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);`;
const WRITE_BY_MAP = `const map = MmapMut.open(path);
  map.write('by map', 0); map.buffer.write('by map', 9000); map.close();`;

for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
  const isPrivate = name === 'MmapCow';
  const where = isPrivate ? ' (not on macOS: private maps need not)' : '';
  const title = `${name} sees what other processes write, on pages that it has read and on others${where}`;
  (isPrivate ? notOnMacOS : test)(title, (t) => {
    const path = temporaryFile(t, pattern(20_000));
    using map = open(path);
    const { buffer } = map;
    t.is(buffer[0], 0, 'the first page is mapped before it changes');
    elsewhere(WRITE_BY_FS, path);
    t.is(buffer.toString('latin1', 0, 5), 'by fs');
    t.is(buffer.toString('latin1', 9000, 9005), 'by fs');
    elsewhere(WRITE_BY_MAP, path);
    t.is(buffer.toString('latin1', 0, 6), 'by map');
    t.is(buffer.toString('latin1', 9000, 9006), 'by map');
    t.true(buffer.equals(readFileSync(path)));
  });
}

/** The ways in which a map is written to at its beginning, each with the text that is there afterwards. */
function waysToWrite(map: MmapMut): [string, () => unknown][] {
  return [
    ['write', () => map.write('write')],
    ['fill!', () => map.fill('fill!', 0, 5)],
    ['bytes', () => map.buffer.write('bytes')],
    ['views', () => map.view(Uint8Array).set(Buffer.from('views'))],
    ['moved', () => map.write('moved', 100) && map.copyWithin(0, 100, 105)],
  ];
}

test('what a read-write map writes is seen at once: by fs, by other maps, by other processes', (t) => {
  const path = temporaryFile(t, Buffer.alloc(10_000));
  using reader = Mmap.open(path);
  using map = MmapMut.open(path, { offset: 4099 });
  t.is(reader.buffer[4099], 0);
  for (const [text, write] of waysToWrite(map)) {
    write();
    t.is(readFileSync(path, 'latin1').slice(4099, 4104), text);
    t.is(reader.subarray(4099, 4104).toString(), text);
    const script = `console.log(Mmap.open(path).subarray(4099, 4104).toString(),
      fs.readFileSync(path, 'latin1').slice(4099, 4104));`;
    t.is(elsewhere(script, path), `${text} ${text}\n`);
  }
});

notOnMacOS(
  'what a read-write map writes is seen at once by a copy-on-write map (not on macOS: private maps need not)',
  (t) => {
    const path = temporaryFile(t, Buffer.alloc(10_000));
    using copy = MmapCow.open(path);
    using map = MmapMut.open(path, { offset: 4099 });
    for (const [text, write] of waysToWrite(map)) {
      write();
      t.is(copy.subarray(4099, 4104).toString(), text);
    }
  },
);

test('two processes talk through one file, without any system call', (t) => {
  const path = temporaryFile(t, Buffer.alloc(64));
  // The child answers each number by its successor; 100 ends it. Atomics see to the order.
  const script = `const words = MmapMut.open(path).view(Int32Array);
    for (let last = 0; last < 100; ) {
      const now = Atomics.load(words, 0);
      if (now !== last && now % 2 === 1) Atomics.store(words, 0, last = now + 1);
    }`;
  const both = `const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(
      `const { MmapMut } = require('memmap'); const path = process.argv.at(-1);${script}`,
    )}, path]);
    const words = MmapMut.open(path).view(Int32Array);
    for (let next = 1; next < 100; next += 2) {
      Atomics.store(words, 0, next);
      while (Atomics.load(words, 0) !== next + 1);
    }
    child.on('exit', (status) => console.log(status, words[0]));`;
  t.is(elsewhere(both, path), '0 100\n');
});

for (const guard of [true, false]) {
  test(`stray writes into the Buffer of a read-only map never reach the file (guard: ${guard})`, (t) => {
    const content = pattern(40_000);
    const path = temporaryFile(t, content);
    using map = Mmap.open(path, { guard });
    using witness = Mmap.open(path);
    // All made first: once a stray write was seen, the map's methods may say so.
    const { buffer } = map;
    const part = map.subarray(8192, 12_288);
    const view = map.view(BigInt64Array, 16_384);
    const data = map.dataView(32_768);
    const words = map.view(Int32Array);
    buffer.fill(0xff, 0, 5000);
    part.write('stray');
    view.fill(-1n, 0, 10);
    data.setFloat64(0, Math.PI);
    Atomics.add(words, 6000, 1);
    buffer.copyWithin(39_000, 0, 500);
    t.is(buffer[4999], 0xff, 'the page that was written is private');
    t.true(readFileSync(path).equals(content));
    t.true(witness.buffer.equals(content));
    t.is(
      elsewhere(`console.log(Mmap.open(path).buffer.toString('hex'))`, path).trim(),
      content.toString('hex'),
    );
    // Pages that were not written go on showing the file.
    writeFileSync(path, 'new', { flag: 'r+' });
    const fresh = Buffer.from(content);
    fresh.write('new');
    fresh[28_700] = 1;
    elsewhere(
      `const fd = fs.openSync(path, 'r+'); fs.writeSync(fd, Buffer.of(1), 0, 1, 28700);`,
      path,
    );
    t.true(readFileSync(path).equals(fresh));
    t.is(buffer[28_700], 1);
  });
}

test('two copy-on-write maps do not see each other’s changes', (t) => {
  const path = temporaryFile(t, pattern(10_000));
  using one = MmapCow.open(path);
  using other = MmapCow.open(path);
  one.fill(1);
  other.fill(2, 0, 5000);
  t.true(one.buffer.every((byte) => byte === 1));
  t.is(other.buffer[4999], 2);
  t.true(other.subarray(8192).equals(pattern(10_000).subarray(8192)));
  t.true(readFileSync(path).equals(pattern(10_000)));
});
