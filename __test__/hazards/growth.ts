/**
 * Maps that grow while what can go wrong does: their file is truncated, bytes that are only reserved
 * are touched by this and other threads, the kernel has no mapping left.
 */
import assert from 'node:assert';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Mmap, MmapMut } from 'memmap';
import { collectUntil } from '../helpers/garbage';
import { kernelMapCount, mapsOf } from '../helpers/kernel';
import { codeOf } from '../helpers/maps';
import { newFile, newPath, truncateElsewhere } from '../helpers/scratch';
import { jobsWaiting, threadsNow } from '../helpers/threads';
import { until } from '../helpers/until';
import { consistsOf, play } from './tools';

const PAGE = 4096;
const MIB = 2 ** 20;

/** Truncates the file of a map that has grown, and touches one of its Buffers. */
function truncated(reserve: number | undefined, touch: 'old' | 'new'): void {
  const path = newFile(5 * PAGE);
  const map = MmapMut.open(path, { reserve });
  const old = map.buffer;
  for (let pages = 10; pages <= 40; pages += 10) map.resize(pages * PAGE);
  const last = map.buffer;
  const lock = map.atomic(0);
  truncateElsewhere(path, PAGE);
  const touched = touch === 'old' ? old : last;
  assert.strictEqual(touched[PAGE - 1], 0x61);
  assert.strictEqual(touched[4 * PAGE], 0);
  touched[3 * PAGE] = 1;
  assert.strictEqual(map.faults.truncated, true);
  assert.strictEqual(map.faults.lostFrom, PAGE);
  assert.strictEqual(
    codeOf(() => map.indexOf('a')),
    'ERR_MMAP_TRUNCATED',
  );
  assert.strictEqual(
    codeOf(() => lock.load()),
    'ERR_MMAP_TRUNCATED',
  );
  assert.strictEqual(
    codeOf(() => map.resize(50 * PAGE)),
    'ERR_MMAP_TRUNCATED',
  );
  // The other Buffer is safe, too.
  assert.strictEqual(old[2 * PAGE], 0);
  assert.strictEqual(last[30 * PAGE], 0);
  assert(map.refresh());
  assert.strictEqual(old.length, 0);
  assert.strictEqual(last.length, 0);
  assert.strictEqual(map.length, PAGE);
  assert(consistsOf(map.buffer, 0x61));
  assert.strictEqual(map.faults.truncated, false);
  map.resize(3 * PAGE);
  map.buffer[2 * PAGE] = 5;
  map.close();
}

/** Grows a map whose Buffers of many lengths are alive when `open` is refused with that code. */
function crowded<Other extends { close(): void }>(
  code: string,
  others: Other[],
  open: () => Other,
): void {
  const path = newFile(PAGE);
  const map = Mmap.open(path);
  const old = [map.buffer];
  for (let pages = 2; pages < 100; pages++) {
    truncateSync(path, pages * PAGE);
    map.refresh();
    old.push(map.buffer);
  }
  assert(mapsOf(path) > 40, 'the lengths have mappings of their own');
  const lines = map.lines();
  const refusal = codeOf(() => {
    for (;;) others.push(open());
  });
  assert.strictEqual(refusal, code);
  const before = kernelMapCount();
  // Far more than there is room for behind the last one.
  truncateSync(path, 2 ** 36);
  assert(map.refresh());
  assert.strictEqual(map.length, 2 ** 36);
  assert.strictEqual(map.indexOf('a', { start: 0, end: PAGE }), 0);
  assert.strictEqual(old[0]?.length, 0, 'Buffers of before make room');
  assert.strictEqual(
    codeOf(() => lines.next()),
    'ERR_MMAP_CHANGED',
    'what may use them ends',
  );
  assert(kernelMapCount() <= before);
  for (const one of others) one.close();
  map.close();
}

/** A thread that touches all pages of a SharedArrayBuffer again and again, from the last one on. */
const TOUCHING = `
  const { parentPort, workerData } = require('node:worker_threads');
  const bytes = new Uint8Array(workerData.buffer);
  const stop = new Int32Array(workerData.stop);
  parentPort.postMessage('begin');
  let seen = 0;
  while (Atomics.load(stop, 0) === 0) {
    for (let at = bytes.length - 1; at > 0; at -= 4096) seen += bytes[at];
  }
  parentPort.postMessage(seen);`;

play({
  'truncated, old Buffer': () => truncated(undefined, 'old'),
  'truncated, new Buffer': () => truncated(undefined, 'new'),
  'truncated with a reserve, old Buffer': () => truncated(64 * MIB, 'old'),
  'truncated with a reserve, new Buffer': () => truncated(64 * MIB, 'new'),

  // What was lost in a Buffer of before is a loss of the map, also when the Buffer is gone.
  'lost in a Buffer that is gone': async () => {
    const path = newFile(5 * PAGE);
    const map = MmapMut.open(path);
    const lose = (old: Buffer) => {
      map.resize(2 ** 36, { allocate: false });
      assert.strictEqual(mapsOf(path), 2, 'the map has grown beside its old memory');
      truncateElsewhere(path, PAGE);
      assert.strictEqual(old[4 * PAGE], 0);
    };
    lose(map.buffer);
    await collectUntil(() => mapsOf(path) === 1, 'the Buffer of before is gone');
    assert.strictEqual(map.faults.lostFrom, PAGE);
    assert.strictEqual(
      codeOf(() => map.indexOf('a', { start: 0, end: PAGE })),
      'ERR_MMAP_TRUNCATED',
    );
    assert(map.refresh());
    assert.strictEqual(map.faults.truncated, false);
    map.close();
  },

  // Each page of the reserve is touched before the map grows to it, in one order and in the other.
  'touched ahead': () => {
    for (const mapClass of [Mmap, MmapMut]) {
      for (const isUpwards of [true, false]) {
        const path = newFile(PAGE);
        const map = mapClass.open(path, { reserve: 16 * MIB });
        const { buffer, byteOffset } = map.buffer;
        const all = new Uint8Array(buffer, byteOffset);
        for (let pages = 2; pages < 600; pages += 1 + (pages % 3)) {
          for (let at = pages; at < 4000; at += 97) {
            const page = isUpwards ? at : 4000 - at + pages;
            assert.strictEqual(all[page * PAGE], 0);
            all[page * PAGE + 1] = 1;
          }
          truncateSync(path, pages * PAGE);
          assert(map.refresh());
          assert.strictEqual(map.buffer.buffer, buffer);
          assert(consistsOf(map.subarray(PAGE), 0), `${pages} pages: what was written stays`);
        }
        assert.strictEqual(map.faults.truncated, false);
        assert.strictEqual(map.faults.strayWrites, 0);
        map.close();
      }
    }
  },

  'touched by another thread': async () => {
    const path = newFile(PAGE);
    const map = MmapMut.open(path, { reserve: 4 * MIB, shared: true });
    const stop = new SharedArrayBuffer(4);
    const worker = new Worker(TOUCHING, {
      eval: true,
      workerData: { buffer: map.buffer.buffer, stop },
    });
    await new Promise((resolve) => worker.once('message', resolve));
    for (let pages = 2; pages < 1000; pages++) {
      map.resize(pages * PAGE, { allocate: false });
      map.subarray(-PAGE).fill(0x62);
      using other = Mmap.open(path, { offset: (pages - 1) * PAGE });
      assert(consistsOf(other.buffer, 0x62), 'a page that the map has grown to is not the file’s');
    }
    Atomics.store(new Int32Array(stop), 0, 1);
    await new Promise((resolve) => worker.once('message', resolve));
    assert.strictEqual(map.faults.truncated, false);
    assert(consistsOf(map.subarray(PAGE), 0x62));
    map.close();
    await worker.terminate();
  },

  // Buffers of many lengths are alive when there is no mapping left for another.
  'no mapping left': () => {
    const others: MmapMut[] = [];
    /** Neighbours that are alike would be one mapping. */
    const open = () => MmapMut.anonymous(PAGE, { noReserve: others.length % 2 === 0 });
    crowded('ENOMEM', others, open);
  },

  // The same for the guard, which has a place for 65,536 maps.
  'no place left': () => {
    const path = newFile(0);
    const most = 2 ** 16;
    truncateSync(path, most * PAGE);
    const others: Mmap[] = [];
    const file = openSync(path, 'r');
    /** Neighbours in memory are neighbours in the file, too, so that the kernel has one mapping for them. */
    const open = () => {
      const offset = (most - 1 - others.length) * PAGE;
      return Mmap.open(file, { offset, length: PAGE, keepDescriptor: false });
    };
    crowded('ERR_MMAP_UNSUPPORTED', others, open);
    closeSync(file);
  },

  // Two searches go on in the memory of before, which nothing else has any more. What the one that
  // ends first has met is reported before it answers, although the other keeps the memory.
  'lost by a search in the memory of before': async () => {
    const words = Array.from({ length: 3000 }, (_, n) => `aaa${(n * 7919).toString(36)}`);
    // Often: the other search may end, and report, before the first one is asked for its answer.
    for (let tries = 0, seen = 0; seen < 20; tries++) {
      assert(tries < 1000, 'the searches have always ended before');
      const path = newFile(16 * MIB);
      // What both find at the end, unless it is lost by then. The map itself has no Buffer.
      const file = openSync(path, 'r+');
      writeSync(file, 'aaa63z', 16 * MIB - 16);
      closeSync(file);
      const map = MmapMut.open(path);
      // One job each: what is lost later only these can meet.
      const searches = [8 * MIB, 0].map((start) => map.count(words, { start, concurrency: 1 }));
      const codes = searches.map((search) => search.catch((error) => error.code));
      let haveEnded = false;
      const ends = Promise.all(codes).finally(() => {
        haveEnded = true;
      });
      const haveBegun = () => threadsNow().searches > 1 && jobsWaiting().searches === 0;
      await until(() => haveBegun() || haveEnded, 'the searches have begun');
      map.resize(2 ** 36, { allocate: false });
      truncateSync(path, PAGE);
      const [first, second] = await ends;
      const { truncated } = map.faults;
      map.close();
      if (first === 1) continue;
      assert.deepStrictEqual([first, second], ['ERR_MMAP_TRUNCATED', 'ERR_MMAP_TRUNCATED']);
      assert(truncated);
      seen++;
    }
  },

  // Nothing of a thousand lengths is left, whatever order their owners go in.
  'dropped unclosed': async () => {
    const path = newPath();
    // The last Buffer of a map that nothing else refers to.
    const kept = [
      (() => {
        const map = MmapMut.create(path, PAGE);
        let last = map.buffer;
        for (let pages = 2; pages < 200; pages++) {
          map.resize(pages * PAGE);
          if (pages % 2 === 0) last = map.buffer;
        }
        return last;
      })(),
    ];
    await collectUntil(() => mapsOf(path) <= 2, 'the Buffers of before are gone');
    assert.strictEqual(kept[0]?.length, 198 * PAGE);
    kept[0]?.fill(3);
    kept.length = 0;
    await collectUntil(() => mapsOf(path) === 0, 'nothing is mapped');
  },
});
