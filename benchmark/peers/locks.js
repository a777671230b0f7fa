/**
 * The other process of the benchmark of locks: `node locks.js <path> contend|passTurns`. Reads a
 * count from each line of standard input, takes part so many times, and answers with a line.
 */
const { createInterface } = require('node:readline');
const { MmapMut } = require('memmap');
const { Barrier, Condition, Mutex } = require('memmap/sync');

/** Locks and unlocks. */
exports.contend = (mutex, count) => {
  for (let i = 0; i < count; i++) mutex.lockSync().unlock();
};

/** Waits until the turn is `mine`, and passes it to the other one. */
exports.passTurns = (mutex, condition, turn, mine, count) => {
  for (let i = 0; i < count; i++) {
    const guard = mutex.lockSync();
    while (turn[0] !== mine) condition.waitSync(guard);
    turn[0] = 1 - mine;
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
  const turn = map.view(Int32Array, 32, 1);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const count = Number(line);
    barrier.waitSync();
    if (what === 'contend') exports.contend(mutex, count);
    else exports.passTurns(mutex, condition, turn, 1, count);
    barrier.waitSync();
    console.log(0);
  });
}
