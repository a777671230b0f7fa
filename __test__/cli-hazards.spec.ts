/** The command-line tool where its output ends early, files are another user's, or memory is short. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { SharedMemory } from 'memmap/shm';
import { main, memmap, memmapWith, Output, RUN, TOOL, values } from './helpers/cli';
import { onLinux, onUnix } from './helpers/gates';
import { root, temporaryFolder } from './helpers/temporary';

/** Runs as another user, which only root can. */
const onRoot = process.platform === 'linux' && process.getuid?.() === 0 ? test : test.skip;

/** The user and group `nobody` of most systems; that there is one does not matter. */
const NOBODY = { uid: 65534, gid: 65534 };

/** Runs the tool with a reader that ends after the first bytes. */
async function endsQuietly(
  t: ExecutionContext,
  args: string[],
  env: Record<string, string> = {},
): Promise<void> {
  const child = spawn(process.execPath, [...TOOL, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  t.is(stderr, '');
  t.is(code, 0);
}

onUnix('a reader that ends early ends the tool quietly (needs EPIPE)', async (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, 'line\n'.repeat(1_000_000));
  await endsQuietly(t, ['find', 'line', path]);
});

onUnix('doctor leaves nothing behind when its reader ends early (needs EPIPE)', async (t) => {
  const folder = temporaryFolder(t);
  await endsQuietly(t, ['doctor'], { TMPDIR: folder });
  t.deepEqual(readdirSync(folder), []);
});

onLinux('output that cannot be written is an error of one line (needs /dev/full)', (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, 'line\n'.repeat(100_000));
  for (const args of [['--help'], ['find', 'line', path], ['stat', path], ['doctor']]) {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = memmapWith({ stdio: ['ignore', full, 'pipe'] }, ...args);
    closeSync(full);
    t.regex(
      stderr,
      /^memmap: cannot write to standard output: .*(?:ENOSPC|No space left).*\n$/,
      args[0],
    );
    t.is(status, 2, args[0]);
  }
});

test('a slow reader is waited for, and no more is held than one piece', async (t) => {
  const path = join(temporaryFolder(t), 'text');
  const text = 'line\n'.repeat(200_000);
  writeFileSync(path, `${text}${'line'.repeat(100_000)}`);
  for (const args of [
    ['find', 'line', path],
    ['find', '--json', '-n', 'line', path],
    ['lines', path, '1-900000'],
  ]) {
    let most = 0;
    let pieces = 0;
    const slow: Writable = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        pieces++;
        most = Math.max(most, slow.writableLength);
        setImmediate(done);
      },
    });
    t.is(await main(args, new Output(slow, new PassThrough())), 0);
    t.true(most <= 65_536, `${most}`);
    t.true(pieces > 10, `${pieces}`);
  }
});

onLinux('shm takes no memory for what it looks at (needs /dev/shm)', (t) => {
  const name = SharedMemory.generateName();
  const path = join('/dev/shm', name);
  writeFileSync(path, '');
  t.teardown(() => SharedMemory.unlink(name));
  truncateSync(path, 2 ** 26);
  const { status, stdout } = memmap('shm', '--json');
  t.is(status, 0);
  const [found] = (values(stdout) as { name: string; locks: unknown }[]).filter(
    (shared) => shared.name === name,
  );
  t.deepEqual(found?.locks, []);
  t.is(statSync(path).blocks, 0);
});

onLinux('shm finds the locks at the borders of what it reads at once (needs /proc)', (t) => {
  const name = SharedMemory.generateName();
  const length = 9 * 2 ** 20;
  using map = SharedMemory.create(name, length);
  t.teardown(() => SharedMemory.unlink(name));
  const places = [0, 2 ** 22 - 12, 2 ** 22 - 4, 2 ** 22 + 4, 2 ** 23 - 4, length - 8];
  const { Mutex }: typeof import('../lib/sync') = require(join(root, 'dist', 'sync.js'));
  const guards = places.map((place) => new Mutex(map as never, place).lockSync());
  const [found] = (
    values(memmap('shm', '--json').stdout) as { name: string; locks: { offset: number }[] }[]
  ).filter((shared) => shared.name === name);
  // Signatures that stand where readers of an RwLock would be listed, too, are these.
  t.deepEqual(
    found?.locks.map(({ offset }) => offset).sort((a, b) => a - b),
    places,
  );
  for (const guard of guards) guard.unlock();
});

/** A file of root that everybody may read, in a folder that everybody may enter. */
function readableFile(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  const path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(100_000, 'line\n'), { mode: 0o644 });
  return path;
}

onRoot(
  "stat, warm and evict do what they can with another user's file (needs Linux and root)",
  (t) => {
    const path = readableFile(t);
    const stat = memmapWith(NOBODY, 'stat', path);
    t.is(stat.status, 0, stat.stderr);
    t.regex(stat.stdout, /size +100,000 bytes/);
    t.regex(stat.stdout, /in memory +only the file's owner may see that/);
    for (const command of ['stat', 'evict', 'warm']) {
      const { status, stdout, stderr } = memmapWith(NOBODY, command, '--json', path);
      t.is(status, 0, stderr);
      const [report] = values(stdout) as Record<string, number | null>[];
      t.is(report?.size, 100_000);
      t.is(report?.residentPages, null);
      t.true((report?.pages ?? 0) > 0);
    }
    const [report] = values(memmap('stat', '--json', path).stdout) as Record<string, number>[];
    t.is(report?.residentPages, report?.pages, 'it was warmed');
  },
);

onRoot('shm says that another user may not look (needs Linux and root)', (t) => {
  const name = SharedMemory.generateName();
  using _map = SharedMemory.create(name, 4096);
  t.teardown(() => SharedMemory.unlink(name));
  const { stdout } = memmapWith(NOBODY, 'shm', '--json');
  const [found] = (values(stdout) as { name: string; locks: unknown }[]).filter(
    (shared) => shared.name === name,
  );
  t.is(found?.locks, null);
});

test('the help loads no command and no core, and stat little', (t) => {
  const folder = temporaryFolder(t);
  const program = join(folder, 'modules.cjs');
  writeFileSync(
    program,
    `const { main } = require(${JSON.stringify(join(root, 'dist', 'cli', 'main.js'))});
    const { Output } = require(${JSON.stringify(join(root, 'dist', 'cli', 'output.js'))});
    const { PassThrough } = require('node:stream');
    const out = new PassThrough().resume();
    main(process.argv.slice(2), new Output(out, process.stderr)).then((code) => {
      console.log(JSON.stringify([code, Object.keys(require.cache)]));
    });`,
  );
  const loaded = (...args: string[]): string[] => {
    const { stdout, stderr } = spawnSync(process.execPath, [...RUN, program, ...args], {
      encoding: 'utf8',
    });
    const [code, modules] = JSON.parse(stdout || 'null') as [number, string[]];
    t.is(code, 0, stderr);
    return modules;
  };
  const core = (module: string) => module.endsWith('.node');
  for (const help of [loaded('--help'), loaded('stat', '--help'), loaded('--version')]) {
    t.true(help.length > 2);
    t.false(help.some(core));
    t.true(help.length <= 5, help.join('\n'));
  }
  const stat = loaded('stat', program);
  t.true(stat.some(core));
  t.true(stat.length <= 15, stat.join('\n'));
});
