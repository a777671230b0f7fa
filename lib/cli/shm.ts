/** `memmap shm`: the named shared memory of this machine. */
import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SharedMemory } from '../shm';
import { readArguments } from './arguments';
import { forEach } from './files';
import { type Output, size, UsageError } from './output';
import { type Held, heldLocks, type Process, processesThatMap } from './owners';

/** Where Linux keeps named shared memory (shm_overview(7)). */
const FOLDER = '/dev/shm';

interface Shared {
  name: string;
  /** In bytes. */
  size: number;
  processes: Process[];
  /** null where this process may not read the memory. */
  locks: Held[] | null;
}

/** The locks of an object; null where this user may not read it. */
function locksOf(path: string): Held[] | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return null;
  }
  try {
    return heldLocks(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

function look(name: string): Shared | null {
  const path = join(FOLDER, name);
  try {
    const found = statSync(path);
    if (!found.isFile()) return null;
    return { name, size: found.size, processes: processesThatMap(path), locks: locksOf(path) };
  } catch (error) {
    // It was removed meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What to say of a held lock. */
function holder({ offset, thread, name, dead }: Held, output: Output): string {
  return dead
    ? output.style('red', `at ${offset}: thread ${thread}, which died`)
    : `at ${offset}: thread ${thread}${name === null ? '' : ` (${name})`}`;
}

async function print(shared: Shared, output: Output): Promise<void> {
  const { processes, locks } = shared;
  const mapped = processes.map(({ pid, name }) => `${pid} (${name})`).join(', ');
  const rows: [string, string][] = [
    ['size', size(shared.size)],
    ['mapped by', mapped || 'no process that this user can see'],
  ];
  for (const lock of locks ?? []) rows.push(['held', holder(lock, output)]);
  if (locks === null) rows.push(['locks', 'this user may not look']);
  await output.line(output.style('bold', shared.name));
  await output.rows(rows);
}

export async function shm(args: string[], output: Output): Promise<number> {
  const { positionals } = readArguments(args, output);
  const [verb, ...names] = positionals;
  if (verb === 'rm') {
    if (names.length === 0) throw new UsageError('name what to remove, as memmap shm lists it');
    const well = await forEach(names, output, async (name) => SharedMemory.unlink(name));
    return well ? 0 : 2;
  }
  if (verb !== undefined) throw new UsageError(`shm knows no '${verb}', only rm`);
  if (process.platform !== 'linux') {
    output.error('this system does not list its shared memory; Linux does');
    return 2;
  }
  let found = 0;
  const well = await forEach(readdirSync(FOLDER), output, async (name) => {
    const shared = look(name);
    if (shared === null) return;
    found++;
    await (output.json ? output.value(shared) : print(shared, output));
  });
  if (!well) return 2;
  return found > 0 ? 0 : 1;
}
