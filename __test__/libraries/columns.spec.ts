/** Columnar files and arrays of numbers: apache-arrow, hyparquet, npyjs. */
import { writeFileSync } from 'node:fs';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import test from 'ava';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { Mmap, MmapMut } from 'memmap';
import { dump, parse } from 'npyjs';
import { onLinux } from '../helpers/gates';
import { diskPath, temporaryFile } from '../helpers/temporary';

const ROWS = 50_000;
const ids = Int32Array.from({ length: ROWS }, (_, row) => row);
const prices = Float64Array.from({ length: ROWS }, (_, row) => row / 4);
const names = Array.from({ length: ROWS }, (_, row) => `name ${row % 97}`);

function arrowFile(): Uint8Array {
  return tableToIPC(tableFromArrays({ id: ids, price: prices, name: names }), 'file');
}

test('apache-arrow reads a table over the map without a copy', (t) => {
  const path = temporaryFile(t, arrowFile());
  using map = Mmap.open(path);
  map.advise('random');
  const table = tableFromIPC(map.buffer);
  t.is(table.numRows, ROWS);
  const price = table.getChild('price');
  t.is(price?.get(4321), 4321 / 4);
  t.is(table.getChild('name')?.get(98), 'name 1');
  for (const child of ['id', 'price']) {
    for (const { values } of table.getChild(child)?.data ?? []) {
      t.is(values.buffer, map.buffer.buffer, `${child} lies in the map`);
    }
  }
  // The column is the file: what changes there shows here.
  using file = MmapMut.open(path);
  const at = file.indexOf(Buffer.from(Float64Array.of(4321 / 4).buffer));
  file.view(Float64Array, at, 1)[0] = -1;
  t.is(price?.get(4321), -1);
  t.is(map.faults.strayWrites, 0);
});

onLinux('apache-arrow reads no more of a cold file than it needs (Linux: residency)', async (t) => {
  const path = diskPath(t);
  const wide = Object.fromEntries(
    Array.from({ length: 40 }, (_, column) => [`column ${column}`, prices.slice()]),
  );
  writeFileSync(path, tableToIPC(tableFromArrays(wide), 'file'));
  using map = Mmap.open(path);
  using file = MmapMut.open(path);
  await file.flush();
  await map.evict();
  map.advise('random');
  t.is(map.residency().residentPages, 0);
  t.is(tableFromIPC(map.buffer).getChild('column 7')?.get(100), 25);
  const { residentPages, pages } = map.residency();
  t.true(residentPages < pages / 10, `${residentPages} of ${pages} pages`);
});

test('apache-arrow reads a table from a web stream', async (t) => {
  using map = Mmap.open(temporaryFile(t, arrowFile()));
  const table = await tableFromIPC(map.readable());
  t.is(table.getChild('price')?.get(ROWS - 1), (ROWS - 1) / 4);
});

test('hyparquet reads rows of a file by ranges', async (t) => {
  const columnData = [
    { name: 'id', data: ids, type: 'INT32' as const },
    { name: 'price', data: prices, type: 'DOUBLE' as const },
    { name: 'name', data: names, type: 'STRING' as const },
  ];
  const content = Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 10_000 }));
  using map = Mmap.open(temporaryFile(t, content));
  const file = {
    byteLength: map.length,
    slice: (start: number, end?: number) => map.arrayBuffer(start, end),
  };
  t.is(Number((await parquetMetadataAsync(file)).num_rows), ROWS);
  const rows = await parquetReadObjects({ file, rowStart: 20_000, rowEnd: 20_002 });
  t.deepEqual(rows, [
    { id: 20_000, price: 5000, name: 'name 18' },
    { id: 20_001, price: 5000.25, name: 'name 19' },
  ]);
  t.is(map.faults.strayWrites, 0);
});

test('npyjs reads an array over the map without a copy', (t) => {
  using map = Mmap.open(temporaryFile(t, Buffer.from(dump(prices, [ROWS / 2, 2]))));
  const arrayBuffer = map.arrayBuffer();
  const { data, shape, dtype } = parse(arrayBuffer);
  t.deepEqual(shape, [ROWS / 2, 2]);
  t.is(dtype, 'f8');
  t.deepEqual(data, prices);
  t.is(data.buffer, arrayBuffer);
});
