const { spawnSync } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Mmap } = require('memmap');

exports.title = 'Another process truncates the file: elsewhere this kills (SIGBUS)';

exports.run = ({ folder, did, saw }) => {
  // Windows lets nobody truncate a file that is mapped.
  if (process.platform === 'win32') return did('not on Windows: the system prevents it');
  const path = join(folder, 'truncated');
  writeFileSync(path, Buffer.alloc(2 ** 20, 'x'));
  const map = Mmap.open(path);

  did('another process: fs.truncateSync(path, 0); here: map.buffer[500_000]');
  const script = `require("node:fs").truncateSync(${JSON.stringify(path)}, 0)`;
  saw('its exit code', spawnSync(process.execPath, ['-e', script]).status, 0);
  saw('the byte', map.buffer[500_000], 0);
  saw('map.faults.truncated', map.faults.truncated, true);

  did("map.indexOf('x')");
  let error;
  try {
    map.indexOf('x');
  } catch (thrown) {
    error = thrown;
  }
  saw('it throws', error?.code, 'ERR_MMAP_TRUNCATED');

  did('map.refresh()');
  saw('the map changed', map.refresh(), true);
  saw('map.length', map.length, 0);
  map.close();
};
