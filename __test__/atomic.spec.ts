import { spawn } from 'node:child_process';
import { promises } from 'node:fs';
import test from 'ava';
import { isWindows, needs } from './helpers/gates';
import { ended, sharedFile, start } from './helpers/processes';
import { root } from './helpers/temporary';

test('the operations are those of Atomics, on all four types', (t) => {
  const { map } = sharedFile(t);
  const signed = map.atomic(0);
  t.is(signed.store(-5), -5);
  t.is(signed.add(7), -5);
  t.is(signed.load(), 2);
  t.is(signed.sub(1), 2);
  t.is(signed.or(6), 1);
  t.is(signed.and(5), 7);
  t.is(signed.xor(1), 5);
  t.is(signed.exchange(2 ** 31 - 1), 4);
  t.is(signed.add(1), 2 ** 31 - 1);
  t.is(signed.load(), -(2 ** 31), 'it wraps around');
  t.is(signed.compareExchange(0, 1), -(2 ** 31));
  t.is(signed.compareExchange(-(2 ** 31), 1), -(2 ** 31));
  t.is(map.buffer.readInt32LE(0), 1);
  const unsigned = map.atomic(4, Uint32Array);
  unsigned.store(2 ** 32 - 1);
  t.is(unsigned.load(), 2 ** 32 - 1);
  const big = map.atomic(8, BigInt64Array);
  big.store(-1n);
  t.is(big.add(2n), -1n);
  t.is(big.load(), 1n);
  const bigUnsigned = map.atomic(16, BigUint64Array);
  bigUnsigned.store(2n ** 64n - 1n);
  t.is(map.buffer.readBigUInt64LE(16), 2n ** 64n - 1n);
});

test('misplaced words, wrong types and values are refused', (t) => {
  const { map } = sharedFile(t, 16);
  for (const offset of [1, 2, 13, 16, -4, Number.NaN, 2 ** 53]) {
    t.throws(() => map.atomic(offset), { code: 'ERR_OUT_OF_RANGE' }, String(offset));
  }
  t.throws(() => map.atomic(4, BigInt64Array), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => Reflect.apply(map.atomic, map, [0, Int8Array]), { code: 'ERR_INVALID_ARG_TYPE' });
  const word = map.atomic(0);
  const wrong = (method: (...values: never[]) => unknown, ...values: unknown[]) =>
    Reflect.apply(method, word, values);
  t.throws(() => wrong(word.store, 1n), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => wrong(word.store, '1'), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => word.store(2 ** 31), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => word.store(1.5), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => word.wait(0, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => map.atomic(8, BigInt64Array).store(2n ** 63n), { code: 'ERR_OUT_OF_RANGE' });
  map.close();
  t.throws(() => word.load(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => word.notify(), { code: 'ERR_MMAP_CLOSED' });
  t.throws(() => map.atomic(0), { code: 'ERR_MMAP_CLOSED' });
});

test('wait answers as Atomics.wait does', async (t) => {
  const { map } = sharedFile(t);
  const word = map.atomic(0);
  const wide = map.atomic(8, BigInt64Array);
  t.is(word.wait(1), 'not-equal');
  t.is(wide.wait(2n ** 40n), 'not-equal');
  const start = performance.now();
  t.is(word.wait(0, { timeout: 30 }), 'timed-out');
  t.true(performance.now() - start >= 29);
  t.is(wide.wait(0n, { timeout: 1 }), 'timed-out');
  t.is(await word.waitAsync(1), 'not-equal');
  t.is(await word.waitAsync(0, { timeout: 5 }), 'timed-out');
});

/** Code that waits until somebody sleeps for a word. Windows does not know: there all look. */
const untilAsleep = (word: string) =>
  isWindows ? '' : `await until(() => ${word}.notify() > 0, 'somebody waits');`;

test('a blocking wait is woken by another process', async (t) => {
  const { path, map } = sharedFile(t);
  const child = start(
    path,
    `${untilAsleep('map.atomic(4)')}
    map.atomic(4).store(7);
    map.atomic(4).notify();`,
  );
  const word = map.atomic(4);
  t.is(word.wait(0, { timeout: 60_000 }), 'ok');
  while (word.load() === 0) t.not(word.wait(0, { timeout: 60_000 }), 'timed-out');
  t.is(word.load(), 7);
  t.is((await ended(child)).status, 0);
});

test('a promise is woken by another process, which waits itself', async (t) => {
  const { path, map } = sharedFile(t);
  const child = start(
    path,
    `for (let round = 0; round < 200; round++) {
      await map.atomic(0).waitAsync(round);
      map.atomic(4, Uint32Array).store(round + 1);
      map.atomic(4).notify(1);
    }`,
  );
  for (let round = 0; round < 200; round++) {
    map.atomic(0).store(round + 1);
    map.atomic(0).notify();
    while (map.atomic(4).load() !== round + 1) {
      t.not(await map.atomic(4).waitAsync(round, { timeout: 60_000 }), 'timed-out');
    }
  }
  t.is((await ended(child)).status, 0);
});

test('a change of the upper half of a 64-bit word ends a wait', async (t) => {
  const { map } = sharedFile(t);
  const word = map.atomic(8, BigInt64Array);
  const waited = word.waitAsync(0n);
  word.store(2n ** 40n);
  word.notify();
  t.is(await waited, 'ok');
});

test('a change without a notification is seen soon', async (t) => {
  const { map } = sharedFile(t);
  const word = map.atomic(0);
  const waited = word.waitAsync(0);
  await promises.stat('.');
  word.store(1);
  t.is(await waited, 'ok');
});

test('with 1,000 pending waits files are still read, and all of them are woken', async (t) => {
  const { map } = sharedFile(t, 4096);
  const words = Array.from({ length: 1000 }, (_, index) => map.atomic(4 * index));
  const waits = words.map((word) => word.waitAsync(0));
  await promises.stat('.');
  for (const word of words) {
    word.store(1);
    word.notify();
  }
  t.deepEqual([...new Set(await Promise.all(waits))], ['ok']);
});

test('aborting and closing end a wait with their errors', async (t) => {
  const { map } = sharedFile(t);
  const controller = new AbortController();
  const aborted = map.atomic(0).waitAsync(0, { signal: controller.signal });
  controller.abort(new Error('enough'));
  const error = await t.throwsAsync(aborted, { name: 'AbortError', code: 'ABORT_ERR' });
  t.like(error, { cause: { message: 'enough' } });
  const already = AbortSignal.abort();
  await t.throwsAsync(map.atomic(0).waitAsync(0, { signal: already }), { name: 'AbortError' });
  const resized = map.atomic(0).waitAsync(0);
  map.resize(2048);
  await t.throwsAsync(resized, { code: 'ERR_MMAP_CHANGED' });
  const closed = map.atomic(0).waitAsync(0);
  map.close();
  await t.throwsAsync(closed, { code: 'ERR_MMAP_CLOSED' });
});

/** Runs a script to its end and returns what it printed. */
async function run(script: string, ...prefix: string[]) {
  const [program = process.execPath, ...rest] = [...prefix, process.execPath];
  const code = `const { MmapMut } = require('memmap');
    const { native } = require('./dist/base/native');
    const { turns, until } = require('./build/__test__/helpers/until'); const map = MmapMut.anonymous(2 ** 20); ${script}`;
  const child = spawn(program, [...rest, '-e', code], { cwd: root, timeout: 60_000 });
  return ended(child);
}

test('a pending wait keeps the process alive, a settled one does not', async (t) => {
  const ended = await run(`map.atomic(0).waitAsync(0, { timeout: 300 }).then(console.log)`);
  t.is(ended.stdout, 'timed-out', ended.stderr);
  const woken = await run(`map.atomic(0).waitAsync(0).then(console.log);
    const { Worker } = require('node:worker_threads');
    new Worker('', { eval: true }).on('exit', async () => {
      ${untilAsleep('map.atomic(0)')}
      map.atomic(0).store(1);
    });`);
  t.is(woken.stdout, 'ok', woken.stderr);
  t.is(woken.status, 0);
});

test('at most 1 + words/127 threads wait; they end, and idle waits use no CPU', async (t) => {
  const { stdout, stderr } = await run(`
    const waits = [];
    const controllers = [];
    for (let i = 0; i < 1000; i++) {
      const controller = new AbortController();
      controllers.push(controller);
      waits.push(map.atomic(4 * i).waitAsync(0, { signal: controller.signal }).catch(() => 'aborted'));
    }
    (async () => {
      const threads = (count) => until(() => native.waiterThreads() === count, count + ' threads');
      console.log(native.waiterThreads() <= 1 + 1000 / 127);
      // CPU time is a share of time that passes: looked at in windows, until the start is over.
      const isIdle = async () => {
        const before = process.cpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1e6 < 0.05;
      };
      await until(isIdle, 'idle waits use less than 5 % of a core');
      for (const controller of controllers.slice(0, 990)) controller.abort();
      await threads(1);
      for (const controller of controllers) controller.abort();
      await Promise.all(waits);
      await threads(0);
      console.log('all ended');
    })();
  `);
  t.deepEqual(stdout.split('\n'), ['true', 'all ended'], stderr);
});

test('ending the process or a worker with pending waits is clean', async (t) => {
  const ended = await run(`
    const { Worker } = require('node:worker_threads');
    const code = \`
      const { MmapMut } = require('memmap');
      const map = MmapMut.anonymous(4096);
      for (let i = 0; i < 200; i++) map.atomic(4 * i).waitAsync(0);
      require('node:worker_threads').parentPort.postMessage('waiting');
      if (process.argv[2] === 'block') map.atomic(0).wait(0);
    \`;
    (async () => {
      for (let round = 0; round < 10; round++) {
        const worker = new Worker(code, { eval: true, argv: [round % 2 ? 'block' : 'wait'] });
        await new Promise((done) => worker.once('message', done));
        // At ten moments of the waits: the time that passes is what differs.
        await new Promise((done) => setTimeout(done, 10 * round));
        await worker.terminate();
      }
      await until(() => native.waiterThreads() === 0, 'the threads end');
      console.log(native.waiterThreads());
      for (let i = 0; i < 200; i++) map.atomic(4 * i).waitAsync(0);
      await until(() => native.waiterThreads() > 0, 'threads wait');
      process.exit(7);
    })();
  `);
  t.is(ended.stdout, '0', ended.stderr);
  t.is(ended.status, 7);
  t.is(ended.signal, null);
});

if (process.platform === 'linux' && process.arch === 'x64') {
  /** Makes futex_waitv(2) fail with the first argument, an errno, then runs the rest of the line. */
  const WITHOUT_WAITV = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
ld, jeq, ret = 0x20, 0x15, 0x06
code = b''.join(struct.pack('<HBBI', *step) for step in [
  (ld, 0, 0, 0), (jeq, 0, 1, 449), (ret, 0, 0, 0x00050000 | int(sys.argv[1])), (ret, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack('<HxxxxxxQ', 4, ctypes.addressof(buffer)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[2], sys.argv[2:])
`;

  const python = needs('python3');
  for (const [errno, why, isLasting] of [
    [38, 'where the kernel has no futex_waitv (ENOSYS)', true],
    [12, 'while the kernel has no memory for futex_waitv (ENOMEM)', false],
  ] as const) {
    python(`${why}, promises are served by looking (Linux x64, needs python3)`, async (t) => {
      const polled = await run(
        `const waits = [];
        for (let i = 0; i < 300; i++) waits.push(map.atomic(4 * i).waitAsync(0));
        until(() => native.waiterThreads() > 0, 'threads wait').then(() => {
          for (let i = 0; i < 300; i++) map.atomic(4 * i).store(1);
        });
        Promise.all(waits).then((all) => console.log([...new Set(all)].join(), native.waitsForMany()));`,
        'python3',
        '-c',
        WITHOUT_WAITV,
        String(errno),
      );
      t.is(polled.stdout, `ok ${!isLasting}`, polled.stderr);
    });
  }
}
