/**
 * Sums one column of a table on disk: apache-arrow reads it where it lies, so that only this
 * column's pages are ever read. `npm install apache-arrow`, `node examples/arrow.mjs [path]`
 */
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import { Mmap } from 'memmap';

const path = process.argv[2] ?? join(tmpdir(), 'memmap-table.arrow');
if (!existsSync(path)) {
  const length = 1_000_000;
  const id = Int32Array.from({ length }, (_, row) => row);
  const price = Float64Array.from({ length }, (_, row) => (row % 100) / 4);
  writeFileSync(path, tableToIPC(tableFromArrays({ id, price }), 'file'));
}

const map = Mmap.open(path);
map.advise('random'); // read no more than what is touched
const table = tableFromIPC(map.buffer);
const column = table.getChild('price');

let sum = 0;
for (const { values } of column.data) {
  for (const value of values) sum += value; // a Float64Array over the file
}
const zeroCopy = column.data.every(({ values }) => values.buffer === map.buffer.buffer);
console.log(`${table.numRows} rows, price adds up to ${sum}; without a copy: ${zeroCopy}`);
map.close();
