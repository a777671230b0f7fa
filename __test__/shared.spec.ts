import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { collectUntil } from './helpers/garbage';
import { canShare, isWindows, onLinux } from './helpers/gates';
import { descriptors, mappingsOf } from './helpers/kernel';
import { inChild } from './helpers/processes';
import { diskFile, diskPath, root } from './helpers/temporary';
import { until } from './helpers/until';

/** A worker that answers what `body`, the body of a function of `sent` and `memmap`, returns. */
async function inWorker(body: string, sent: unknown): Promise<unknown> {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const run = (sent, memmap) => { ${body} };
     parentPort.postMessage(run(workerData.sent, require(workerData.root)));`,
    { eval: true, workerData: { sent, root: root } },
  );
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`it ended with ${code} and no answer`)));
    });
  } finally {
    await worker.terminate();
  }
}

function whereSupported(): void {
  test('every view of the map is one of a SharedArrayBuffer', (t) => {
    const path = diskFile(t, '0123456789abcdef');
    using map = Mmap.open(path, { offset: 8, shared: true });
    const shared: SharedArrayBuffer = map.buffer.buffer;
    t.true(shared instanceof SharedArrayBuffer);
    t.is(map.buffer.toString(), '89abcdef');
    t.is(map.subarray(2, 4).buffer, shared);
    t.is(map.view(Int32Array).buffer, shared);
    t.is(map.dataView(1).buffer, shared);
    using unaligned = MmapCow.open(path, { offset: 3, shared: true });
    t.is(unaligned.buffer.toString(), '3456789abcdef');
    t.is(unaligned.buffer.byteOffset, 3);
    using plain = Mmap.open(path, { shared: false });
    t.true(plain.buffer.buffer instanceof ArrayBuffer);
    using empty = Mmap.open(path, { length: 0, shared: true });
    t.true(empty.buffer.buffer instanceof SharedArrayBuffer);
    t.is(empty.buffer.length, 0);
  });

  test('a shared map has ArrayBuffers and streams for what takes no SharedArrayBuffer', async (t) => {
    using map = MmapMut.create(diskPath(t), 4096, { shared: true });
    const arrayBuffer = map.arrayBuffer(0, 8, { copy: false });
    t.true(arrayBuffer instanceof ArrayBuffer);
    map.resize(8192);
    t.is(arrayBuffer.byteLength, 8);
    map.resize(4096);
    t.is(arrayBuffer.byteLength, 0, 'it is detached, unlike a SharedArrayBuffer');
    const kept = map.arrayBuffer(0, 8, { copy: false });
    map.buffer.write('shared');
    t.is(Buffer.from(map.arrayBuffer(0, 6, { copy: false })).toString(), 'shared');
    t.is(await new Response(map.readable({ end: 6 })).text(), 'shared');
    map.resize(8192);
    map.buffer.write('grown');
    t.is(Buffer.from(kept).toString('latin1', 0, 6), 'grownd');
    map.close();
    t.is(kept.byteLength, 0);
  });

  test('workers see the memory without a copy, and use Atomics on it', async (t) => {
    const path = diskPath(t);
    using map = MmapMut.create(path, 4096, { shared: true });
    const counter = map.view(Int32Array);
    const add = `
      const counter = new Int32Array(sent);
      for (let i = 0; i < 100_000; i++) Atomics.add(counter, 0, 1);
      return counter.byteLength;`;
    const lengths = await Promise.all([
      inWorker(add, map.buffer.buffer),
      inWorker(add, map.buffer.buffer),
    ]);
    t.deepEqual(lengths, [4096, 4096]);
    t.is(Atomics.load(counter, 0), 200_000);
    map.flushSync();
    t.is(readFileSync(path).readInt32LE(0), 200_000, 'and so does the file');
  });

  test('anonymous memory is shared, and wakes its waiters', async (t) => {
    using map = MmapMut.anonymous(64, { shared: true });
    const word = map.view(Int32Array);
    // Without a limit: a test beside this one blocks this thread while its child processes run.
    const waiting = inWorker('return Atomics.wait(new Int32Array(sent), 0, 0);', map.buffer.buffer);
    await until(() => Atomics.notify(word, 0) === 1, 'the worker waits');
    t.is(await waiting, 'ok');
  });

  onLinux('the memory outlives its collected map object (Linux: maps)', async (t) => {
    const path = diskFile(t, 8192);
    let shared: SharedArrayBuffer | null = null;
    const share = (): WeakRef<Mmap> => {
      const map = Mmap.open(path, { shared: true });
      shared = map.buffer.buffer;
      return new WeakRef(map);
    };
    const map = share();
    await collectUntil(() => map.deref() === undefined, 'the map object is gone');
    t.is(map.deref(), undefined);
    t.is(mappingsOf(path).length, 1);
    t.is(new Uint8Array(shared ?? new SharedArrayBuffer(0))[8191], 7);
    t.is(await inWorker('return new Uint8Array(sent)[5000];', shared), 7);
    shared = null;
    await collectUntil(() => mappingsOf(path).length === 0, 'the file is unmapped');
    t.is(mappingsOf(path).length, 0, 'and goes when the last view is gone');
  });

  test('the memory outlives the worker that mapped it', async (t) => {
    const path = diskFile(t, 8192);
    const shared = await inWorker(
      'return memmap.Mmap.open(sent, { shared: true }).buffer.buffer;',
      path,
    );
    t.true(shared instanceof SharedArrayBuffer);
    t.is(new Uint8Array(shared as SharedArrayBuffer)[8191], 7);
  });

  onLinux('close releases the file at once, and the views read zeros (Linux)', async (t) => {
    const path = diskFile(t, 8192);
    const map = MmapMut.open(path, { shared: true });
    const { buffer } = map;
    const words = new Int32Array(buffer.buffer);
    // The worker goes on reading and writing while and after the map is closed.
    const worker = inWorker(
      `const bytes = new Uint8Array(sent);
       const words = new Int32Array(sent);
       Atomics.store(words, 0, 1);
       const end = Date.now() + 90_000;
       while (bytes[8191] === 7 && Date.now() < end);
       for (let at = 4; at < 8192; at++) bytes[at] = 9;
       return bytes[8191];`,
      buffer.buffer,
    );
    await until(() => Atomics.load(words, 0) === 1, 'the worker has begun');
    map.close();
    t.is(mappingsOf(path).length, 0);
    t.false(descriptors().includes(path));
    t.is(buffer.length, 8192);
    t.is(await worker, 9);
    t.is(buffer[8191], 9, 'the zero pages are shared as the file was');
    t.true(
      readFileSync(path)
        .subarray(4)
        .every((byte) => byte === 7),
    );
    t.throws(() => map.buffer, { code: 'ERR_MMAP_CLOSED' });
  });

  test('resize and refresh do not replace memory with shared views, but make it longer', (t) => {
    const path = diskPath(t);
    const map = MmapMut.create(path, 4096, { shared: true });
    map.resize(8192);
    t.is(map.length, 8192, 'before the first Buffer it can');
    map.buffer.write('kept');
    t.throws(() => map.resize(4096), { code: 'ERR_MMAP_IN_USE' });
    t.is(statSync(path).size, 8192);
    map.resize(8192);
    t.false(map.refresh());
    const old = map.buffer;
    map.resize(16384);
    truncateSync(path, 20480);
    t.true(map.refresh());
    t.is(map.buffer.toString('latin1', 0, 4), 'kept');
    t.is(old.toString('latin1', 0, 4), 'kept');
    // Windows truncates no mapped file.
    if (!isWindows) {
      truncateSync(path, 12288);
      t.throws(() => map.refresh(), { code: 'ERR_MMAP_IN_USE' });
    }
    t.is(map.length, 20480);
    map.close();
    using copy = MmapCow.open(path, { shared: true });
    copy.subarray(0, 1);
    truncateSync(path, 24576);
    t.throws(() => copy.refresh(), { code: 'ERR_MMAP_IN_USE' });
    using memory = MmapMut.anonymous(10, { shared: true });
    memory.subarray(0, 1);
    t.throws(() => memory.resize(5), { code: 'ERR_MMAP_IN_USE' });
  });

  onLinux('a file truncated under a shared map ends no worker (Linux: the guard)', async (t) => {
    const path = diskFile(t, 64 * 4096);
    const map = MmapMut.open(path, { shared: true });
    const { buffer } = map;
    truncateSync(path, 4096);
    const read = 'return [new Uint8Array(sent)[4095], new Uint8Array(sent)[200_000]];';
    t.deepEqual(await inWorker(read, buffer.buffer), [7, 0]);
    t.throws(() => map.flushSync(), { code: 'ERR_MMAP_TRUNCATED' });
    t.throws(() => map.refresh(), { code: 'ERR_MMAP_IN_USE' });
    t.is(buffer[200_000], 0);
    map.close();
  });

  onLinux('a write of a worker into a read-only shared map stays private (Linux)', async (t) => {
    const path = diskFile(t, 8192);
    using map = Mmap.open(path, { shared: true });
    await inWorker('new Uint8Array(sent)[5000] = 9;', map.buffer.buffer);
    t.is(map.faults.strayWrites, 1);
    t.throws(() => map.buffer, { code: 'ERR_MMAP_READ_ONLY' });
    t.is(readFileSync(path)[5000], 7);
  });

  test('V8 collects no garbage for shared maps, and does for others', (t) => {
    const path = diskPath(t);
    MmapMut.create(path, 2 ** 30, { allocate: false }).close();
    const collections = (shared: boolean) => {
      const lines = inChild(
        `
        const { PerformanceObserver, constants } = require('node:perf_hooks');
        let major = 0;
        let forced = 0;
        const observer = new PerformanceObserver((list) => {
          for (const { detail } of list.getEntries()) {
            if (detail.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) forced++;
            else if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++;
          }
        });
        observer.observe({ entryTypes: ['gc'] });
        require('node:v8').setFlagsFromString('--expose-gc');
        const gc = require('node:vm').runInNewContext('gc');
        const { until } = require('./build/__test__/helpers/until');
        // Collections are told of later, in order: once the forced one is known, all before it are.
        const allTold = () => {
          const before = forced;
          gc();
          return until(() => forced > before, 'the observer has seen the forced collection');
        };
        const alive = Array.from({ length: 300_000 }, (_, i) => ({ i }));
        await allTold();
        major = 0;
        const maps = Array.from({ length: 200 }, () => memmap.Mmap.open(file, { shared: ${shared} }));
        for (const map of maps) map.buffer;
        await allTold();
        done([alive.length, maps.length, major]);`,
        path,
      ) as [number, number, number];
      t.deepEqual(lines.slice(0, 2), [300_000, 200]);
      return lines[2];
    };
    t.is(collections(true), 0);
    t.true(collections(false) > 0);
  });
}

/** The program of a Node.js that can, where the one at hand cannot; or why there is none. */
function capableNode(): { program: string } | { reason: string } {
  try {
    const { node, program } = require(join(root, 'scripts', 'runtimes.js'));
    // The test runner takes two minutes without a result for a hang.
    const found: string | undefined = program(node('24'), 60_000);
    return found === undefined ? { reason: 'not for this platform' } : { program: found };
  } catch (error) {
    return { reason: String(error).split('\n')[0] ?? '' };
  }
}

function whereUnsupported(): void {
  test('shared: true is refused with the versions that can', (t: ExecutionContext) => {
    const path = diskFile(t, 10);
    for (const open of [
      () => Mmap.open(path, { shared: true }),
      () => MmapMut.create(`${path}2`, 1, { shared: true }),
      () => MmapMut.anonymous(1, { shared: true }),
    ]) {
      const error = t.throws(open, { code: 'ERR_MMAP_UNSUPPORTED' });
      t.regex(error?.message ?? '', /22\.23\.3 .* 24\.16 .* 26\.1 .* Bun 1\.4/);
    }
    t.false(readdirSync(join(path, '..')).includes('file2'));
  });

  const other = capableNode();
  if ('reason' in other) {
    test.skip(`shared maps: this runtime has none, and Node.js 24 is not here (${other.reason})`, () => {});
    return;
  }
  test('the other tests of this file pass on Node.js 24, since this runtime has no shared maps', (t) => {
    const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
    const run = spawnSync(other.program, [ava, join('build', '__test__', 'shared.spec.js')], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: '', AVA_PATH: '' },
    });
    t.log(run.stdout.trim());
    t.is(run.status, 0, run.stderr);
    t.regex(run.stdout, /11 tests passed/);
  });
}

if (canShare()) whereSupported();
else whereUnsupported();
