/**
 * The promises of memmap in one plain script, for every runtime that loads the addon: no test
 * runner, so that nothing but the runtime and memmap is under test. Ends with one line
 * `N passed, N failed`, and with code 1 if anything failed.
 */
import assert from 'node:assert';
import { constants } from 'node:buffer';
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { growthHazards } from '../hazards/growth-list';
import { guardHazards } from '../hazards/guard-list';
import { hazards as closing, face } from '../hazards/list';
import { newPath } from '../helpers/scratch';

const hazards = [...closing, ...growthHazards, ...guardHazards];

/** Titles of checks that must not begin, since what is below this runtime never ends them. */
const leftOut: unknown[] = JSON.parse(process.env.MEMMAP_LEAVE_OUT ?? '[]');

/** A new file of some text. */
function newFile(content = '0123456789'): string {
  const path = newPath();
  writeFileSync(path, content);
  return path;
}

const text = (path: string): string => readFileSync(path, 'latin1');

/** Moves memory away as far as the runtime does so. */
function takeAway(arrayBuffer: ArrayBuffer): void {
  try {
    structuredClone(arrayBuffer, { transfer: [arrayBuffer] });
  } catch {
    // Node.js and Bun move no memory from outside their heaps.
  }
  const transfer: unknown = Reflect.get(arrayBuffer, 'transfer');
  if (typeof transfer === 'function' && arrayBuffer.byteLength > 0) {
    Reflect.apply(transfer, arrayBuffer, []);
  }
}

const checks: Record<string, () => void | Promise<void>> = {
  'import and require give the same classes': async () => {
    const imported = await import('memmap');
    assert.strictEqual(imported.Mmap, Mmap);
    assert.strictEqual(imported.MmapMut, MmapMut);
  },

  'a file opens by path, URL, Buffer, descriptor and FileHandle': async () => {
    const path = newFile();
    const descriptor = openSync(path, 'r+');
    const handle = await open(path, 'r+');
    const sources = [path, pathToFileURL(path), Buffer.from(path), descriptor, handle];
    const maps = sources.flatMap((source) =>
      [Mmap, MmapMut, MmapCow].map((kind) => kind.open(source, { offset: 2, length: 3n })),
    );
    // The maps outlive what they were opened by, and do not close it.
    closeSync(descriptor);
    await handle.close();
    for (const map of maps) {
      assert.strictEqual(map.buffer.toString(), '234');
      assert.strictEqual(map.length, 3);
      assert.strictEqual(map.buffer, map.buffer);
      map.close();
    }
  },

  'an empty file is a map of length 0': () => {
    const map = MmapMut.open(newFile(''));
    assert.strictEqual(map.length, 0);
    assert.strictEqual(map.buffer.length, 0);
    map.resize(5);
    assert.strictEqual(map.buffer.length, 5);
    map.close();
  },

  'windows and typed arrays show the same memory': () => {
    const map = MmapMut.anonymous(64);
    map.view(Float64Array, 8, 2)[1] = 1.5;
    assert.strictEqual(map.dataView(16).getFloat64(0, true), 1.5);
    assert.strictEqual(map.subarray(-48, -40).readDoubleLE(), 1.5);
    map.buffer.writeInt32LE(-7, 60);
    assert.strictEqual(map.view(Int32Array)[15], -7);
    map.close();
  },

  'ArrayBuffers and web streams are not the memory of the map to be taken': async () => {
    const path = newFile('0123456789abcdef'.repeat(5000));
    const map = Mmap.open(path);
    const { buffer } = map;
    for (const arrayBuffer of [map.arrayBuffer(8), map.arrayBuffer(9), map.arrayBuffer(8)]) {
      const first = arrayBuffer.byteLength % 8 === 0 ? 0x38 : 0x39;
      assert.strictEqual(new Uint8Array(arrayBuffer)[0], first);
      takeAway(arrayBuffer);
    }
    for (const type of [undefined, 'bytes'] as const) {
      const stream = map.readable({ start: 1, chunkSize: 1000, type });
      assert.strictEqual(await new Response(stream).text(), text(path).slice(1));
      const reader = map.readable({ type }).getReader();
      const { value } = await reader.read();
      assert.strictEqual(value?.[15], 0x66);
      takeAway(value.buffer);
      await reader.cancel();
    }
    const byob = map.readable({ start: 9, type: 'bytes' }).getReader({ mode: 'byob' });
    const { value } = await byob.read(new Uint8Array(8));
    assert.deepStrictEqual(value, new Uint8Array(Buffer.from('9abcdef0')));
    assert.strictEqual(map.buffer, buffer);
    assert.strictEqual(buffer.toString(), text(path));
    const reader = map.readable({ type: 'bytes' }).getReader();
    map.close();
    await assert.rejects(reader.read(), { code: 'ERR_MMAP_CLOSED' });
  },

  'write, fill and copyWithin reach the file': () => {
    const path = newFile();
    const map = MmapMut.open(path);
    assert.strictEqual(map.write('añ', 1), 3);
    map.fill('xy', 5, 8).copyWithin(8, 5, 7);
    assert.strictEqual(readFileSync(path, 'utf8'), '0añ4xyxxy');
    map.write(map.subarray(0, 4), 6);
    assert.strictEqual(readFileSync(path, 'utf8'), '0añ4x0añ');
    map.close();
  },

  'a flush resolves, reports, and aborts': async () => {
    const map = MmapMut.open(newFile());
    map.fill(1);
    map.flushSync(1, 3);
    const reports: number[] = [];
    await map.flush(0, 10, { onProgress: (done) => reports.push(done) });
    assert.deepStrictEqual(reports, [10]);
    const signal = AbortSignal.abort('enough');
    await assert.rejects(map.flush(0, 10, { signal }), { name: 'AbortError', cause: 'enough' });
    map.close();
    await assert.rejects(map.flush(), { code: 'ERR_MMAP_CLOSED' });
  },

  'growing leaves Buffers, shrinking detaches them, refresh shows the file as it is': () => {
    const path = newFile();
    const map = MmapMut.open(path);
    const old = map.buffer;
    map.resize(12);
    assert.strictEqual(old.toString(), '0123456789');
    assert.strictEqual(map.buffer.length, 12);
    assert.strictEqual(text(path), '0123456789\0\0');
    map.resize(2);
    assert.strictEqual(old.length, 0);
    assert.strictEqual(text(path), '01');
    writeFileSync(path, 'longer', { flag: 'r+' });
    assert.strictEqual(map.refresh(), true);
    assert.strictEqual(map.refresh(), false);
    assert.strictEqual(map.buffer.toString(), 'longer');
    map.close();
  },

  'a read-only map sees its file and never changes it': () => {
    const path = newFile('0'.repeat(10_000));
    const map = Mmap.open(path);
    const { buffer } = map;
    writeFileSync(path, 'new', { flag: 'r+' });
    assert.strictEqual(buffer.toString('latin1', 0, 4), 'new0');
    buffer[5000] = 1;
    buffer.fill(2, 8000);
    assert.strictEqual(text(path), `new${'0'.repeat(9997)}`);
    map.close();
  },

  'a copy-on-write map keeps what is written': () => {
    const path = newFile();
    const map = MmapCow.open(path);
    map.write('ab', 2);
    assert.strictEqual(map.buffer.toString(), '01ab456789');
    assert.strictEqual(text(path), '0123456789');
    map.close();
  },

  'create makes, refuses and replaces': () => {
    const path = newPath();
    const map = MmapMut.create(path, 4096);
    map.write('first');
    assert.throws(() => MmapMut.create(path, 10), { code: 'EEXIST', syscall: 'open', path });
    const replace = () => MmapMut.create(path, 3, { overwrite: true });
    const mappedStays = process.platform === 'win32';
    if (mappedStays) assert.throws(replace, { code: 'EPERM', syscall: 'rename', path });
    if (mappedStays) map.close();
    const next = replace();
    assert.strictEqual(text(path), '\0\0\0');
    if (!mappedStays) assert.strictEqual(map.buffer.toString('latin1', 0, 5), 'first');
    map.close();
    next.close();
  },

  'errors of the system are spelt as in Node.js': () => {
    const path = newPath();
    assert.throws(() => Mmap.open(path), {
      name: 'MmapError',
      code: 'ENOENT',
      syscall: 'open',
      path,
      message: `ENOENT: no such file or directory, open '${path}'`,
    });
    mkdirSync(path);
    assert.throws(() => Mmap.open(path), { code: 'EISDIR' });
  },

  'wrong arguments throw and never wrap': () => {
    const path = newFile();
    const map = MmapMut.open(path);
    for (const value of [Number.NaN, 0.5, -1, 2 ** 32, 2 ** 53, 2n ** 64n, Infinity]) {
      const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
      assert.throws(() => map.write('x', value), range);
      assert.throws(() => map.fill(0, value), range);
      assert.throws(() => map.view(Uint8Array, value), range);
      assert.throws(() => Mmap.open(path, { offset: value }), range);
      assert.throws(() => Mmap.open(path, { length: value }), range);
    }
    for (const value of ['1', null, true, {}, { valueOf: () => 1 }, Symbol('x')]) {
      const offset = value as unknown as number;
      const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      assert.throws(() => map.write('x', offset), type);
      assert.throws(() => Mmap.open(path, { offset }), type);
      assert.throws(() => map.subarray(offset), type);
    }
    assert.strictEqual(text(path), '0123456789');
    map.close();
  },

  'a file larger than a Buffer of 4 GiB opens': () => {
    const path = newFile();
    const length = 6 * 2 ** 30 + 5;
    truncateSync(path, length);
    const map = MmapMut.open(path);
    assert.strictEqual(map.length, length);
    map.write('end', length - 3);
    assert.strictEqual(map.subarray(-4).toString('latin1'), '\0end');
    const border = map.subarray(2 ** 32 - 2, 2 ** 32 + 2).fill(7);
    assert.strictEqual(map.subarray(2 ** 32 + 1)[0], 7);
    if (constants.MAX_LENGTH >= length) assert.strictEqual(map.buffer[length - 1], 0x64);
    else assert.throws(() => map.buffer, { code: 'ERR_MMAP_UNSUPPORTED' });
    map.close();
    assert.strictEqual(border.length, 0);
  },

  'close ends everything, twice': () => {
    const path = newFile();
    const map = MmapMut.open(path);
    const { buffer } = map;
    map.close();
    map.close();
    assert.strictEqual(buffer.length, 0);
    assert.throws(() => map.buffer, { name: 'MmapError', code: 'ERR_MMAP_CLOSED', path });
    assert.throws(() => map.write('x'), { code: 'ERR_MMAP_CLOSED' });
    assert.match(inspect(map), /^MmapMut \{.*closed: true/s);
  },
};

for (const hazard of hazards) {
  if (hazard.impossible === undefined) checks[hazard.title] = () => face(hazard);
}

async function main(): Promise<void> {
  let passed = 0;
  let failed = 0;
  for (const [title, check] of Object.entries(checks)) {
    if (leftOut.includes(title)) continue;
    try {
      await check();
      passed++;
      console.log(`ok      ${title}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${title}\n${inspect(error)}`);
    }
  }
  for (const { title, impossible } of hazards) {
    if (impossible !== undefined) console.log(`left out: ${title} (${impossible})`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
