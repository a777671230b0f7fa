/** Databases: sql.js, node:sqlite. better-sqlite3 is left out: it has no binary on npm. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapMut } from 'memmap';
import { onLinux } from '../helpers/gates';
import { temporaryFile } from '../helpers/temporary';

/** As far as the tests use it: the package has no types. */
interface Database {
  run(sql: string, values?: unknown[]): void;
  exec(sql: string): { values: unknown[][] }[];
  export(): Uint8Array;
  close(): void;
}
const initialize: () => Promise<{ Database: new (bytes?: Uint8Array) => Database }> =
  require('sql.js');

async function databaseFile(): Promise<Uint8Array> {
  const { Database } = await initialize();
  const database = new Database();
  database.run('create table people (id integer primary key, name text)');
  for (let id = 0; id < 500; id++) database.run('insert into people values (?, ?)', [id, `n${id}`]);
  const bytes = database.export();
  database.close();
  return bytes;
}

/** As far as the test uses it: the types of Node.js 20 have no `node:sqlite`. */
interface NodeDatabase {
  prepare(sql: string): { get(): { name?: string; mmap_size?: number } | undefined };
  exec(sql: string): void;
  close(): void;
}

function nodeSqlite(): { DatabaseSync: new (path: string) => NodeDatabase } | undefined {
  try {
    return require('node:sqlite');
  } catch {
    return undefined;
  }
}

const select = 'select name from people where id = 321';
const update = "update people set name = 'changed'";

test('sql.js reads a database from a view of the map, and writes to a copy of its own', async (t) => {
  const { Database } = await initialize();
  const content = await databaseFile();
  const path = temporaryFile(t, content);
  using map = MmapMut.open(path);
  const database = new Database(map.view(Uint8Array));
  t.is(database.exec(select)[0]?.values[0]?.[0], 'n321');
  database.run(update);
  t.is(database.exec(select)[0]?.values[0]?.[0], 'changed');
  database.close();
  t.true(readFileSync(path).equals(content));
});

test('sql.js writes into the file where it gets the Buffer of a MmapMut, since it calls slice()', async (t) => {
  const { Database } = await initialize();
  const content = await databaseFile();
  const path = temporaryFile(t, content);
  using map = MmapMut.open(path);
  const database = new Database(map.buffer);
  database.run(update);
  database.close();
  t.false(readFileSync(path).equals(content));
});

onLinux(
  'sql.js with the Buffer of a read-only map is reported, and the file stays (Linux)',
  async (t) => {
    const { Database } = await initialize();
    const content = await databaseFile();
    const path = temporaryFile(t, content);
    using map = Mmap.open(path);
    const database = new Database(map.buffer);
    database.run(update);
    t.is(database.exec(select)[0]?.values[0]?.[0], 'changed');
    database.close();
    t.true(readFileSync(path).equals(content));
    t.true(map.faults.strayWrites > 0);
    t.throws(() => map.buffer, { code: 'ERR_MMAP_READ_ONLY' });
  },
);

const sqlite = nodeSqlite();

(sqlite === undefined ? test.skip : test)(
  'node:sqlite takes the path and maps the file itself, and a map opened afterwards has what it wrote (Node.js 22.13 and later)',
  async (t) => {
    if (sqlite === undefined) return;
    const path = temporaryFile(t, await databaseFile());
    const database = new sqlite.DatabaseSync(path);
    const { length } = readFileSync(path);
    t.is(database.prepare(`pragma mmap_size = ${length}`).get()?.mmap_size, length);
    t.is(database.prepare(select).get()?.name, 'n321');
    database.exec(update);
    database.close();
    using map = Mmap.open(path);
    const { Database } = await initialize();
    const mapped = new Database(map.view(Uint8Array));
    t.is(mapped.exec(select)[0]?.values[0]?.[0], 'changed');
    mapped.close();
  },
);
