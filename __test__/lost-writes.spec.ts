/** A flush that the disk refuses is remembered: the kernel says so once, a map until refresh(). */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { needs } from './helpers/gates';
import { LENGTH } from './helpers/methods';
import { root, temporaryFolder } from './helpers/temporary';

const { EIO, ENOSPC, EINVAL } = constants.errno;

/** What is wrapped is the C library's msync, by the loader's LD_PRELOAD. */
const linux = process.platform === 'linux' ? needs('cc') : test.skip;

/** Runs the child whose first msync is answered by an error. */
function runChild(
  t: ExecutionContext,
  errno: number,
  method: string,
  environment: NodeJS.ProcessEnv = {},
) {
  const folder = temporaryFolder(t);
  const path = join(folder, 'file');
  const library = join(folder, 'msync.so');
  const source = join(root, '__test__', 'lost-writes', 'msync.c');
  writeFileSync(path, Buffer.alloc(LENGTH));
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  const child = spawnSync(
    process.execPath,
    [join(__dirname, 'lost-writes', 'child.js'), path, method],
    { env: { ...process.env, LD_PRELOAD: library, MSYNC_ERRNO: String(errno), ...environment } },
  );
  t.is(child.stderr.toString(), '');
  t.is(child.status, 0);
  return { path, seen: JSON.parse(child.stdout.toString()) };
}

linux(
  'a flush that fails after a refresh says nothing about the new memory (Linux with a C compiler only)',
  (t) => {
    const { seen } = runChild(t, EIO, 'flush, then refresh', {
      MSYNC_GATE: join(temporaryFolder(t), 'gate'),
    });
    t.is(seen.first, 'MmapError ERR_MMAP_CHANGED');
    t.is(seen.then, null);
  },
);

for (const method of ['flush', 'flushSync']) {
  for (const [code, errno] of Object.entries({ EIO, ENOSPC, EINVAL })) {
    linux(`${method} answered by ${code} (Linux with a C compiler only)`, (t) => {
      const { path, seen } = runChild(t, errno, method);
      const isLoss = code !== 'EINVAL';

      t.like(seen.error, {
        name: 'MmapError',
        code: isLoss ? 'ERR_MMAP_IO' : code,
        syscall: 'msync',
        errno: -errno,
        path,
      });
      if (isLoss) t.regex(seen.error.message, new RegExp(`bytes 0 to 10 .*${code}.*refresh`));

      t.true(Object.keys(seen.after.looking).length > 10);
      for (const [name, refusal] of Object.entries(seen.after.looking)) {
        t.is(refusal, isLoss ? 'MmapError ERR_MMAP_IO' : null, name);
      }
      for (const [name, refusal] of Object.entries(seen.after.others)) t.is(refusal, null, name);
      t.is(seen.held, LENGTH, 'the Buffers stay');
      t.is(seen.refreshed, isLoss, 'a refresh maps the file anew');
      t.is(seen.detached, isLoss ? 0 : LENGTH);
      t.is(seen.refreshedAgain, false);
      const { looking, others } = seen.afterRefresh;
      for (const refusal of Object.values({ ...looking, ...others })) t.is(refusal, null);
      t.is(seen.flushed, null);
      t.is(
        readFileSync(path, 'latin1').slice(0, 5),
        'lost?',
        'what was written can be written again',
      );
    });
  }
}
