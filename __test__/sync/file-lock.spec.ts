import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, promises } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileLock } from 'memmap/sync';
import { isWindows } from '../helpers/gates';
import { descriptorsOf } from '../helpers/kernel';
import { ended, line, sharedFile, start } from '../helpers/processes';
import { temporaryFolder } from '../helpers/temporary';

test('a file lock has one owner, or many share it', async (t) => {
  const { path } = sharedFile(t);
  const lock = FileLock.acquireSync(path);
  t.is(FileLock.tryAcquire(path), null);
  t.is(FileLock.tryAcquire(path, { shared: true }), null);
  await t.throwsAsync(FileLock.acquire(path, { timeout: 20 }), { code: 'ERR_MMAP_TIMEOUT' });
  const controller = new AbortController();
  const aborted = FileLock.acquire(path, { signal: controller.signal });
  controller.abort();
  await t.throwsAsync(aborted, { name: 'AbortError' });
  const waiting = FileLock.acquire(path, { shared: true });
  lock.release();
  t.throws(() => lock.release(), { code: 'ERR_MMAP_NOT_OWNER' });
  lock[Symbol.dispose]();
  using shared = await waiting;
  t.true(shared.held);
  using _second = FileLock.tryAcquire(path, { shared: true });
  t.not(_second, null);
  t.is(FileLock.tryAcquire(path), null);
});

test('arguments are checked', async (t) => {
  const { path } = sharedFile(t);
  const acquire =
    (...values: unknown[]) =>
    () =>
      Reflect.apply(FileLock.acquireSync, FileLock, values);
  t.throws(acquire({}), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(acquire(path, { shared: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(acquire(path, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(acquire(path, { range: {} }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(acquire(path, { range: { start: 0, length: 0 } }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(acquire(`${path}/missing`), { code: isWindows ? 'ENOENT' : 'ENOTDIR' });
});

test('closing another descriptor of the file keeps the lock, the death of its owner releases it', async (t) => {
  const { path } = sharedFile(t);
  const child = start(
    path,
    `const fs = require('node:fs');
    sync.FileLock.acquireSync(${JSON.stringify(path)});
    fs.closeSync(fs.openSync(${JSON.stringify(path)}, 'r')); map.close();
    require('node:v8').setFlagsFromString('--expose-gc');
    require('node:vm').runInNewContext('gc')();
    await turns(3);
    console.log('locked'); setInterval(() => {}, 1000);`,
  );
  t.is(await line(child), 'locked');
  t.is(FileLock.tryAcquire(path), null);
  const waiting = FileLock.acquire(path);
  child.kill('SIGKILL');
  (await waiting).release();
});

test('a descriptor and a FileHandle lock by their open file', async (t) => {
  const { path } = sharedFile(t);
  const descriptor = openSync(path, 'r+');
  const handle = await promises.open(path, 'r+');
  const lock = FileLock.acquireSync(descriptor);
  t.is(FileLock.tryAcquire(handle), null);
  lock.release();
  (await FileLock.acquire(handle)).release();
  closeSync(descriptor);
  await handle.close();
  t.throws(() => FileLock.acquireSync(handle), { code: 'EBADF' });
});

if (process.platform === 'linux') {
  test('a cancelled acquisition leaves no descriptor open (Linux)', async (t) => {
    const { path } = sharedFile(t);
    using _lock = FileLock.acquireSync(path);
    const open = () => descriptorsOf(path);
    const before = open();
    t.is(FileLock.tryAcquire(path), null);
    t.throws(() => FileLock.acquireSync(path, { timeout: 0 }), { code: 'ERR_MMAP_DEADLOCK' });
    await t.throwsAsync(FileLock.acquire(path, { timeout: 2 }));
    t.is(open(), before);
  });

  test('a shared lock needs no right to write: a program that runs is locked (Linux)', async (t) => {
    // Not even root opens it for writing: ETXTBSY.
    const program = join(temporaryFolder(t), 'sleep');
    // Another process writes it: a child that starts at that moment would keep our descriptor for a
    // while, and a file that is open for writing cannot be run.
    t.is(spawnSync('cp', ['/bin/sleep', program]).status, 0);
    const child = spawn(program, ['100'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      using lock = FileLock.tryAcquire(program, { shared: true });
      t.true(lock?.held);
      (await FileLock.acquire(program, { shared: true, range: { start: 0, length: 1 } })).release();
      t.throws(() => FileLock.tryAcquire(program), { code: 'ETXTBSY' });
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  test('a release that the system refuses closes the file all the same (Linux)', async (t) => {
    const { path } = sharedFile(t);
    const child = start(
      path,
      `const fs = require('node:fs');
      map.close();
      const lock = sync.FileLock.acquireSync(${JSON.stringify(path)});
      const [fd] = fs.readdirSync('/proc/self/fd').filter((fd) => {
        try { return fs.readlinkSync('/proc/self/fd/' + fd) === ${JSON.stringify(path)}; } catch {}
      });
      fs.closeSync(Number(fd));
      // A descriptor that flock refuses: O_PATH.
      const other = fs.openSync('/', 0o10000000);
      if (other !== Number(fd)) throw new Error('another descriptor: ' + other);
      let code;
      try { lock.release(); } catch (error) { code = error.code; }
      console.log(code, lock.held, fs.existsSync('/proc/self/fd/' + fd));`,
    );
    const { stdout, stderr } = await ended(child);
    t.is(stdout, 'EBADF false false', stderr);
  });

  test('ranges are locked by themselves (Linux)', async (t) => {
    const { path } = sharedFile(t);
    const child = start(
      path,
      `sync.FileLock.acquireSync(${JSON.stringify(path)},
      { range: { start: 100, length: 100 } }); console.log('locked');
      process.stdin.once('data', () => process.exit());`,
    );
    t.is(await line(child), 'locked');
    using before = FileLock.tryAcquire(path, { range: { start: 0, length: 100 } });
    t.true(before?.held);
    t.is(FileLock.tryAcquire(path, { range: { start: 199 } }), null);
    using after = FileLock.tryAcquire(path, { range: { start: 200n } });
    t.true(after?.held);
    child.stdin?.write('x');
    await ended(child);
    FileLock.acquireSync(path, { range: { start: 100, length: 100 }, timeout: 60_000 }).release();
  });
} else {
  test('ranges are refused where the system has no such locks', (t) => {
    const { path } = sharedFile(t);
    t.throws(() => FileLock.acquireSync(path, { range: { start: 0 } }), {
      code: 'ERR_MMAP_UNSUPPORTED',
    });
  });
}
