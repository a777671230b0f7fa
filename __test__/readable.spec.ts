/** readable: a map as a web ReadableStream, of chunks or of bytes. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { pattern, temporaryFile } from './helpers/temporary';

const content = pattern(300_000);

async function collected(stream: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function expectBytes(t: ExecutionContext, chunks: Uint8Array[], expected: Uint8Array): void {
  t.true(Buffer.concat(chunks).equals(expected), `${expected.length} bytes`);
}

for (const type of [undefined, 'bytes'] as const) {
  const kind = type ?? 'default';

  test(`a stream (${kind}) gives all bytes of its range in chunks of the size asked for`, async (t) => {
    const path = temporaryFile(t, content);
    for (const Kind of [Mmap, MmapMut, MmapCow]) {
      using map = Kind.open(path, { offset: 3 });
      const bytes = content.subarray(3);
      expectBytes(t, await collected(map.readable({ type })), bytes);
      const chunks = await collected(map.readable({ start: 10n, end: 990, chunkSize: 300, type }));
      t.deepEqual(
        chunks.map(({ length }) => length),
        [300, 300, 300, 80],
      );
      expectBytes(t, chunks, bytes.subarray(10, 990));
      t.deepEqual(await collected(map.readable({ start: 5, end: 5, type })), []);
    }
  });

  test(`a stream (${kind}) is the body of a Response`, async (t) => {
    using map = Mmap.open(temporaryFile(t, content));
    const body = map.readable({ start: 1000, type });
    const received = Buffer.from(await new Response(body).arrayBuffer());
    t.true(received.equals(content.subarray(1000)));
  });

  test(`a stream (${kind}) of a map that is closed or changed meanwhile fails`, async (t) => {
    for (const [code, end] of [
      ['ERR_MMAP_CLOSED', (map: MmapMut) => map.close()],
      ['ERR_MMAP_CHANGED', (map: MmapMut) => map.resize(200_000)],
    ] as const) {
      const map = MmapMut.open(temporaryFile(t, content));
      const reader = map.readable({ chunkSize: 1000, type }).getReader();
      t.is((await reader.read()).value?.length, 1000);
      end(map);
      await t.throwsAsync(reader.read(), { code });
      await t.throwsAsync(reader.closed, { code });
      map.close();
      t.throws(() => map.readable({ type }), { code: 'ERR_MMAP_CLOSED' });
    }
  });

  test(`a stream (${kind}) that is closed during a read fails that read`, async (t) => {
    const map = Mmap.open(temporaryFile(t, content));
    const reading = map.readable({ type }).getReader().read();
    map.close();
    await t.throwsAsync(reading, { code: 'ERR_MMAP_CLOSED' });
  });

  test(`a stream (${kind}) that is cancelled ends, also while it reads`, async (t) => {
    using map = Mmap.open(temporaryFile(t, content));
    const reader = map.readable({ chunkSize: 1000, type }).getReader();
    await reader.read();
    const reading = reader.read();
    await reader.cancel('enough');
    t.true((await reading).done);
    await reader.closed;
    t.true((await reader.read()).done);
    for await (const _ of map.readable({ chunkSize: 1000, type })) break;
    t.true(map.buffer.equals(content));
  });

  test(`a pipe from a stream (${kind}) is aborted by its signal`, async (t) => {
    using map = Mmap.open(temporaryFile(t, content));
    const controller = new AbortController();
    let written = 0;
    const sink = new WritableStream<Uint8Array>({
      write(chunk) {
        written += chunk.length;
        if (written >= 3000) controller.abort();
      },
    });
    const piped = map.readable({ chunkSize: 1000, type }).pipeTo(sink, controller);
    await t.throwsAsync(piped, { any: true, name: 'AbortError' });
    t.true(written < 10_000);
  });

  test(`a stream (${kind}) is transferred to a worker, and the map stays`, async (t) => {
    using map = Mmap.open(temporaryFile(t, content));
    const { buffer } = map;
    const stream = map.readable({ start: 3, chunkSize: 10_000, type });
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       (async () => {
         const chunks = [];
         let memory = 0;
         for await (const chunk of workerData) {
           chunks.push(chunk);
           memory += chunk.buffer.byteLength;
         }
         parentPort.postMessage({ bytes: Buffer.concat(chunks), memory });
       })();`,
      { eval: true, workerData: stream, transferList: [stream] },
    );
    const { bytes, memory } = await new Promise<{ bytes: Uint8Array; memory: number }>(
      (resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      },
    );
    t.true(Buffer.from(bytes).equals(content.subarray(3)));
    t.true(memory < 2 * content.length, 'each chunk is sent alone, not with the whole map');
    t.is(map.buffer, buffer);
    t.true(buffer.equals(content));
    await worker.terminate();
  });

  test(`what a consumer of a stream (${kind}) takes away is not the map's memory`, async (t) => {
    using map = Mmap.open(temporaryFile(t, content));
    const { buffer } = map;
    for await (const chunk of map.readable({ chunkSize: 100_000, type })) {
      const { byteLength } = chunk.buffer;
      t.true(byteLength < 100_008, 'no more than the chunk');
      // A byte stream moves what is enqueued to it.
      const moving = new ReadableStream({
        type: 'bytes',
        start: (controller) => controller.enqueue(chunk),
      });
      t.is(chunk.length, 0);
      const taken = await moving.getReader().read();
      t.is(taken.value?.length, 100_000);
    }
    t.is(map.buffer, buffer);
    t.true(buffer.equals(content));
  });

  test(`a stream (${kind}) reads nothing before it is asked`, async (t) => {
    const path = temporaryFile(t, content);
    using map = Mmap.open(path);
    const stream = map.readable({ type });
    using file = MmapMut.open(path);
    file.buffer[0] = 77;
    const [first] = await collected(stream);
    t.is(first?.[0], 77);
  });
}

test('the chunks of a default stream are Buffers over the map, without a copy', async (t) => {
  const path = temporaryFile(t, content);
  using map = MmapMut.open(path);
  for await (const chunk of map.readable({ start: 4, chunkSize: 100_000 })) {
    t.true(Buffer.isBuffer(chunk));
    chunk.fill(9);
  }
  t.true(map.buffer.subarray(4).every((byte) => byte === 9));
  t.is(readFileSync(path)[299_999], 9);
});

test('a byte stream copies into the view of its reader, and into none of the map', async (t) => {
  using map = MmapMut.open(temporaryFile(t, content));
  const reader = map.readable({ type: 'bytes' }).getReader({ mode: 'byob' });
  let view = new Uint8Array(70_000);
  const sizes: number[] = [];
  const received: Buffer[] = [];
  for (;;) {
    const { done, value } = await reader.read(view);
    if (done) break;
    sizes.push(value.length);
    received.push(Buffer.from(value));
    value.fill(0);
    view = new Uint8Array(value.buffer);
  }
  t.deepEqual(sizes, [70_000, 70_000, 70_000, 70_000, 20_000]);
  expectBytes(t, received, content);
  t.true(map.buffer.equals(content));
});

test('a byte stream splits in two and serves wide views', async (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const [left, right] = map.readable({ type: 'bytes', end: 1000 }).tee();
  const both = await Promise.all([collected(left), collected(right)]);
  for (const chunks of both) expectBytes(t, chunks, content.subarray(0, 1000));
  const reader = map.readable({ type: 'bytes', end: 12 }).getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint32Array(8));
  t.deepEqual(
    value,
    new Uint32Array(content.buffer.slice(content.byteOffset, content.byteOffset + 12)),
  );
});

test('a type that no stream has is refused', (t) => {
  using map = MmapMut.anonymous(8);
  for (const type of ['byte', '', 'BYTES', 'owning']) {
    t.throws(() => map.readable({ type: type as 'bytes' }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  for (const chunkSize of [0, -1, 0.5, 2 ** 30 + 1]) {
    t.throws(() => map.readable({ chunkSize }), { code: 'ERR_OUT_OF_RANGE' });
  }
});
