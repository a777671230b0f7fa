// What survivors.js asks of mmap-io: `node mmap-io.js <scenario> <path> <its folder>`.
const { fstatSync, openSync } = require('node:fs');
const { play } = require('./play');

const [, , scenario, path, folder] = process.argv;
const mmap = require(folder);
const readOnly = scenario === 'stray write';
const file = openSync(path, readOnly ? 'r' : 'r+');
const access = readOnly ? mmap.PROT_READ : mmap.PROT_READ | mmap.PROT_WRITE;
const buffer = mmap.map(fstatSync(file).size, access, mmap.MAP_SHARED, file);
play(scenario, buffer, () => mmap.sync(buffer, 0, buffer.length, true));
