/** What the compiler must and must not take of `memmap`. Every `@ts-expect-error` is part of the test. */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  type Atomic,
  type Cursor,
  type Finds,
  type LineIndex,
  type Match,
  type MemoryMap,
  Mmap,
  MmapCow,
  MmapError,
  MmapMut,
  type Shared,
  type WritableCursor,
} from 'memmap';
import { same } from './same.js';

// How maps are opened.
const map = Mmap.open('file');
const mutable = MmapMut.create(new URL('file:///tmp/file'), 2n ** 33n, { overwrite: true });
const copy = MmapCow.open(Buffer.from('file'), { offset: 1n, length: 2 });
same<Mmap>()(map);
same<MmapMut>()(mutable);
same<MmapCow>()(copy);
same<MmapMut>()(MmapMut.anonymous(4096, { hugePages: 'transparent' }));
same<MmapMut>()(MmapMut.from(map.descriptor(), { guard: false }));
Mmap.open(await open('file'), { onFault: (faults) => same<number | null>()(faults.lostFrom) });
// @ts-expect-error: offsets are never strings
Mmap.open('file', { offset: '1' });
// @ts-expect-error: there is no such option
Mmap.open('file', { size: 1 });
// @ts-expect-error: nothing can be created read-only
Mmap.create('file', 1);
// @ts-expect-error: maps are made by static methods
new Mmap('file');
// @ts-expect-error: the options of anonymous memory know no file
MmapMut.anonymous(1, { offset: 1 });

// Shared memory is a SharedArrayBuffer, and only with the option.
const shared = Mmap.open('file', { shared: true });
const sharedMap: Shared<Mmap> = shared;
const posted: SharedArrayBuffer = sharedMap.buffer.buffer;
const part: SharedArrayBuffer = shared.subarray(1).buffer;
const floats: Float64Array<SharedArrayBuffer> = shared.view(Float64Array);
const data: DataView<SharedArrayBuffer> = shared.dataView();
same<ArrayBuffer>()(shared.arrayBuffer());
const anonymous: Shared<MmapMut> = MmapMut.anonymous(1, { shared: true });
anonymous.resize(2);
// @ts-expect-error: not every map is over a SharedArrayBuffer
const notShared: SharedArrayBuffer = map.buffer.buffer;
// @ts-expect-error: a boolean that is only known at run time promises nothing
const maybeShared: Shared<Mmap> = Mmap.open('file', { shared: Math.random() > 0.5 });

// What every map has.
same<Buffer>()(map.buffer);
const numbers: Float64Array = map.view(Float64Array, 8, 1);
const bigints: BigUint64Array = map.view(BigUint64Array);
same<DataView>()(map.dataView(0, 8));
same<string | null>()(map.path);
same<Readable>()(map.createReadStream({ start: 1, end: 2n, highWaterMark: 3 }));
same<ArrayBuffer>()(map.arrayBuffer(1n, 2, { copy: false }));
same<ArrayBuffer>()(mutable.arrayBuffer());
same<ReadableStream<Buffer<ArrayBuffer>>>()(map.readable({ start: 1, end: 2n, chunkSize: 3 }));
same<ReadableStream<Uint8Array<ArrayBuffer>>>()(map.readable({ type: 'bytes' }));
same<Response>()(new Response(map.readable()));
for await (const chunk of map.readable()) same<number>()(chunk.readInt8(0));
// @ts-expect-error: no type of streams
map.readable({ type: 'byte' });
// @ts-expect-error: no typed array
map.view(Array);
// @ts-expect-error: a length is only read
map.length = 1;
const any: MemoryMap = Math.random() > 0.5 ? map : mutable;
same<boolean>()(any.refresh());

// Reading without waiting for the disk.
same<Buffer | null>()(map.tryRead(1, 2n));
same<Promise<Buffer>>()(map.read(1, 2n, { signal: AbortSignal.timeout(1) }));
void map.prefetch(0, 1, { concurrency: 2, onProgress: () => {} });
map.prefetchSync(0, 1, { concurrency: 2 });

// Searching: what comes back depends on the options.
same<number>()(map.indexOf('needle', 1, 'latin1'));
same<number>()(map.indexOf('needle', 'latin1'));
same<Float64Array>()(map.findAllSync('needle', { limit: 1 }));
same<Finds>()(map.findAllSync(['a', Buffer.from('b')], { which: true }));
same<Promise<Float64Array>>()(map.findAll(/needle/, { signal: AbortSignal.timeout(1) }));
same<Promise<Finds>>()(map.findAll(['a', 1], { which: true, onProgress: () => {} }));
same<Promise<number>>()(map.count(/needle/, { start: 1, concurrency: 2 }));
// @ts-expect-error: what blocks has one thread
map.countSync(/needle/, { concurrency: 2 });
same<Match | null>()(map.exec(/needle/, 1));
same<IterableIterator<Match>>()(map.matchAll('needle', { end: 1 }));
same<Buffer | undefined>()(map.exec('(?<name>.)')?.bytes('name'));
for await (const match of map.scan('needle', { batch: 1 })) same<number>()(match.index);
// @ts-expect-error: there is no way to abort what blocks
map.findAllSync('needle', { signal: AbortSignal.timeout(1) });
// @ts-expect-error: which of several needles each match is, is told by Finds
const offsets: Float64Array = map.findAllSync('needle', { which: true });

// Lines: strings with an encoding, Buffers without.
same<IterableIterator<string>>()(map.lines({ encoding: 'utf8', keepEnds: true }));
same<IterableIterator<Buffer>>()(map.lines());
same<IterableIterator<Buffer>>()(map.lines({ start: 1 }));
same<Promise<LineIndex<string>>>()(map.lineIndex({ encoding: 'utf8' }));
same<LineIndex<Buffer>>()(map.lineIndexSync());
same<string>()(map.lineIndexSync({ encoding: 'latin1' }).line(1));
// @ts-expect-error: no encoding of Node.js
map.lines({ encoding: 'utf-9' });

// Cursors write where their map can.
same<Cursor>()(map.cursor());
same<WritableCursor>()(mutable.cursor(1n));
same<string | null>()(map.cursor().readLine({ encoding: 'utf8' }));
same<Buffer | null>()(map.cursor().readLine());
same<number>()(copy.cursor().write('text', 'utf8'));
same<number>()(mutable.cursor().seek(-1, 'end'));
// @ts-expect-error: a read-only map's cursor does not write
map.cursor().write('text');

// Writing.
same<number>()(mutable.write(new Float32Array(1), 1));
same<MmapMut>()(mutable.fill(0).copyWithin(1, 2, 3));
same<MmapCow>()(copy.fill('text', 0, 1n, 'latin1'));
same<Promise<void>>()(mutable.flush(0, 1, { onProgress: (done, total) => done / total }));
same<void>()(mutable.resize(1n, { allocate: false }));
// @ts-expect-error: a read-only map is not written
map.write('text');

// Hints go by the kind of map.
same<boolean>()(map.advise('sequential'));
mutable.advise('remove', 0, 1);
copy.advise('populate-write');
// @ts-expect-error: that would discard what a file holds
map.advise('dontneed');
// @ts-expect-error: only where the file may change
copy.advise('remove');

// Words for Atomics.
same<Atomic>()(mutable.atomic(0));
same<number>()(mutable.atomic(0).add(1));
same<bigint>()(mutable.atomic(8, BigInt64Array).compareExchange(1n, 2n));
same<'ok' | 'not-equal' | 'timed-out'>()(mutable.atomic(0, Uint32Array).wait(0, { timeout: 1 }));
// @ts-expect-error: 64 bits are bigints
mutable.atomic(8, BigUint64Array).store(1);
// @ts-expect-error: no type of Atomics.wait
mutable.atomic(8, Float64Array);
// @ts-expect-error: others do not see the changes of these maps
copy.atomic(0);

// Errors.
try {
  map.close();
} catch (error) {
  if (error instanceof MmapError) {
    same<string>()(error.code);
    const errno: number | undefined = error.errno;
    same<number | undefined>()(errno);
  }
}

export const used = [numbers, bigints, posted, part, floats, data, notShared, maybeShared, offsets];
