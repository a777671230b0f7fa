/** `memmap doctor`: what works here. Each line was tried, not looked up. */
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { native } from '../base/native';
import { MmapMut } from '../index';
import { SharedMemory } from '../shm';
import { Mutex } from '../sync';
import { readArguments } from './arguments';
import { type Output, size, UsageError } from './output';

/** What a probe has found, in a few words. It throws where something does not work. */
type Probe = (folder: string) => string;

const PROBES: Record<string, Probe> = {
  'mapping a file': (folder) => {
    using map = MmapMut.create(join(folder, 'file'), 4096);
    map.write('memmap', 0);
    map.flushSync();
    return 'mapped, written, flushed';
  },
  'a Buffer over a map': () => {
    using map = MmapMut.anonymous(4096);
    return `${map.buffer.length} bytes without a copy`;
  },
  'Buffers above 4 GiB': (folder) => {
    const path = join(folder, 'large');
    writeFileSync(path, '');
    // Takes no room on the disk.
    truncateSync(path, 5 * 2 ** 30);
    using map = MmapMut.open(path);
    return size(map.buffer.length);
  },
  'shared: true (SharedArrayBuffer)': () => {
    using map = MmapMut.anonymous(4096, { shared: true });
    return map.buffer.buffer.constructor.name;
  },
  'a truncated file': (folder) => {
    const path = join(folder, 'truncated');
    writeFileSync(path, Buffer.alloc(2 * native.pageSize(), 1));
    try {
      using map = MmapMut.open(path);
      // Windows truncates no file that is mapped.
      truncateSync(path, 0);
      map.buffer[0];
      if (!map.faults.truncated) throw new Error('the loss went unnoticed');
      return 'survived and noticed';
    } catch (error) {
      if (process.platform !== 'win32') throw error;
      return 'refused by the system';
    }
  },
  'named shared memory': () => {
    const name = SharedMemory.generateName();
    using map = SharedMemory.create(name, 4096);
    SharedMemory.unlink(name);
    return `created, mapped (${size(map.length)}), removed`;
  },
  'locks of dead owners are found': () => {
    using map = MmapMut.anonymous(4096);
    new Mutex(map, 0).lockSync().unlock();
    if (native.threadNamespace() < 2) {
      throw new Error('/proc does not show this process: a lock of a dead owner stays locked');
    }
    return 'yes';
  },
  'waiting for many locks at once': () => {
    if (!native.waitsForMany()) {
      const lack =
        process.platform === 'linux' ? 'no futex_waitv (Linux 5.16)' : 'the system cannot';
      throw new Error(`${lack}: waiters look often`);
    }
    return 'by the system';
  },
  'locking memory (mlock)': () => {
    const limit = native.lockLimit();
    return limit === null ? 'no limit' : `up to ${size(limit)}`;
  },
  'room for shared memory': () => {
    if (process.platform !== 'linux') return 'as much as memory';
    const { bavail, bsize } = statfsSync('/dev/shm');
    return `${size(bavail * bsize)} free in /dev/shm`;
  },
};

/** Where something is missing, but nothing is wrong. */
const OPTIONAL = new Set([
  'Buffers above 4 GiB',
  'shared: true (SharedArrayBuffer)',
  'waiting for many locks at once',
]);

export async function doctor(args: string[], output: Output): Promise<number> {
  const { positionals } = readArguments(args, output);
  if (positionals.length > 0) throw new UsageError('doctor takes no arguments');
  const runtime = Object.entries({ Bun: process.versions.bun, Deno: process.versions.deno }).find(
    ([, version]) => version !== undefined,
  ) ?? ['Node.js', process.versions.node];
  const system = `${process.platform} ${process.arch}, ${runtime.join(' ')}`;
  if (!output.json) await output.line(`memmap ${native.VERSION} on ${system}`);
  // The guard warns of the file that is truncated on purpose.
  process.removeAllListeners('warning');
  const folder = mkdtempSync(join(tmpdir(), 'memmap-doctor-'));
  let well = true;
  try {
    for (const [name, probe] of Object.entries(PROBES)) {
      let detail: string;
      let works = true;
      try {
        detail = probe(folder);
      } catch (error) {
        detail = (error as Error).message;
        works = false;
        well &&= OPTIONAL.has(name);
      }
      if (output.json) {
        await output.value({ name, works, detail });
      } else {
        const mark = works ? output.style('green', 'yes') : output.style('yellow', 'no ');
        await output.line(`  ${mark}  ${name}: ${detail}`);
      }
      await output.flush();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return well ? 0 : 1;
}
