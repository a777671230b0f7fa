import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SharedMemory } from 'memmap/shm';
import { memmap, memmapBytes, onTerminal, RUN, TOOL, values } from './helpers/cli';
import { isWindows, needs, onLinux, onUnix } from './helpers/gates';
import { native } from './helpers/native';
import { diskPath, root, temporaryFolder } from './helpers/temporary';
import { until } from './helpers/until';

/** A file of numbered lines, on a disk. */
function numbered(t: ExecutionContext, count: number): string {
  const path = diskPath(t, 'lines');
  writeFileSync(path, Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join(''));
  return path;
}

test('the help fits a screen, and errors have exit code 2', (t) => {
  const help = memmap('--help');
  t.is(help.status, 0);
  t.true(help.stdout.split('\n').length <= 25);
  for (const line of help.stdout.split('\n')) t.true(line.length <= 80, line);
  t.is(memmap().status, 2);
  for (const args of [
    ['nothing'],
    ['stat'],
    ['stat', '--nothing'],
    ['stat', join(temporaryFolder(t), 'missing')],
    ['find', '', __filename],
    ['find', '-e', '(', __filename],
    ['lines', __filename, '0'],
    ['lines', __filename, '9-3'],
    ['hex', __filename, '12'],
    ['hex', __filename, '@1e3'],
    ['hex', __filename, '@99999999'],
    ['hex', '--as', 'u33 x', __filename],
    ['shm', 'add'],
    ['shm', 'rm'],
    ['doctor', 'more'],
    ['find', '-e', '-x', __filename],
    ['find', 'a\nb', __filename],
    ['hex', '-n', '-3', __filename],
    ['hex', '-n'],
    ['hex', '--be=1', __filename],
    ['hex', '--as', 'u8 a, u8 a', __filename],
    ['hex', '--as', 'u8 offset', __filename],
    ['constructor'],
  ]) {
    const { status, stdout, stderr } = memmap(...args);
    t.is(status, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^memmap: \S.*\n$/, 'one line');
  }
});

test('messages of wrong calls say what to do', (t) => {
  const said = (...args: string[]) => memmap(...args).stderr;
  t.regex(said('shm', 'rm'), /name what to remove/);
  t.regex(said('hex', '-n', '-3', __filename), /'-3' is not a count/);
  t.regex(said('hex', '--as', 'foo x', __filename), /'foo x' is not a field/);
  t.regex(said('hex', '--as', 'u8 a, u8 a', __filename), /two fields have the name 'a'/);
  t.regex(said('find', '-e', '-x', __filename), /'-x'.* goes after '--'/);
});

test('what follows -- is no option', (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, 'a --help\nb -x\n');
  t.is(memmap('find', '--', '--help', path).stdout, 'a --help\n');
  t.is(memmap('find', '-e', '--', '-x$', path).stdout, 'b -x\n');
});

test('stat counts pages, holes and bytes', (t) => {
  const path = numbered(t, 20_000);
  const length = readFileSync(path).length;
  const [report] = values(memmap('stat', '--json', path).stdout) as Record<string, number | null>[];
  t.is(report?.size, length);
  t.is(report?.pages, Math.ceil(length / (report?.pageSize ?? 0)));
  t.is(report?.residentPages, isWindows ? null : report?.pages);
  const sparse = join(temporaryFolder(t), 'sparse');
  writeFileSync(sparse, '');
  truncateSync(sparse, 10 * 2 ** 30);
  const { status, stdout } = memmap('stat', sparse, path);
  t.is(status, 0);
  t.regex(stdout, /size +10,737,418,240 bytes \(10\.0 GiB\)\n/);
  // Of a file that no map of its own has touched Windows tells nothing.
  if (!isWindows) t.regex(stdout, /in memory +0 of [\d,]+ pages \(0\.0 %, 0 bytes\)/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are for terminals only.
  t.notRegex(stdout, /\x1b/);
});

onUnix(
  'on a terminal stat shows a bar of what is in memory (Unix: Windows tells nothing)',
  async (t) => {
    const path = numbered(t, 20_000);
    const { code, printed } = await onTerminal('stat', path);
    t.is(code, 0);
    t.regex(printed, /\[█{30,60}\]/);
  },
);

needs('fincore')('stat agrees with fincore (needs fincore)', (t) => {
  const path = numbered(t, 100_000);
  memmap('evict', path);
  // Brings a part of it in.
  memmap('lines', path, '1-10');
  const fincore = spawnSync('fincore', ['--bytes', '--noheadings', '--output=PAGES', path]);
  const [report] = values(memmap('stat', '--json', path).stdout) as Record<string, number>[];
  t.is(report?.residentPages, Number(fincore.stdout));
});

test('warm brings files in, evict drops them where the system can', (t) => {
  const path = numbered(t, 100_000);
  const evicted = memmap('evict', '--json', path);
  t.is(evicted.status, isWindows ? 2 : 0, evicted.stderr);
  const [warm] = values(memmap('warm', '--json', path).stdout) as Record<string, number>[];
  t.is(warm?.residentPages, warm?.pages);
});

test('find prints the lines with a match once, and exits as grep does', (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, 'first one\nsecond a.b one one\n\nTHIRD\nlast one');
  const found = memmap('find', 'one', path);
  t.is(found.status, 0);
  t.is(found.stdout, 'first one\nsecond a.b one one\nlast one\n');
  t.is(memmap('find', '-n', 'a.b', path).stdout, '2:second a.b one one\n');
  t.is(memmap('find', '-c', 'one', path).stdout, '3\n');
  t.is(memmap('find', '-ni', 'third', path).stdout, '4:THIRD\n');
  t.is(memmap('find', '-i', 'A.B', path).stdout, 'second a.b one one\n');
  t.is(memmap('find', '-en', '^T', path).stdout, '4:THIRD\n');
  t.is(memmap('find', '-e', 's.*d', path).stdout, 'second a.b one one\n');
  const missing = memmap('find', 'none', path);
  t.is(missing.status, 1);
  t.is(missing.stdout, '');
  const several = memmap('find', 'last', path, join(temporaryFolder(t), 'missing'), path);
  t.is(several.status, 2);
  t.is(several.stdout, `${path}:last one\n`.repeat(2));
  t.deepEqual(values(memmap('find', '--json', 'last', path).stdout), [
    { path, line: 5, offset: 36, text: 'last one' },
  ]);
});

test('lines prints a range of lines, also beyond the chunk that is counted at a time', (t) => {
  const path = numbered(t, 3_000_000);
  t.is(memmap('lines', path, '1').stdout, 'line 1\n');
  t.is(
    memmap('lines', path, '1999999-2000001').stdout,
    'line 1999999\nline 2000000\nline 2000001\n',
  );
  t.is(memmap('lines', path, '2999999:+9').stdout, 'line 2999999\nline 3000000\n');
  const beyond = memmap('lines', path, '3000001');
  t.is(beyond.status, 1);
  t.is(beyond.stdout, '');
});

test('lines and find print bytes as they are', (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, Buffer.from('a\r\nb\xff\r\n\nlast', 'latin1'));
  const bytes = (...args: string[]) => memmapBytes(...args).toString('latin1');
  t.is(bytes('lines', path, '1-2'), 'a\r\nb\xff\r\n');
  t.is(bytes('lines', path, '3-9'), '\nlast\n');
  t.is(bytes('find', 'b', path), 'b\xff\r\n');
  t.deepEqual(values(memmap('lines', '--json', path, '1').stdout), [
    { path, line: 1, text: 'a\r' },
  ]);
  t.deepEqual(values(memmap('find', '--json', 'a', path).stdout).slice(0, 1), [
    { path, line: 1, offset: 0, text: 'a\r' },
  ]);
});

test('hex prints bytes and records', (t) => {
  const path = join(temporaryFolder(t), 'records');
  const bytes = Buffer.alloc(36);
  for (let index = 0; index < 3; index++) {
    bytes.writeUInt32LE(index + 1, 12 * index);
    bytes.writeDoubleLE(index / 2, 12 * index + 4);
  }
  writeFileSync(path, bytes);
  t.is(
    memmap('hex', '-n', '17', path).stdout,
    '00000000  01 00 00 00 00 00 00 00  00 00 00 00 02 00 00 00  ................\n' +
      `00000010  00${' '.repeat(46)}  .\n`,
  );
  t.is(
    memmap('hex', '--as', 'u32 id, f64 half', path, '@0x0c').stdout,
    '12  id=2  half=0.5\n24  id=3  half=1\n',
  );
  t.deepEqual(values(memmap('hex', '--json', '--be', '--as', 'u32', '-n', '1', path).stdout), [
    { offset: 0, '#1': 0x0100_0000 },
  ]);
  writeFileSync(path, Buffer.from(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY).buffer));
  t.deepEqual(values(memmap('hex', '--json', '--as', 'f32 x', path).stdout), [
    { offset: 0, x: 'NaN' },
    { offset: 4, x: '-Infinity' },
  ]);
});

onLinux('shm lists what maps a name, which locks are held, and by the dead (needs /proc)', (t) => {
  const name = SharedMemory.generateName();
  const map = SharedMemory.create(name, 8192);
  t.teardown(() => {
    map.close();
    if (SharedMemory.exists(name)) SharedMemory.unlink(name);
  });
  const program = join(temporaryFolder(t), 'hold.cjs');
  writeFileSync(
    program,
    `const { SharedMemory } = require(${JSON.stringify(join(root, 'dist', 'shm.js'))});
    const { Mutex } = require(${JSON.stringify(join(root, 'dist', 'sync.js'))});
    new Mutex(SharedMemory.open(${JSON.stringify(name)}), 64).lockSync();
    process.exit(0);`,
  );
  const child = spawnSync(process.execPath, [...RUN, program], { encoding: 'utf8' });
  t.is(child.status, 0, child.stderr);
  const find = () =>
    (values(memmap('shm', '--json').stdout) as { name: string }[]).find(
      (shared) => shared.name === name,
    ) as unknown as {
      size: number;
      processes: { pid: number }[];
      locks: { offset: number; thread: number; dead: boolean }[];
    };
  const { size, processes, locks } = find();
  t.is(size, 8192);
  t.true(processes.some(({ pid }) => pid === process.pid));
  t.deepEqual(
    locks.map(({ offset, dead }) => ({ offset, dead })),
    [{ offset: 64, dead: true }],
  );
  t.is(memmap('shm', 'rm', name).status, 0);
  t.false(SharedMemory.exists(name));
  t.is(memmap('shm', 'rm', name).status, 2);
});

test('doctor tries what it reports', (t) => {
  const { status, stdout, stderr } = memmap('doctor', '--json');
  t.is(stderr, '');
  t.is(status, 0, stdout);
  const found = values(stdout) as { name: string; works: boolean; detail: string }[];
  t.true(found.length >= 8);
  // Where it is missing the status is 0 all the same: waits are slower then, not wrong.
  const many = found.find(({ name }) => name === 'waiting for many locks at once');
  t.is(many?.works, native.waitsForMany());
});

onLinux('Ctrl-C ends warm between two chunks (needs signals)', async (t) => {
  const path = diskPath(t, 'sparse');
  writeFileSync(path, '');
  // Pages of a hole take memory, which the test gives back.
  truncateSync(path, 2 ** 30);
  // Again and again: the tool has not ended before the test gets round to interrupting it.
  const child = spawn(process.execPath, [...TOOL, 'warm', ...Array(1000).fill(path)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  await until(() => {
    const [report] = values(memmap('stat', '--json', path).stdout) as Record<string, number>[];
    return (report?.residentPages ?? 0) > 0;
  }, 'pages are in memory');
  // Once: a second one would end the tool as any other program.
  child.kill('SIGINT');
  const [code] = await closed;
  memmap('evict', path);
  t.is(code, 130, stderr);
  t.regex(stderr, /^memmap: interrupted/);
});
