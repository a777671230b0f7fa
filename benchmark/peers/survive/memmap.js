// What survivors.js asks of memmap: `node memmap.js <scenario> <path>`.
const { Mmap, MmapMut } = require('memmap');
const { play } = require('./play');

const [, , scenario, path] = process.argv;
const map = scenario === 'stray write' ? Mmap.open(path) : MmapMut.open(path);
// What a fault leaves to be said, the next call says, whichever it is.
play(scenario, map.buffer, () => (map instanceof MmapMut ? map.flushSync() : map.subarray()));
