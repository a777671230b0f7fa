/** Locks in bytes that the file has lost: what looks like a free lock is none. */
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MmapMut } from 'memmap';
import {
  Barrier,
  Condition,
  EventFlag,
  Mutex,
  Once,
  ReentrantMutex,
  RwLock,
  Semaphore,
} from 'memmap/sync';
import { newFile } from '../helpers/scratch';
import { play } from './tools';

const LENGTH = 64 << 10;
/** The file keeps its first half; the locks are in the second. */
const KEPT = LENGTH / 2;
const AT = LENGTH - 8192;

/** Each way to ask a primitive for something at once: none of them may get it. */
const calls: Record<string, (map: MmapMut, at: number) => () => unknown> = {
  'Atomic.notify': (map, at) => {
    const word = map.atomic(at);
    return () => word.notify();
  },
  'Mutex.tryLock': (map, at) => () => new Mutex(map, at).tryLock(),
  'Mutex.lockSync': prepared(Mutex, (mutex) => mutex.lockSync()),
  'Mutex.lock': prepared(Mutex, (mutex) => mutex.lock()),
  'Mutex.locked': prepared(Mutex, (mutex) => mutex.locked),
  'Mutex.unlock': prepared(Mutex, (mutex) => mutex.unlock()),
  'ReentrantMutex.tryLock': prepared(ReentrantMutex, (mutex) => mutex.tryLock()),
  'ReentrantMutex.lockSync': prepared(ReentrantMutex, (mutex) => mutex.lockSync()),
  'ReentrantMutex.lock': prepared(ReentrantMutex, (mutex) => mutex.lock()),
  'ReentrantMutex.depth': prepared(ReentrantMutex, (mutex) => mutex.depth),
  'RwLock.tryRead': prepared(RwLock, (lock) => lock.tryRead()),
  'RwLock.readSync': prepared(RwLock, (lock) => lock.readSync()),
  'RwLock.read': prepared(RwLock, (lock) => lock.read()),
  'RwLock.tryWrite': prepared(RwLock, (lock) => lock.tryWrite()),
  'RwLock.writeSync': prepared(RwLock, (lock) => lock.writeSync()),
  'RwLock.write': prepared(RwLock, (lock) => lock.write()),
  'Semaphore.tryAcquire': permits((semaphore) => semaphore.tryAcquire()),
  'Semaphore.acquireSync': permits((semaphore) => semaphore.acquireSync()),
  'Semaphore.acquire': permits((semaphore) => semaphore.acquire()),
  'Semaphore.available': permits((semaphore) => semaphore.available),
  'Semaphore.release': permits((semaphore) => semaphore.release()),
  'Barrier.waitSync': parties((barrier) => barrier.waitSync()),
  'Barrier.wait': parties((barrier) => barrier.wait()),
  'Barrier.waiting': parties((barrier) => barrier.waiting),
  'Barrier.abort': parties((barrier) => barrier.abort()),
  'EventFlag.isSet': prepared(EventFlag, (flag) => flag.isSet),
  'EventFlag.set': prepared(EventFlag, (flag) => flag.set()),
  'EventFlag.clear': prepared(EventFlag, (flag) => flag.clear()),
  'EventFlag.waitSync': prepared(EventFlag, (flag) => flag.waitSync()),
  'EventFlag.wait': prepared(EventFlag, (flag) => flag.wait()),
  'Condition.notify': prepared(Condition, (condition) => condition.notify()),
  'Once.done': prepared(Once, (once) => once.done),
  'Once.runSync': prepared(Once, (once) => once.runSync(() => assert.fail('it runs'))),
  'Once.run': prepared(Once, (once) => once.run(() => assert.fail('it runs'))),
};

/** Makes the primitive before the file is truncated, and uses its words once. */
function prepared<T>(
  Primitive: new (map: MmapMut, at: number) => T,
  call: (primitive: T) => unknown,
) {
  return (map: MmapMut, at: number) => {
    const primitive = new Primitive(map, at);
    return () => call(primitive);
  };
}

function permits(call: (semaphore: Semaphore) => unknown) {
  return (map: MmapMut, at: number) => {
    const semaphore = new Semaphore(map, at, 2);
    return () => call(semaphore);
  };
}

function parties(call: (barrier: Barrier) => unknown) {
  return (map: MmapMut, at: number) => {
    const barrier = new Barrier(map, at, 1);
    return () => call(barrier);
  };
}

/** Whether a word of a primitive says that something of it is taken. */
function isOwned(call: string, word: number): boolean {
  if (call.startsWith('Barrier') || call.startsWith('EventFlag')) return false;
  // Changes count up.
  return (
    !(call.startsWith('RwLock') && word === 2) && !(call.startsWith('Semaphore') && word === 0)
  );
}

const truncated = { code: 'ERR_MMAP_TRUNCATED', message: /truncated to 32768 bytes/ };

const scenarios: Record<string, (disk: string) => unknown> = {
  /** Two maps of one file, as two processes have them: neither gets the lock. */
  truncated: async () => {
    for (const [name, prepare] of Object.entries(calls)) {
      const path = newFile(LENGTH, 0);
      const maps = [MmapMut.open(path), MmapMut.open(path)];
      const uses = maps.map((map) => prepare(map, AT));
      truncateSync(path, KEPT);
      for (const use of uses) await assert.rejects(async () => use(), truncated, name);
      for (const map of maps) map.close();
    }
  },

  /** The lock is in the part that the file still has: nothing of a refused call stays in it. */
  'taken back': async () => {
    for (const [name, prepare] of Object.entries(calls)) {
      const path = newFile(LENGTH, 0);
      const map = MmapMut.open(path);
      const other = MmapMut.open(path);
      const use = prepare(map, 0);
      // What says that something is taken; a barrier's round and a flag are never taken back.
      const taken = () =>
        [...other.view(Int32Array, 0, 75)].filter((_, word) => isOwned(name, word));
      const before = taken();
      truncateSync(path, KEPT);
      // Faults elsewhere, as another part of the program may have done.
      assert.strictEqual(map.buffer[LENGTH - 1], 0);
      await assert.rejects(async () => use(), truncated, name);
      assert.deepStrictEqual(taken(), before, name);
      map.close();
      other.close();
    }
  },

  /** Waits that began before end. */
  waits: async () => {
    const path = newFile(LENGTH, 0);
    const map = MmapMut.open(path);
    const mutex = new Mutex(map, AT);
    const held = mutex.lockSync();
    const lock = new RwLock(map, AT + 256);
    lock.readSync();
    const waits = [
      mutex.lock(),
      lock.write(),
      new EventFlag(map, AT + 512).wait(),
      new Barrier(map, AT + 516, 2).wait(),
      // A lost word is the value that this one waits at.
      map.atomic(AT + 600).waitAsync(0),
      new Condition(map, AT + 528).wait(await new Mutex(map, AT + 536).lock()),
    ];
    const rejected = waits.map((wait) => assert.rejects(wait, truncated));
    truncateSync(path, KEPT);
    await Promise.all(rejected);
    assert.throws(() => held.unlock(), truncated);
    map.refresh();
    assert.throws(() => mutex.lockSync(), { code: 'ERR_MMAP_CHANGED', message: /no longer has/ });
  },

  /** A process that waits natively, in the kernel. */
  'blocking waits': () => {
    const path = newFile(LENGTH, 0);
    const map = MmapMut.open(path);
    const other = `const { MmapMut } = require('memmap'); const sync = require('memmap/sync');
      const map = MmapMut.open(${JSON.stringify(path)});
      new sync.Mutex(map, ${AT}).lockSync();
      setTimeout(() => require('node:fs').truncateSync(${JSON.stringify(path)}, ${KEPT}), 200);
      setTimeout(() => {}, 1000);
      console.log('locked');`;
    const child = spawn(process.execPath, ['-e', other], { stdio: ['ignore', 'pipe', 'inherit'] });
    return new Promise<void>((done, fail) => {
      child.stdout.once('data', () => {
        try {
          assert.throws(() => new Mutex(map, AT).lockSync(), truncated);
        } catch (error) {
          fail(error);
        }
      });
      child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`exit code ${code}`))));
    });
  },

  /** A sparse file on a disk that is full. */
  'full disk': async (disk) => {
    for (const [name, prepare] of Object.entries(calls)) {
      const path = join(disk, 'sparse');
      const map = MmapMut.create(path, 16 << 20, { allocate: false, overwrite: true });
      const rest = join(disk, 'rest');
      assert.throws(() => writeFileSync(rest, Buffer.alloc(8 << 20)), { code: 'ENOSPC' });
      await assert.rejects(async () => prepare(map, 8 << 20)(), { code: 'ERR_MMAP_IO' }, name);
      map.close();
      rmSync(path);
      rmSync(rest);
    }
  },
};

play(scenarios);
