import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { MmapError, MmapMut } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import { onLinux } from './helpers/gates';
import { ended, line } from './helpers/processes';
import { isSharedLength } from './helpers/shared-memory';
import { root } from './helpers/temporary';

let made = 0;

/** A name of this test alone, unlinked after it. */
function uniqueName(t: ExecutionContext): string {
  const name = `memmap-${process.pid}-${made++}`;
  t.teardown(() => {
    if (SharedMemory.exists(name)) SharedMemory.unlink(name);
  });
  return name;
}

/** Whether an object goes with its last map, and cannot lose its name before. */
const isWindows = process.platform === 'win32';

test('what one map writes the other sees, and closing deletes nothing', (t) => {
  const name = uniqueName(t);
  const first = SharedMemory.create(name, 5000);
  t.true(first instanceof MmapMut);
  t.is(first.name, name);
  t.is(first.length, 5000);
  using second = SharedMemory.open(name);
  t.true(isSharedLength(second.length, 5000));
  first.write('hello', 100);
  t.is(second.subarray(100, 105).toString(), 'hello');
  first.close();
  second.close();
  t.true(SharedMemory.exists(name));
  using third = SharedMemory.open(name);
  t.is(third.subarray(100, 105).toString(), 'hello');
});

test('an existing name is EEXIST, a missing one ENOENT', (t) => {
  const name = uniqueName(t);
  const missing = uniqueName(t);
  SharedMemory.create(name, 1).close();
  t.throws(() => SharedMemory.create(name, 1), { code: 'EEXIST' });
  t.throws(() => SharedMemory.open(missing), { code: 'ENOENT' });
  t.throws(() => SharedMemory.unlink(missing), { code: 'ENOENT' });
  t.false(SharedMemory.exists(missing));
});

if (isWindows) {
  test('maps go on after the name is unlinked, which the last of them frees (Windows)', (t) => {
    const name = uniqueName(t);
    using first = SharedMemory.create(name, 10);
    using second = SharedMemory.open(name);
    first.write('old');
    SharedMemory.unlink(name);
    first.close();
    t.true(SharedMemory.exists(name));
    t.throws(() => SharedMemory.create(name, 10), { code: 'EEXIST' });
    t.is(second.subarray(0, 3).toString(), 'old');
    t.false(second.replaced);
    const bytes = second.buffer;
    second.close();
    t.is(bytes.length, 0);
    t.false(SharedMemory.exists(name));
    using after = SharedMemory.create(name, 10);
    t.is(after.buffer[0], 0);
  });

  test('an object goes with its processes, also where one is killed (Windows)', async (t) => {
    const name = uniqueName(t);
    const script = `
      const { SharedMemory } = require('memmap/shm');
      SharedMemory.create(process.argv.at(-1), 8).close();
      setInterval(() => {}, 1000);
      console.log('ready');
    `;
    const child = spawn(process.execPath, ['-e', script, name], { cwd: root });
    t.is(await line(child), 'ready');
    t.true(SharedMemory.exists(name));
    child.kill();
    await ended(child);
    t.false(SharedMemory.exists(name));
  });

  test('an object keeps its length, has at least a byte, and no path (Windows)', (t) => {
    const name = uniqueName(t);
    const unsupported = { instanceOf: MmapError, code: 'ERR_MMAP_UNSUPPORTED' };
    t.throws(() => SharedMemory.create(name, 0), { code: 'ERR_OUT_OF_RANGE' });
    using map = SharedMemory.create(name, 5000);
    t.is(map.fileSize, 8192);
    t.true(map.refresh());
    t.is(map.length, 8192);
    map.write('x', 8191);
    for (const length of [0, 4096, 16384]) t.throws(() => map.resize(length), unsupported);
    t.is(map.buffer[8191], 120);
    t.throws(() => map.descriptor(), unsupported);
  });
} else {
  test('maps go on after the name is unlinked, which is free again (POSIX)', (t) => {
    const name = uniqueName(t);
    using before = SharedMemory.create(name, 10);
    before.write('old');
    SharedMemory.unlink(name);
    t.false(SharedMemory.exists(name));
    using after = SharedMemory.create(name, 10);
    t.is(after.buffer[0], 0);
    t.is(before.subarray(0, 3).toString(), 'old');
  });
}

test('names are checked', (t) => {
  const forbidden = ['', 'a/b', '/a', '.', '..', 'a\0b', 'x'.repeat(256)];
  if (isWindows) forbidden.push('a\\b', 'Global\\a');
  for (const name of forbidden) {
    const expected = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' };
    t.throws(() => SharedMemory.create(name, 1), expected, name);
    t.throws(() => SharedMemory.open(name), expected, name);
    t.throws(() => SharedMemory.unlink(name), expected, name);
    t.throws(() => SharedMemory.exists(name), expected, name);
  }
  const wrong = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };
  t.throws(() => Reflect.apply(SharedMemory.open, SharedMemory, [7]), wrong);
  t.throws(
    () => Reflect.apply(SharedMemory.create, SharedMemory, ['a', 1, { unlinkOnExit: 1 }]),
    wrong,
  );
  t.throws(() => SharedMemory.create('a', 1, { mode: 0o1000 }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => SharedMemory.create('a', -1), { code: 'ERR_OUT_OF_RANGE' });
});

if (process.platform === 'linux') {
  test('more than /dev/shm holds is ENOSPC, and nothing is left behind (Linux)', (t) => {
    const name = uniqueName(t);
    t.throws(() => SharedMemory.create(name, 2 ** 40), { code: 'ENOSPC' });
    t.false(SharedMemory.exists(name));
    t.throws(() => MmapMut.create(`/dev/shm/${name}`, 2 ** 40), { code: 'ENOSPC' });
    t.false(existsSync(`/dev/shm/${name}`));
  });

  test('the object is a file in /dev/shm with the mode asked for, and is listed (Linux)', (t) => {
    const name = uniqueName(t);
    using shared = SharedMemory.create(name, 8192, { mode: 0o640 });
    const facts = statSync(`/dev/shm/${name}`);
    t.is(facts.mode & 0o777, 0o640 & ~process.umask());
    t.is(facts.size, shared.length);
    t.is(facts.blocks * 512, 8192, 'every block is reserved');
    t.true(SharedMemory.list().includes(name));
  });
}

test('unlinkOnExit unlinks when the creator ends, and not before', (t) => {
  const name = uniqueName(t);
  const run = (code: string) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['-e', `const { SharedMemory } = require('memmap/shm'); const name = '${name}'; ${code}`],
      { encoding: 'utf8' },
    );
    t.is(status, 0, stderr);
    return stdout.trim();
  };
  t.is(
    run(`SharedMemory.create(name, 1, { unlinkOnExit: true }).close();
      console.log(SharedMemory.exists(name));`),
    'true',
  );
  t.false(SharedMemory.exists(name));
  if (isWindows) {
    run('SharedMemory.create(name, 1);');
    t.false(SharedMemory.exists(name), 'without it the object goes with the process');
    return;
  }
  run('SharedMemory.create(name, 1);');
  t.true(SharedMemory.exists(name), 'without it the object stays');
  run('SharedMemory.open(name);');
  t.true(SharedMemory.exists(name), 'the exit of a bystander deletes nothing');
});

onLinux('resizing one map leaves the others at their length until they refresh (Linux)', (t) => {
  const name = uniqueName(t);
  using first = SharedMemory.create(name, 4096);
  using second = SharedMemory.open(name);
  first.resize(8192);
  t.is(second.length, 4096);
  t.true(second.refresh());
  first.write('x', 8191);
  t.is(second.buffer[8191], 120);
});

if (process.platform === 'darwin') {
  test('an object keeps its length (macOS)', (t) => {
    using map = SharedMemory.create(uniqueName(t), 5000);
    map.write('x', 4999);
    for (const length of [0, 4096, 32_768]) {
      t.throws(() => map.resize(length), { instanceOf: MmapError, code: 'ERR_MMAP_UNSUPPORTED' });
    }
    t.is(map.buffer[4999], 120);
  });
}

test('the ways to make a map without a name are refused', (t) => {
  const unsupported = { instanceOf: MmapError, code: 'ERR_MMAP_UNSUPPORTED' };
  t.throws(() => SharedMemory.anonymous(), unsupported);
  t.throws(() => SharedMemory.from(), unsupported);
});

test('a class derived from SharedMemory makes instances of itself', (t) => {
  class Queue extends SharedMemory {}
  const name = uniqueName(t);
  using created = Queue.create(name, 8);
  using opened = Queue.open(name);
  t.true(created instanceof Queue && opened instanceof Queue);
});

test('generated names differ, and openOrCreate creates what is missing alone', (t) => {
  const name = SharedMemory.generateName();
  t.not(name, SharedMemory.generateName());
  t.teardown(() => SharedMemory.unlink(name));
  using created = SharedMemory.openOrCreate(name, 100);
  created.write('first');
  using opened = SharedMemory.openOrCreate(name, 5000);
  t.true(isSharedLength(opened.length, 100));
  t.is(opened.buffer.toString('latin1', 0, 5), 'first');
});

test('of many processes that open or create one object, all see one of the full length', async (t) => {
  const name = uniqueName(t);
  // Each stays until all have come: on Windows the object goes with the last.
  const script = `
    const { SharedMemory } = require('memmap/shm');
    const memory = SharedMemory.openOrCreate(process.argv.at(-1), 4096);
    if (memory.length < 4096) throw new Error('length ' + memory.length);
    const count = memory.atomic(0);
    count.add(1);
    const look = () => {
      if (count.load() < 8) setTimeout(look, 10);
    };
    look();
  `;
  const runs = Array.from({ length: 8 }, () =>
    ended(spawn(process.execPath, ['-e', script, name], { cwd: root, timeout: 60_000 })),
  );
  for (const { status, stderr } of await Promise.all(runs)) t.is(status, 0, stderr);
});

test('names that are not well-formed are refused: they would collide', (t) => {
  for (const name of ['\ud800', 'a\udfff']) {
    t.throws(() => SharedMemory.create(name, 8), { code: 'ERR_INVALID_ARG_VALUE' });
  }
});

onLinux('unlinkOnExit leaves an object that has the name by then (Linux)', (t) => {
  const name = uniqueName(t);
  const script = `
    const { SharedMemory } = require('memmap/shm');
    const name = process.argv.at(-1);
    SharedMemory.create(name, 8, { unlinkOnExit: true });
    require('node:child_process').execFileSync(process.execPath, ['-e', \`
      const { SharedMemory } = require('memmap/shm');
      SharedMemory.unlink(process.argv.at(-1));
      SharedMemory.create(process.argv.at(-1), 16);
    \`, name]);
  `;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, name], {
    cwd: root,
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
  using other = SharedMemory.open(name);
  t.is(other.length, 16);
});

if (!isWindows) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`unlinkOnExit unlinks where ${signal} ends the process, and only there (POSIX)`, async (t) => {
      const name = uniqueName(t);
      const script = (listens: boolean) => `
        const { SharedMemory } = require('memmap/shm');
        SharedMemory.create(process.argv.at(-1), 8, { unlinkOnExit: true });
        if (${listens}) process.on('${signal}', () => {
          console.log(SharedMemory.exists(process.argv.at(-1)));
          process.exit(7);
        });
        setInterval(() => {}, 1000);
        console.log('ready');
      `;
      for (const listens of [false, true]) {
        const child = spawn(process.execPath, ['-e', script(listens), name], { cwd: root });
        t.is(await line(child), 'ready');
        child.kill(signal);
        const { status, signal: by, stdout } = await ended(child);
        t.deepEqual([status, by, stdout], listens ? [7, null, 'true'] : [null, signal, '']);
        t.false(SharedMemory.exists(name));
      }
    });
  }
}
