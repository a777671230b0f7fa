/** The scenarios of the fault guard and how each must end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CC, has } from '../helpers/programs';
import { root } from '../helpers/temporary';
import { type Hazard, hazard } from './list';

const windows = process.platform === 'win32';

/** Windows refuses to truncate a file that is mapped: there is nothing to survive. */
const needsTruncation = windows ? 'Windows does not truncate mapped files' : undefined;
/** Deno's own handler takes the first SIGSEGV or SIGBUS that is sent for a fault and lives on. */
const needsSignals =
  needsTruncation ?? (process.versions.deno ? 'Deno by itself survives such a signal' : undefined);
const needsLinux = process.platform === 'linux' ? undefined : 'asks /proc of Linux';
/** Names the C library only where it is glibc. */
const report: unknown = process.report?.getReport();
const needsGlibc = JSON.stringify(report ?? {}).includes('glibcVersionRuntime')
  ? undefined
  : 'needs glibc, whose dlvsym finds the dlsym that is replaced';
const needsCompiler = has(CC) ? undefined : 'needs a C compiler as cc';

/** Starts a command in a mount namespace of its own, where a small disk is mounted on a folder. */
const mounting = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['-Ur'])];
const script = 'mount -t tmpfs -o size=1m none /mnt && exec "$0" "$@" /mnt';
const withDisk = [...mounting, 'sh', '-c', script];

/** Starts a command where `/dev/shm` has 1 MiB. */
const withSmallShm = [
  ...mounting,
  'sh',
  '-c',
  'mount -t tmpfs -o size=1m none /dev/shm && exec "$0" "$@"',
];
/** Starts a command where an ext2 of 4 MiB is mounted on a folder. */
const withExt2 = [
  ...mounting,
  'sh',
  '-c',
  'mount -t tmpfs none /mnt && mkdir /mnt/disk && truncate -s 4m /mnt/image && ' +
    'mke2fs -q -t ext2 /mnt/image && mount -o loop /mnt/image /mnt/disk && ' +
    'exec "$0" "$@" /mnt/disk',
];
const needs = ([command = '', ...rest]: string[], what: string) =>
  spawnSync(command, [...rest, 'true']).status === 0 ? undefined : what;
const needsDisk = needs(withDisk, 'needs the right to mount a file system');
const needsShm = needs(withSmallShm, 'needs the right to mount a file system');
const needsExt2 = needs(withExt2, 'needs the right to mount a loop device, and mke2fs');

/** Starts a command where a file system of huge pages is mounted on a folder. */
const withHugeFiles = [
  ...mounting,
  'sh',
  '-c',
  'mount -t hugetlbfs none /mnt && exec "$0" "$@" /mnt',
];
const needsHugeFiles = needs(withHugeFiles, 'needs the right to mount hugetlbfs');

const tryLoopDevice =
  'device=$(losetup --find --show --read-only "$0") && losetup --detach "$device"';
const needsLoopDevice =
  spawnSync('sh', ['-c', tryLoopDevice, __filename]).status === 0
    ? undefined
    : 'needs the right to set up a loop device';

/** At most so much memory of its own, in KiB. */
const withDataLimit = ['sh', '-c', 'ulimit -d 1000000 && exec "$0" "$@"'];

/** Preloads the library that a C file of this folder becomes. */
function preloading(name: string): Pick<Hazard, 'impossible' | 'environment'> {
  const impossible = needsLinux ?? needsCompiler;
  if (impossible !== undefined) return { impossible };
  const folder = mkdtempSync(join(tmpdir(), 'memmap-preload-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const library = join(folder, `${name}.so`);
  const source = join(root, '__test__', 'hazards', `${name}.c`);
  const { status, stderr } = spawnSync(CC, ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  if (status !== 0) throw new Error(`${name}.c does not compile: ${stderr}`);
  return { environment: { LD_PRELOAD: library, SLOW_DISK_GATE: join(folder, 'gate') } };
}

const withoutExternal = needsGlibc ? { impossible: needsGlibc } : preloading('no-external');

/** Ends by a signal, as it would without memmap. */
function by(signal: NodeJS.Signals): Hazard['ends'] {
  return { code: null, signal, says: /^/ };
}

const truncations: Record<string, string> = {
  readers: 'every reader of the lost bytes of a truncated file reads zeros',
  'every method': 'every method of a map whose file was truncated throws until refresh()',
  'native writes': 'a write to lost bytes is an error, and no byte of the file is invented',
  searches: 'a search that meets lost bytes is an error, not an answer',
  flush: 'a flush notices that the file was truncated, though nothing has faulted',
  worker: 'a worker survives and is notified',
  notified: 'each truncation is reported, the process is warned once, other maps go on',
  'a listener that throws': 'a listener of faults that throws keeps no other from being called',
  regrown: 'a file that was truncated and regrew before it was touched is no fault',
  'middle of the file': 'maps of the middle of a file count the lost bytes from their own start',
};

export const guardHazards: Hazard[] = [
  ...Object.entries(truncations).map(([name, title]) =>
    hazard(title, 'truncated', [name], { impossible: needsTruncation }),
  ),
  hazard('no answer is made of lost bytes, whichever call reads them first', 'answers', [], {
    impossible: needsTruncation,
  }),
  hazard('a lost tail of 63 MiB costs a handful of kernel maps', 'truncated', ['tail'], {
    impossible: needsLinux,
  }),
  hazard('a write into a read-only map is private, counted and reported', 'stray', ['once']),
  hazard('a read-only map that was written to shows what others write elsewhere', 'stray', [
    'kept up to date',
  ]),
  hazard(
    'stray writes to every second page of gigabytes leave kernel maps for others',
    'stray',
    ['many'],
    {
      impossible: needsLinux,
    },
  ),
  hazard('a broken block device loses the pages that it cannot read, and says so', 'device', [], {
    impossible: needsLoopDevice,
  }),
  hazard('a process that opens maps without end is refused while it can go on', 'kernel-maps', [], {
    impossible: needsLinux,
  }),
  ...['stray writes', 'truncated tail', 'close'].map((name) =>
    hazard(`little memory of its own suffices a process: ${name}`, 'data-limit', [name], {
      impossible: needsLinux,
      within: withDataLimit,
    }),
  ),
  hazard(
    '10,000 maps are open at once where a process may have 1,024 files',
    'no-descriptor',
    ['many'],
    {
      impossible: windows ? 'Windows has no such limit' : undefined,
      within: ['sh', '-c', 'ulimit -n 1024 && exec "$0" "$@"'],
    },
  ),
  hazard('a map without a descriptor refuses by name what needs the file', 'no-descriptor', [
    'methods',
  ]),
  hazard(
    'a write into a read-only map without a descriptor is private',
    'no-descriptor',
    ['stray write'],
    { impossible: process.platform === 'darwin' ? 'macOS reports it as a lost page' : undefined },
  ),
  ...['truncated', 'lost bytes'].map((name) =>
    hazard(`a map without a descriptor survives what it loses: ${name}`, 'no-descriptor', [name], {
      impossible: needsTruncation,
    }),
  ),
  hazard(
    'closing a map waits for no disk',
    'slow-disk',
    [],
    process.versions.deno
      ? { impossible: 'Deno compresses on the thread that closes' }
      : preloading('slow-disk'),
  ),
  ...Object.entries({
    'the core': 'a runtime that takes no external memory loads memmap',
    reading: 'a runtime that takes no external memory reads maps by copy and as strings',
    writing: 'a runtime that takes no external memory writes maps and locks files',
    'lost bytes': 'a runtime that takes no external memory learns of lost bytes',
  }).map(([name, title]) => hazard(title, 'no-external', [name], withoutExternal)),
  hazard('files of huge pages are refused by name', 'huge-file', [], {
    impossible: needsHugeFiles,
    within: withHugeFiles,
  }),
  hazard('an ArrayBuffer that is too long drops nothing twice', 'too-long', [], {
    impossible: needsLinux,
  }),
  hazard(
    'the core refuses by itself what names no byte and what is of a wrong type',
    'core-arguments',
  ),
  hazard(
    'stray writes into hundreds of maps leave the runtime kernel maps',
    'stray',
    ['many maps'],
    {
      impossible: needsLinux,
    },
  ),
  hazard('a full disk loses bytes and reports them', 'disk-full', ['written'], {
    impossible: needsDisk,
    within: withDisk,
  }),
  hazard('reading a sparse file on a full disk in memory shows zeros', 'disk-full', ['read'], {
    impossible: needsDisk,
    within: withDisk,
  }),
  hazard(
    'a file that cannot be populated is not created, nor its old one replaced',
    'create',
    ['populate'],
    {
      impossible: needsDisk,
      within: withDisk,
    },
  ),
  hazard('a full /dev/shm leaves no shared memory behind', 'create', ['shared memory'], {
    impossible: needsShm,
    within: withSmallShm,
  }),
  hazard(
    'where zeros are written for want of fallocate, the room is looked for first',
    'create',
    ['no fallocate'],
    {
      impossible: needsExt2,
      within: withExt2,
    },
  ),
  ...Object.entries({
    truncated: 'no thread owns a lock in lost bytes: every call on it throws',
    'taken back': 'what a call on a map with lost bytes has taken is released',
    waits: 'waits for words that the file has lost end with that',
    'blocking waits': 'a thread that blocks on a lock in lost bytes goes on',
  }).map(([name, title]) => hazard(title, 'locks', [name], { impossible: needsTruncation })),
  hazard('no thread owns a lock for which the disk has no room', 'locks', ['full disk'], {
    impossible: needsDisk,
    within: withDisk,
  }),
  hazard('WebAssembly traps are still caught', 'not-ours', ['wasm traps'], {
    impossible: needsTruncation,
  }),
  hazard('a null pointer in another addon still ends the process', 'not-ours', ['null pointer'], {
    impossible: needsTruncation ?? needsCompiler,
    ends: by('SIGSEGV'),
  }),
  hazard('a hole in a map of another addon still ends the process', 'not-ours', ['bus error'], {
    impossible: needsTruncation ?? needsCompiler,
    ends: by('SIGBUS'),
  }),
  hazard('a one-shot handler is called once', 'not-ours', ['one-shot handler'], {
    impossible: needsTruncation ?? needsCompiler,
    // An emulator reports the signal, too.
    ends: { code: null, signal: 'SIGSEGV', says: /^called\s*(qemu: .*\s*)?$/ },
  }),
  hazard(
    "process.on('SIGBUS') before the first map leaves the guard on",
    'not-ours',
    ['listener before'],
    { impossible: needsSignals },
  ),
  hazard("process.on('SIGBUS') and off again ends the guard", 'not-ours', ['listener removed'], {
    impossible: needsSignals,
    ends: by('SIGBUS'),
  }),
  hazard('SIGSEGV sent by kill still ends the process', 'not-ours', ['SIGSEGV by kill'], {
    impossible: needsSignals,
    ends: by('SIGSEGV'),
  }),
  hazard('SIGBUS sent by kill still ends the process', 'not-ours', ['SIGBUS by kill'], {
    impossible: needsSignals,
    ends: by('SIGBUS'),
  }),
  hazard(
    'several copies of the addon in one process guard their own maps',
    'not-ours',
    ['copies'],
    {
      impossible: needsTruncation,
    },
  ),
  hazard('workers that alone loaded the addon leave nothing harmful behind', 'after-workers', [], {
    impossible: needsTruncation,
  }),
  hazard(
    'a signal still ends a process whose workers alone loaded the addon',
    'after-workers',
    ['kill'],
    {
      impossible: needsSignals,
      ends: by('SIGSEGV'),
    },
  ),
  ...[
    { how: 'guard: false', environment: {} },
    { how: 'MEMMAP_GUARD=0', environment: { MEMMAP_GUARD: '0' } },
  ].flatMap(({ how, environment }) => [
    hazard(`with ${how} a stray write is private and unnoticed`, 'unguarded', ['stray'], {
      environment,
    }),
    hazard(
      `with ${how} a truncated file ends the process as it does without memmap`,
      'unguarded',
      ['truncated'],
      {
        impossible: needsTruncation,
        ends: by('SIGBUS'),
        environment,
      },
    ),
  ]),
];
