/** Files of huge pages, in a file system of them that is given as last argument. */
import assert from 'node:assert';
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { descriptorsOf, mapsOf } from '../helpers/kernel';
import { survived } from './tools';

const folder = process.argv.at(-1) ?? '';
const refusal = { code: 'ERR_MMAP_UNSUPPORTED', message: /hugetlbfs/ };
const path = join(folder, 'file');
writeFileSync(path, '');
truncateSync(path, 2 * statSync(path).blksize);
for (const kind of [Mmap, MmapMut, MmapCow]) {
  assert.throws(() => kind.open(path), refusal);
  assert.throws(() => kind.open(path, { offset: 4096, length: 10, guard: false }), refusal);
}
const created = join(folder, 'created');
assert.throws(() => MmapMut.create(created, statSync(path).blksize), refusal);
assert.throws(() => MmapMut.create(path, statSync(path).blksize, { overwrite: true }), refusal);
assert.deepStrictEqual(readdirSync(folder), ['file'], 'what could not be mapped was left behind');
assert.deepStrictEqual([mapsOf(folder), descriptorsOf(folder)], [0, 0]);
survived();
