/** What the system tells about the memory of this process, for tests that look at effects. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

/** The root of the project: what child processes require as `memmap`. */
export const ROOT = join(__dirname, '..', '..', '..');

/** Tests that read `/proc`, or ask for what only Linux does; their titles say so. */
export const onLinux = process.platform === 'linux' ? test : test.skip;

/** A path in a folder that is removed after the test, on a disk (a temporary folder may be none). */
export function diskPath(t: ExecutionContext, name = 'file'): string {
  const folder = mkdtempSync(join(ROOT, 'build', 'memory-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

/** A file of that many bytes, each a 7. */
export function diskFile(t: ExecutionContext, length: number): string {
  const path = diskPath(t);
  writeFileSync(path, Buffer.alloc(length, 7));
  return path;
}

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
  for (const line of readFileSync('/proc/self/smaps', 'latin1').split('\n')) {
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

/**
 * Runs code in a process of its own, where `memmap` is the package and `file` a path; answers what
 * the code passes to `done`.
 */
export function inChild(
  code: string,
  file = '',
  command: [string, ...string[]] = [process.execPath],
): unknown {
  const [program, ...flags] = command;
  const script = `
    const memmap = require(${JSON.stringify(ROOT)});
    const file = ${JSON.stringify(file)};
    const done = (answer) => process.stdout.write(JSON.stringify(answer) + '\\n');
    const caught = (call) => { try { call(); } catch (error) { return { name: error.name, code: error.code, message: error.message, syscall: error.syscall }; } };
    (async () => { ${code} })();`;
  const run = spawnSync(program, [...flags, '-e', script], { encoding: 'utf8', cwd: ROOT });
  if (run.status !== 0) {
    throw new Error(`the child ended with ${run.signal ?? run.status}: ${run.error} ${run.stderr}`);
  }
  return JSON.parse(run.stdout);
}

/** What `caught` of {@link inChild} answers. */
export interface Caught {
  name: string;
  code: string;
  message: string;
  syscall?: string;
}
