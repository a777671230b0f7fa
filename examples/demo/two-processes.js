const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { MmapMut } = require('memmap');

exports.title = 'Two processes, one memory';

exports.run = ({ folder, did, saw }) => {
  const map = MmapMut.create(join(folder, 'shared'), 4096);
  const { buffer } = map;

  did('we write into our map, without a flush, and start a second process that maps the file');
  buffer.write('ping', 0);
  const second = spawnSync(process.execPath, [__filename, map.path], { encoding: 'utf8' });
  saw('its exit code', second.status, 0);
  saw('it read', second.stdout, 'ping');
  saw('and wrote, which our Buffer shows', buffer.toString('latin1', 100, 104), 'pong');
  map.close();
};

/** What the second process does. */
if (require.main === module) {
  const map = MmapMut.open(process.argv[2]);
  process.stdout.write(map.buffer.toString('latin1', 0, 4));
  map.write('pong', 100);
  map.close();
}
