/** arrayBuffer: the bytes of a map for libraries that take an ArrayBuffer and nothing else. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { collectUntil } from './helpers/garbage';
import { onLinux } from './helpers/gates';
import { mapsOf } from './helpers/kernel';
import { pattern, temporaryFile } from './helpers/temporary';

const content = pattern(10_000);

/** Whether the ArrayBuffer shows what is written to the file later. */
function isLive(path: string, arrayBuffer: ArrayBuffer, position: number): boolean {
  using file = MmapMut.open(path);
  const bytes = new Uint8Array(arrayBuffer);
  const before = bytes[0] ?? 0;
  file.buffer[position] = before ^ 0xff;
  const live = bytes[0] !== before;
  file.buffer[position] = before;
  return live;
}

/** Takes the memory away, where the runtime can (Node.js 22 and later). */
function transfer(arrayBuffer: ArrayBuffer): ArrayBuffer {
  const method: unknown = Reflect.get(arrayBuffer, 'transfer');
  return typeof method === 'function' ? Reflect.apply(method, arrayBuffer, []) : arrayBuffer;
}

function expectBytes(
  t: ExecutionContext,
  arrayBuffer: ArrayBuffer,
  expected: Uint8Array,
  title?: string,
): void {
  t.true(arrayBuffer instanceof ArrayBuffer, title);
  t.is(arrayBuffer.byteLength, expected.length, title);
  t.true(Buffer.from(arrayBuffer).equals(expected), title);
}

test('an ArrayBuffer begins at the first byte of the range and ends with the last', (t) => {
  const path = temporaryFile(t, content);
  for (const offset of [0, 3, 8, 4099]) {
    for (const Kind of [Mmap, MmapMut, MmapCow]) {
      using map = Kind.open(path, { offset });
      for (const start of [undefined, 0, 1, 5, 8, 100n, map.length]) {
        for (const end of [undefined, Number(start ?? 0), map.length - 1, BigInt(map.length)]) {
          if (Number(end ?? map.length) < Number(start ?? 0)) continue;
          const expected = content.subarray(
            offset + Number(start ?? 0),
            offset + Number(end ?? map.length),
          );
          expectBytes(t, map.arrayBuffer(start, end), expected, `${offset}: ${start} to ${end}`);
        }
      }
    }
  }
});

test('a read-only map copies exactly where the position in the file is no multiple of 8', (t) => {
  const path = temporaryFile(t, content);
  for (const offset of [0, 3, 8]) {
    using map = Mmap.open(path, { offset });
    for (let start = 0; start < 17; start++) {
      const aligned = (offset + start) % 8 === 0;
      const title = `${offset} + ${start}`;
      t.is(isLive(path, map.arrayBuffer(start), offset + start), aligned, title);
      t.false(isLive(path, map.arrayBuffer(start, 5000, { copy: true }), offset + start), title);
      if (aligned) {
        t.true(isLive(path, map.arrayBuffer(start, 5000, { copy: false }), offset + start), title);
      } else {
        const error = t.throws(() => map.arrayBuffer(start, 5000, { copy: false }), {
          instanceOf: RangeError,
          code: 'ERR_OUT_OF_RANGE',
        });
        t.regex(error?.message ?? '', /"start".*multiple of 8/);
      }
    }
  }
});

test('what is written into the ArrayBuffer of a writable map reaches it only with copy: false', (t) => {
  const path = temporaryFile(t, content);
  for (const Kind of [MmapMut, MmapCow]) {
    using map = Kind.open(path);
    for (const start of [0, 8, 13]) {
      new Uint8Array(map.arrayBuffer(start)).fill(0);
      new Uint8Array(map.arrayBuffer(start, 100, { copy: true })).fill(0);
    }
    t.true(map.buffer.equals(content), 'copies');
    t.throws(() => map.arrayBuffer(13, 20, { copy: false }), { code: 'ERR_OUT_OF_RANGE' });
    new Uint8Array(map.arrayBuffer(16, 24, { copy: false })).fill(1);
    t.deepEqual([...map.subarray(15, 25)], [content[15], ...Array(8).fill(1), content[24]]);
    t.is(readFileSync(path)[16] === 1, Kind === MmapMut);
    map.write(content);
  }
});

test('several ArrayBuffers over the same bytes live side by side', (t) => {
  const path = temporaryFile(t, content);
  using map = Mmap.open(path);
  const made = Array.from({ length: 500 }, (_, n) => map.arrayBuffer((n % 5) * 8));
  t.is(new Set(made).size, 500, 'each call makes one');
  for (const [n, arrayBuffer] of made.entries()) {
    expectBytes(t, arrayBuffer, content.subarray((n % 5) * 8));
  }
  t.true(map.buffer.equals(content));
});

test('a library that takes the ArrayBuffer away takes nothing of the map', (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const { buffer } = map;
  const moved = transfer(map.arrayBuffer());
  expectBytes(t, moved, content);
  t.is(map.buffer, buffer);
  t.true(buffer.equals(content));
  expectBytes(t, map.arrayBuffer(), content);
});

test('a copy is moved to a worker', async (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const arrayBuffer = map.arrayBuffer(8, 5000, { copy: true });
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     parentPort.postMessage(workerData);`,
    { eval: true, workerData: arrayBuffer, transferList: [arrayBuffer] },
  );
  const [received] = (await once(worker, 'message')) as [ArrayBuffer];
  t.is(arrayBuffer.byteLength, 0);
  expectBytes(t, received, content.subarray(8, 5000));
  t.true(map.buffer.equals(content));
  await worker.terminate();
});

test('close, resize and refresh detach every ArrayBuffer without a copy, and leave copies', (t) => {
  const path = temporaryFile(t, content);
  const map = Mmap.open(path);
  const made = Array.from({ length: 200 }, () => map.arrayBuffer(8, 16));
  const copy = map.arrayBuffer(9, 16);
  map.close();
  t.true(made.every(({ byteLength }) => byteLength === 0));
  expectBytes(t, copy, content.subarray(9, 16));
  t.throws(() => map.arrayBuffer(), { code: 'ERR_MMAP_CLOSED' });

  using mutable = MmapMut.open(path);
  const live = mutable.arrayBuffer(0, 100, { copy: false });
  mutable.resize(5000);
  t.is(live.byteLength, 0);
  expectBytes(t, mutable.arrayBuffer(), content.subarray(0, 5000));
});

test('an ArrayBuffer that is kept keeps the memory of a map that nothing else refers to', async (t) => {
  const path = temporaryFile(t, content);
  const make = () => {
    const map = Mmap.open(path);
    return { arrayBuffer: map.arrayBuffer(), map: new WeakRef(map) };
  };
  const { arrayBuffer, map } = make();
  await collectUntil(() => map.deref() === undefined, 'the map object is collected');
  expectBytes(t, arrayBuffer, content);
});

onLinux('memory is unmapped when its last ArrayBuffer is collected (Linux: maps)', async (t) => {
  const path = temporaryFile(t, content);
  const make = () => {
    for (let n = 0; n < 300; n++) Mmap.open(path).arrayBuffer(8 * n);
  };
  make();
  t.true(mapsOf(path) > 0);
  await collectUntil(() => mapsOf(path) === 0, 'nothing is mapped');
  t.is(mapsOf(path), 0);
});

onLinux('a stray write into the ArrayBuffer leaves the file, and is reported (Linux)', (t) => {
  const path = temporaryFile(t, content);
  using map = Mmap.open(path);
  new Uint8Array(map.arrayBuffer())[5] = 1;
  t.true(readFileSync(path).equals(content));
  t.is(map.faults.strayWrites, 1);
  t.throws(() => map.arrayBuffer(), { code: 'ERR_MMAP_READ_ONLY' });
});

test('anonymous memory and empty ranges have ArrayBuffers, too', (t) => {
  using map = MmapMut.anonymous(64);
  map.write('bytes', 8);
  expectBytes(t, map.arrayBuffer(8, 13), Buffer.from('bytes'));
  expectBytes(t, map.arrayBuffer(8, 13, { copy: false }), Buffer.from('bytes'));
  expectBytes(t, map.arrayBuffer(64), Buffer.alloc(0));
  expectBytes(t, map.arrayBuffer(3, 3, { copy: true }), Buffer.alloc(0));
});
