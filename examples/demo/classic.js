const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { MmapMut } = require('memmap');

exports.title = 'Map a file, read it, change it';

exports.run = ({ folder, did, saw }) => {
  const path = join(folder, 'classic');
  const size = 10 * 2 ** 20;

  did('map = MmapMut.create(path, 10 MiB)');
  const map = MmapMut.create(path, size);
  saw('map.length', map.length, size);
  saw('the first ten bytes of map.buffer', map.buffer.subarray(0, 10), Buffer.alloc(10));

  did("map.write('Hello, world!', 0); map.flushSync()");
  saw('bytes written', map.write('Hello, world!', 0), 13);
  map.flushSync();
  const file = readFileSync(path);
  saw('the file, read through fs, begins with', file.toString('utf8', 0, 13), 'Hello, world!');
  saw('and it has this many bytes', file.length, size);

  const { buffer } = map;
  did('map.close()');
  map.close();
  saw('length of the Buffer that was made before', buffer.length, 0);
};
