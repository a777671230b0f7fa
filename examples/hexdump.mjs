/**
 * Prints a part of a file of any size, without reading the rest of it:
 * `node examples/hexdump.mjs <path> [offset] [length]`. An ES module: import works as require does.
 */
import { fileURLToPath } from 'node:url';
import { Mmap } from 'memmap';

const [path = fileURLToPath(import.meta.url), offset = '0', length = '64'] = process.argv.slice(2);
const map = Mmap.open(path);
const start = Number(offset);
// As in Buffer's subarray, positions outside are clamped, and negative ones count from the end.
const bytes = map.subarray(start, start < 0 ? undefined : start + Number(length));
const first = start < 0 ? Math.max(0, map.length + start) : start;

for (let at = 0; at < bytes.length; at += 16) {
  const row = bytes.subarray(at, at + 16);
  const address = (first + at).toString(16).padStart(10, '0');
  const hex = row.toString('hex').replace(/../g, '$& ').padEnd(48);
  console.log(`${address}  ${hex} ${row.toString('latin1').replace(/[^ -~]/g, '.')}`);
}
map.close();
