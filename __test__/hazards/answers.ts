/**
 * Another process truncates a file; then a call reads the lost bytes. It must not answer with them:
 * each call here is the first to touch the lost pages.
 */
import assert from 'node:assert';
import { writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Atomic, MmapError, MmapMut } from 'memmap';
import { newPath, truncateElsewhere } from '../helpers/scratch';
import { survived } from './tools';

const LINE = 'a line of thirty-two characters\n';
const LINES = 8192;
const LENGTH = LINES * LINE.length;
const KEPT = LENGTH / 2;

/** Each way to get an answer made of bytes; `prepare` runs before the file is truncated. */
const calls: Record<string, (map: MmapMut) => () => unknown> = {
  'cursor.readByte': (map) => () => map.cursor(KEPT + 4096).readByte(),
  'cursor.readLine': (map) => () => map.cursor(KEPT + 4096).readLine({ encoding: 'latin1' }),
  'cursor.readUntil': (map) => () => map.cursor(KEPT + 4096).readUntil('\n'),
  'lineIndex.line': (map) => {
    const index = map.lineIndexSync({ encoding: 'utf8' });
    return () => index.line(LINES - 1);
  },
  'lineIndex.lineAt': (map) => {
    const index = map.lineIndexSync();
    return () => index.lineAt(LENGTH - 10);
  },
  copy: (map) => () => map.copy(Buffer.alloc(10), 0, LENGTH - 10),
  'match.toString': (map) => {
    const match = map.exec('a line', KEPT + 4096);
    return () => match?.toString();
  },
  'lines with an encoding': (map) => {
    const lines = map.lines({ encoding: 'latin1' });
    lines.next();
    return () => [...lines];
  },
  'lines as Buffers': (map) => {
    const lines = map.lines();
    lines.next();
    return () => [...lines].map((line) => line.toString());
  },
  'lines as Buffers, the last ones': (map) => {
    const lines = map.lines({ start: LENGTH - 3 * LINE.length });
    lines.next();
    return () => [...lines].map((line) => line.toString());
  },
  'a stream': (map) => {
    const stream = map.createReadStream();
    return async () => {
      for await (const _ of stream);
    };
  },
  'a web stream': (map) => {
    const stream = map.readable();
    return async () => {
      for await (const chunk of stream) chunk.toString();
    };
  },
  'a web stream of bytes': (map) => {
    const stream = map.readable({ type: 'bytes' });
    return async () => {
      for await (const _ of stream);
    };
  },
  'the last chunk of a web stream': (map) => {
    const stream = map.readable({ start: LENGTH - 100 });
    return () => new Response(stream).text();
  },
  'a copy as an ArrayBuffer': (map) => () => map.arrayBuffer(LENGTH - 10),
  'a short stream through gzip': (map) => {
    const stream = map.createReadStream({ start: LENGTH - 56_000 });
    return () => pipeline(stream, createGzip(), sink);
  },
  'atomic.load': (map) => {
    const word = map.atomic(KEPT + 4096);
    return () => word.load();
  },
  'atomic.compareExchange': (map) => {
    const word: Atomic = map.atomic(KEPT + 4096);
    return () => word.compareExchange(0, 1);
  },
  'atomic.wait': (map) => {
    const word = map.atomic(KEPT + 4096);
    return () => word.wait(0, { timeout: 5 });
  },
  'atomic.waitAsync': (map) => {
    const word = map.atomic(KEPT + 4096);
    return () => word.waitAsync(0, { timeout: 5 });
  },
};

async function sink(source: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of source);
}

async function main(): Promise<void> {
  for (const [name, prepare] of Object.entries(calls)) {
    const path = newPath();
    writeFileSync(path, LINE.repeat(LINES));
    const map = MmapMut.open(path);
    const call = prepare(map);
    truncateElsewhere(path, KEPT);
    await assert.rejects(
      async () => call(),
      (error) => error instanceof MmapError && error.code === 'ERR_MMAP_TRUNCATED',
      name,
    );
    map.close();
  }
  survived();
}

main();
