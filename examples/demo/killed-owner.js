const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { MmapMut } = require('memmap');
const { Mutex } = require('memmap/sync');

exports.title = 'A process is killed while it holds a lock';

exports.run = async ({ folder, did, saw }) => {
  const map = MmapMut.create(join(folder, 'locked'), 4096);
  const mutex = new Mutex(map, 0);

  did('another process: mutex.lockSync(), and is killed');
  const owner = spawn(process.execPath, [__filename, map.path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  saw('here mutex.tryLock() gets it', mutex.tryLock() !== null, false);
  owner.kill('SIGKILL');
  await once(owner, 'close');

  did('guard = await mutex.lock({ timeout: 5000 })');
  const guard = await mutex.lock({ timeout: 5000 });
  saw('guard.abandoned', guard.abandoned, true);
  guard.unlock();
  map.close();
};

/** What the other process does. */
if (require.main === module) {
  new Mutex(MmapMut.open(process.argv[2]), 0).lockSync();
  console.log('locked');
  process.stdin.resume();
}
