/** What Linux tells about this process: its mappings and its open files. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One mapping as `/proc/self/smaps` tells it. */
export interface Mapped {
  start: number;
  end: number;
  path: string;
  /** Such as `Rss`, `Anonymous`, `Locked`: in bytes. */
  sizes: Record<string, number>;
  /** The two letters of the kernel's `VmFlags`, such as `rr` for random reads. */
  flags: string[];
}

/** The mappings of this process that `wanted` picks. */
export function mappings(wanted: (mapped: Mapped) => boolean): Mapped[] {
  const found: Mapped[] = [];
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    const last = found.at(-1);
    if (head) {
      const [, start = '', end = '', path = ''] = head;
      found.push({
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        path,
        sizes: {},
        flags: [],
      });
      continue;
    }
    const [, name = '', value = ''] = /^(\w+): *(.*)$/.exec(line) ?? [];
    if (name === 'VmFlags') last?.flags.push(...value.trim().split(' '));
    else if (last && value.endsWith(' kB')) last.sizes[name] = Number.parseInt(value, 10) * 1024;
  }
  return found.filter(wanted);
}

/** The mappings of a file. */
export function mappingsOf(path: string): Mapped[] {
  return mappings((mapped) => mapped.path === path);
}

/** The sum of one size over mappings. */
export function total(mapped: Mapped[], size: string): number {
  return mapped.reduce((sum, { sizes }) => sum + (sizes[size] ?? 0), 0);
}

/** The lines of `/proc/self/maps`: quicker than {@link mappings} where there are many. */
export function kernelMaps(): string[] {
  return readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
}

/**
 * The number of this process's mappings, exactly: a string for each would fill a heap that takes
 * mappings, too.
 */
export function kernelMapCount(): number {
  const text = readFileSync('/proc/self/maps');
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** How many mappings this process has of a file, deleted or not. */
export function mapsOf(path: string): number {
  return kernelMaps().filter((line) => line.includes(path)).length;
}

/** What the descriptors of this process are open on. */
export function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      // The descriptor of reading the folder itself.
      return [];
    }
  });
}

/** How many descriptors this process has of a file. */
export function descriptorsOf(path: string): number {
  return descriptors().filter((target) => target.startsWith(path)).length;
}

/** Whether the kernel still knows the file as one of this process's. */
export function holds(path: string): boolean {
  return mapsOf(path) > 0 || descriptorsOf(path) > 0;
}

/** The threads of this process beside the main one, each with its state and its system call. */
function otherThreads(): { state: string; call: string }[] {
  const read = (tid: string, name: string) => {
    try {
      return readFileSync(`/proc/self/task/${tid}/${name}`, 'latin1');
    } catch {
      // The thread has ended, or the kernel was built without this file.
      return '';
    }
  };
  return readdirSync('/proc/self/task')
    .filter((tid) => tid !== String(process.pid))
    .map((tid) => ({ state: read(tid, 'stat').split(') ')[1] ?? '', call: read(tid, 'syscall') }));
}

/** Whether a thread of the pool computes at this moment. */
export function computes(): boolean {
  return otherThreads().some(({ state }) => state.startsWith('R'));
}

/** Whether a thread is in a read(2) of a descriptor. The kernel shows its arguments. */
export function reads(descriptor: number): boolean {
  const first = `0x${descriptor.toString(16)}`;
  return otherThreads().some(({ state, call }) => {
    return state.startsWith('S') && call.split(' ')[1] === first;
  });
}
