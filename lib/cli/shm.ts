/** `memmap shm`: the named shared memory of this machine. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Mmap } from '../index';
import { SharedMemory } from '../shm';
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

function look(name: string): Shared | null {
  const path = join(FOLDER, name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) return null;
  let locks: Held[] | null = null;
  try {
    using map = Mmap.open(path);
    locks = heldLocks(map);
  } catch {
    // Another user's; or it is empty, or was removed meanwhile.
  }
  return { name, size: found.size, processes: processesThatMap(path), locks };
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
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [verb, ...names] = positionals;
  output.json = values.json;
  if (verb === 'rm') {
    const well = await forEach(names, output, async (name) => SharedMemory.unlink(name));
    return well ? 0 : 2;
  }
  if (verb !== undefined) throw new UsageError(`shm knows no '${verb}', only rm`);
  if (process.platform !== 'linux') {
    output.error('this system does not list its shared memory; Linux does');
    return 2;
  }
  const found = readdirSync(FOLDER).flatMap((name) => look(name) ?? []);
  for (const shared of found) {
    await (output.json ? output.value(shared) : print(shared, output));
  }
  return found.length > 0 ? 0 : 1;
}
