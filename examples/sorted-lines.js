/**
 * Looks a key up in a file of sorted lines, `key<TAB>value`, without an index: a binary search by bytes.
 *
 *     node examples/sorted-lines.js <file> <key>...
 */
const { Mmap } = require('memmap');

const TAB = 9;
const LINE_FEED = 10;

/** The value of a key; undefined where the file has none. Lines must be sorted by their bytes. */
function lookUp(bytes, key) {
  // The line begins between these.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    // The line that the middle is in.
    const start = bytes.lastIndexOf(LINE_FEED, middle - 1) + 1;
    const tab = bytes.indexOf(TAB, start);
    const order = bytes.compare(key, 0, key.length, start, tab);
    const lineFeed = bytes.indexOf(LINE_FEED, tab);
    const end = lineFeed === -1 ? bytes.length : lineFeed;
    if (order === 0) return bytes.toString('utf8', tab + 1, end);
    if (order > 0) high = start;
    else low = end + 1;
  }
  return undefined;
}

module.exports = { lookUp };

if (require.main === module) {
  const [, , path, ...keys] = process.argv;
  const map = path === undefined ? Mmap.open(__filename) : Mmap.open(path);
  map.advise('random'); // the next page is not the next one that is read
  for (const key of keys)
    console.log(`${key}: ${lookUp(map.buffer, Buffer.from(key)) ?? 'not there'}`);
  map.close();
}
