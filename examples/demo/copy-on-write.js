const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { MmapCow } = require('memmap');

exports.title = 'Change a private copy, and leave the file as it is';

exports.run = ({ folder, did, saw }) => {
  const path = join(folder, 'original');
  writeFileSync(path, 'The original text.');

  did("map = MmapCow.open(path); map.write('modified', 4)");
  const map = MmapCow.open(path);
  map.write('modified', 4);
  saw('the map', map.buffer.toString(), 'The modified text.');
  saw('the file', readFileSync(path, 'utf8'), 'The original text.');
  map.close();
};
