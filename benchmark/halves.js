/** A search by two workers, each of a half: what two threads can do that wait for nothing. */
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');

const SEARCHING = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { memmap, path, offset, length } = workerData;
  const { Mmap } = require(memmap);
  parentPort.on('message', (expression) => {
    const map = Mmap.open(path, { offset, length });
    parentPort.postMessage(map.countSync(expression));
    map.close();
  });`;

/** The workers for a file that is divided at `middle`. */
class Halves {
  constructor(path, middle, size) {
    const memmap = require.resolve('memmap');
    const halves = [
      { offset: 0, length: middle },
      { offset: middle, length: size - middle },
    ];
    this.workers = halves.map(
      (half) => new Worker(SEARCHING, { eval: true, workerData: { memmap, path, ...half } }),
    );
  }

  /** The number of matches in both. */
  async count(expression) {
    const answers = this.workers.map(async (worker) => {
      worker.postMessage(expression);
      const [count] = await once(worker, 'message');
      return count;
    });
    const [first, second] = await Promise.all(answers);
    return first + second;
  }

  async close() {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

module.exports = { Halves };
