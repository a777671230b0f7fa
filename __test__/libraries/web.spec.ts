/** What the web and HTTP take: bodies of fetch and Response, ranges, digests, Blobs, clones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapMut } from 'memmap';
import { canShare } from '../helpers/gates';
import { pattern, root, temporaryFile } from '../helpers/temporary';

const content = pattern(300_000);

/** A server that answers each request with the bytes of its body. */
async function echo(t: ExecutionContext): Promise<string> {
  const server = createServer(async (request: IncomingMessage, response) => {
    response.end(await buffer(request));
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function sent(url: string, body: NonNullable<RequestInit['body']>): Promise<Buffer> {
  const request = {
    method: 'POST',
    body,
    duplex: 'half' as const,
    headers: { connection: 'close' },
  };
  return Buffer.from(await (await fetch(url, request)).arrayBuffer());
}

test('fetch sends Buffers, ArrayBuffers and streams of a map', async (t) => {
  const url = await echo(t);
  using map = Mmap.open(temporaryFile(t, content));
  t.true((await sent(url, map.buffer)).equals(content));
  t.true((await sent(url, map.subarray(5, 500))).equals(content.subarray(5, 500)));
  t.true((await sent(url, map.arrayBuffer(5))).equals(content.subarray(5)));
  t.true((await sent(url, map.readable({ chunkSize: 10_000 }))).equals(content));
  t.true((await sent(url, map.readable({ type: 'bytes' }))).equals(content));
  t.is(map.faults.strayWrites, 0);
});

test('a Response of a map has its bytes, also compressed', async (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const plain = await new Response(map.subarray(10, 1000)).arrayBuffer();
  t.true(Buffer.from(plain).equals(content.subarray(10, 1000)));
  const compressed = map.readable().pipeThrough(new CompressionStream('gzip'));
  const restored = compressed.pipeThrough(new DecompressionStream('gzip'));
  t.true(Buffer.from(await new Response(restored).arrayBuffer()).equals(content));
});

test('WebCrypto digests a map, and its parts', async (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const expected = await crypto.subtle.digest('SHA-256', content);
  t.deepEqual(await crypto.subtle.digest('SHA-256', map.buffer), expected);
  t.deepEqual(await crypto.subtle.digest('SHA-256', map.arrayBuffer()), expected);
});

const sharing = canShare();
const whereShared = sharing ? test : test.skip;
const only = sharing ? '' : ' (not here: this runtime has no shared maps)';

whereShared(
  `a Buffer of a shared map is no body and has no digest; arrayBuffer has${only}`,
  async (t) => {
    const url = await echo(t);
    using map = Mmap.open(temporaryFile(t, content), { shared: true });
    // Node.js 22 refuses it, later versions send its bytes as text.
    const received = await sent(url, map.buffer).catch((error: unknown) => error);
    t.false(received instanceof Buffer && received.equals(content));
    t.true((await sent(url, map.arrayBuffer())).equals(content));
    t.true((await sent(url, map.readable())).equals(content));
    await t.throwsAsync(async () => crypto.subtle.digest('SHA-256', map.buffer), { any: true });
    t.deepEqual(
      await crypto.subtle.digest('SHA-256', map.arrayBuffer()),
      await crypto.subtle.digest('SHA-256', content),
    );
  },
);

test('a Blob copies what it is made of, and one of the file does not', async (t) => {
  const path = temporaryFile(t, content);
  using map = MmapMut.open(path);
  const copy = new Blob([map.buffer]);
  map.buffer[0] = 1;
  t.is(new Uint8Array(await copy.arrayBuffer())[0], content[0], 'a copy');
  const blob = await openAsBlob(path);
  t.is(blob.size, content.length);
});

test('a clone of a part copies the whole ArrayBuffer; one of arrayBuffer copies the part', (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const part = structuredClone(map.subarray(10, 20));
  t.is(part.length, 10);
  t.is(part.buffer.byteLength, content.length);
  t.is(structuredClone(map.arrayBuffer(8, 20)).byteLength, 12);
});

test('a byte stream takes the memory away of what is enqueued to it', (t) => {
  using map = Mmap.open(temporaryFile(t, content));
  const { buffer } = map;
  const enqueue = (chunk: Uint8Array) =>
    new ReadableStream({ type: 'bytes', start: (controller) => controller.enqueue(chunk) });
  enqueue(new Uint8Array(map.arrayBuffer()));
  t.is(buffer.length, content.length);
  enqueue(map.subarray(0, 10));
  t.is(buffer.length, 0);
  t.true(map.buffer.equals(content), 'the map makes a new Buffer');
});

test('the example range-server.mjs serves a file and its ranges', async (t) => {
  const path = temporaryFile(t, content);
  const program = join(root, 'examples', 'range-server.mjs');
  const server = spawn(process.execPath, [program, path, '0']);
  t.teardown(() => server.kill());
  const [printed] = await once(server.stdout, 'data');
  const url = String(printed).trim();
  const get = async (range?: string) => {
    const headers = { connection: 'close', ...(range && { range }) };
    const response = await fetch(url, { headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, range: response.headers.get('content-range'), bytes };
  };
  const whole = await get();
  t.deepEqual([whole.status, whole.range], [200, null]);
  t.true(whole.bytes.equals(content));
  for (const [header, start, end] of [
    ['bytes=0-99', 0, 100],
    ['bytes=299900-', 299_900, 300_000],
    ['bytes=-7', 299_993, 300_000],
    ['bytes=100-999999', 100, 300_000],
  ] as const) {
    const part = await get(header);
    t.is(part.status, 206, header);
    t.is(part.range, `bytes ${start}-${end - 1}/300000`);
    t.true(part.bytes.equals(content.subarray(start, end)), header);
  }
  const beyond = await get('bytes=300000-');
  t.deepEqual([beyond.status, beyond.range], [416, 'bytes */300000']);
});
