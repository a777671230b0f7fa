const { spawnSync } = require('node:child_process');
const { closeSync, ftruncateSync, openSync, statSync, writeSync } = require('node:fs');
const { totalmem } = require('node:os');
const { join } = require('node:path');
const { Mmap } = require('memmap');

exports.title = 'A file far larger than memory';

/** Makes a file of `size` bytes that takes almost no disk space and ends with `text`. */
function makeSparse(path, size, text) {
  const descriptor = openSync(path, 'w');
  // NTFS makes a file sparse only on request.
  if (process.platform === 'win32') spawnSync('fsutil', ['sparse', 'setflag', path]);
  ftruncateSync(descriptor, size);
  writeSync(descriptor, Buffer.from(text), 0, text.length, size - text.length);
  closeSync(descriptor);
}

exports.run = ({ folder, did, saw }) => {
  const path = join(folder, 'huge');
  const text = 'the end of a very long file';
  const size = Math.max(2 ** 40, 2 ** Math.ceil(Math.log2(totalmem() * 4)));
  makeSparse(path, size, text);
  const { blocks } = statSync(path);
  const onDisk = blocks === undefined ? '' : `, ${(blocks * 512) / 1024} KiB of it on the disk`;
  did(
    `a sparse file of ${size / 2 ** 40} TiB${onDisk}; memory: ${Math.round(totalmem() / 2 ** 30)} GiB`,
  );

  const resident = process.memoryUsage.rss();
  did(`map = Mmap.open(path); map.subarray(-${text.length})`);
  const map = Mmap.open(path);
  saw('map.length', map.length, size);
  saw('its last bytes', map.subarray(-text.length).toString(), text);
  saw('a byte in the middle', map.subarray(size / 2, size / 2 + 1)[0], 0);
  // The collector may have given other memory back meanwhile.
  const grown = Math.max(0, process.memoryUsage.rss() - resident);
  saw('it took less than 64 MiB of memory', grown < 64 * 2 ** 20, true);
  map.close();
};
