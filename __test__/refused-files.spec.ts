/** Files that cannot be mapped, and files that this process may not map. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { isWindows, onLinux, onUnix } from './helpers/gates';
import { node } from './helpers/processes';
import { root, temporaryFile, temporaryFolder } from './helpers/temporary';

const CLASSES = [Mmap, MmapMut, MmapCow];

test('a directory is EISDIR, by its path and by a descriptor', (t) => {
  const folder = temporaryFolder(t);
  for (const { open } of CLASSES)
    t.throws(() => open(folder), { name: 'MmapError', code: 'EISDIR' });
  const fd = openSync(folder, 'r');
  for (const { open } of CLASSES) t.throws(() => open(fd), { code: 'EISDIR' });
  closeSync(fd);
});

onUnix('a FIFO is refused at once, though its other end is closed (Unix only)', (t) => {
  const path = join(temporaryFolder(t), 'fifo');
  execFileSync('mkfifo', [path]);
  // In a child with a time limit: a blocked open would block the test's own time limit, too.
  for (const { name } of CLASSES) {
    const script = `
      try { require('memmap').${name}.open(${JSON.stringify(path)}); }
      catch ({ code, message }) { console.log(code, message.includes('a FIFO or a pipe')); }`;
    const child = node(['-e', script]);
    t.is(child.signal, null);
    t.is(child.stdout, 'ERR_MMAP_UNSUPPORTED true\n');
  }
});

onUnix('a socket is refused, by its path and by a descriptor (Unix only)', async (t) => {
  const path = join(temporaryFolder(t), 'socket');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  t.throws(() => Mmap.open(path), { name: 'MmapError', code: 'ENXIO', message: /open/ });
  const fd: unknown = Reflect.get(Reflect.get(server, '_handle'), 'fd');
  if (typeof fd !== 'number') return t.fail('the server has no descriptor');
  t.throws(() => Mmap.open(fd), { code: 'ERR_MMAP_UNSUPPORTED', message: /a socket/ });
});

onUnix('a character device is refused (Unix only)', (t) => {
  for (const { open } of CLASSES) {
    for (const path of ['/dev/null', '/dev/zero']) {
      t.throws(() => open(path), { code: 'ERR_MMAP_UNSUPPORTED', message: /a character device/ });
    }
  }
});

onLinux('files that the kernel makes up are refused (Linux only)', (t) => {
  for (const path of [
    '/proc/self/status',
    '/proc/meminfo',
    '/sys/kernel/mm/transparent_hugepage/enabled',
    '/sys/kernel/fscaps',
  ]) {
    if (!existsSync(path)) continue;
    for (const { open } of [Mmap, MmapCow]) {
      const error = t.throws(() => open(path), { name: 'MmapError', code: 'ERR_MMAP_UNSUPPORTED' });
      t.regex(error.message, /only regular files, .* can be mapped; this is a file /);
      t.is(Reflect.get(error, 'path'), path);
    }
  }
});

test('a descriptor must be open for what the map does', (t) => {
  const path = temporaryFile(t, 'content');
  const readOnly = openSync(path, 'r');
  const writeOnly = openSync(path, constants.O_WRONLY);
  const refusal = { name: 'MmapError', code: isWindows ? 'EPERM' : 'EACCES', message: /mmap/ };
  t.throws(() => MmapMut.open(readOnly), refusal);
  for (const { open } of CLASSES) t.throws(() => open(writeOnly), refusal);
  using map = Mmap.open(readOnly);
  using copy = MmapCow.open(readOnly);
  copy.write('changed');
  t.is(map.buffer.toString(), 'content');
  closeSync(readOnly);
  closeSync(writeOnly);
});

onUnix('missing permissions are EACCES (Unix only: permission bits)', (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  const paths = { readable: join(folder, 'readable'), secret: join(folder, 'secret') };
  for (const path of Object.values(paths)) writeFileSync(path, 'content');
  chmodSync(paths.readable, 0o444);
  chmodSync(paths.secret, 0o000);
  mkdirSync(join(folder, 'closed'), { mode: 0o555 });
  // Permissions do not hold for root, so the child becomes another user once memmap is loaded.
  const script = `
    const { Mmap, MmapMut, MmapCow } = require('memmap');
    if (process.getuid() === 0) process.seteuid(65534);
    const [readable, secret, created] = process.argv.slice(1);
    const code = (call) => { try { call().close(); return 'opened'; } catch (error) {
      return error.name + ' ' + error.code + ' ' + error.syscall; } };
    console.log(JSON.stringify([
      code(() => Mmap.open(readable)), code(() => MmapCow.open(readable)),
      code(() => MmapMut.open(readable)),
      code(() => Mmap.open(secret)), code(() => MmapMut.open(secret)), code(() => MmapCow.open(secret)),
      code(() => MmapMut.create(created, 1)), code(() => MmapMut.create(created, 1, { overwrite: true })),
    ]));`;
  const child = spawnSync(
    process.execPath,
    ['-e', script, paths.readable, paths.secret, join(folder, 'closed', 'new')],
    // As the other user it could not write what a run for coverage collects.
    { cwd: root, env: { ...process.env, NODE_V8_COVERAGE: '' } },
  );
  t.is(child.stderr.toString(), '');
  const refused = 'MmapError EACCES open';
  t.deepEqual(JSON.parse(child.stdout.toString()), ['opened', 'opened', ...Array(6).fill(refused)]);
});

// Whether a loop device can be had is found out by taking one.
const probe = spawnSync('losetup', ['--find', '--show', __filename]);
if (probe.status === 0) execFileSync('losetup', ['--detach', probe.stdout.toString().trim()]);
const device = probe.status === 0 ? test : test.skip;

device('a block device is mapped at its whole size (needs root and loop devices on Linux)', (t) => {
  const content = Buffer.alloc(2 ** 20, 'block');
  const backing = temporaryFile(t, content);
  const path = execFileSync('losetup', ['--find', '--show', backing]).toString().trim();
  try {
    using map = Mmap.open(path);
    t.is(map.length, 2 ** 20);
    t.true(map.buffer.equals(content));
    using part = MmapMut.open(path, { offset: 4097, length: 10 });
    part.write('0123456789');
    part.flushSync();
    t.is(map.subarray(4097, 4107).toString(), '0123456789');
    t.throws(() => Mmap.open(path, { length: 2 ** 20 + 1 }), { instanceOf: RangeError });
    const fd = openSync(path, 'r');
    using borrowed = Mmap.open(fd, { offset: 5 });
    t.is(borrowed.length, 2 ** 20 - 5);
    closeSync(fd);
    t.throws(() => part.resize(20), { instanceOf: RangeError });
    using whole = MmapMut.open(path);
    t.throws(() => whole.resize(2 ** 21), { name: 'MmapError' });
    t.is(whole.length, 2 ** 20);
  } finally {
    spawnSync('losetup', ['--detach', path]);
  }
});
