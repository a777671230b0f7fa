/**
 * The other process of the benchmark of locks: `node locks.js <path> contend|passTurns`. Reads a
 * count from each line of standard input, takes part so many times, and answers with a line.
 */
const { createInterface } = require('node:readline');
const { MmapMut } = require('memmap');
const { Barrier, Condition, Mutex } = require('memmap/sync');

/** Counts under the lock what both processes do. */
exports.contend = (mutex, words, count) => {
  for (let i = 0; i < count; i++) {
    const guard = mutex.lockSync();
    words[1]++;
    guard.unlock();
  }
};

/** Waits until the turn is `mine`, counts it and passes it to the other one. */
exports.passTurns = (mutex, condition, words, mine, count) => {
  for (let i = 0; i < count; i++) {
    const guard = mutex.lockSync();
    while (words[0] !== mine) condition.waitSync(guard);
    words[1]++;
    words[0] = 1 - mine;
    condition.notify();
    guard.unlock();
  }
};

if (require.main === module) {
  const [, , path, what] = process.argv;
  const map = MmapMut.open(path);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const barrier = new Barrier(map, 16, 2);
  const words = map.view(Int32Array, 32, 2);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const count = Number(line);
    barrier.waitSync();
    if (what === 'contend') exports.contend(mutex, words, count);
    else exports.passTurns(mutex, condition, words, 1, count);
    barrier.waitSync();
    console.log(0);
  });
}
