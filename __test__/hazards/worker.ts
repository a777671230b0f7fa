/**
 * The worker of `workers.ts`: opens maps of every kind, starts a flush, reads and searches, and ends as
 * it is told.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Mmap, MmapCow, MmapMut } from 'memmap';

const { path, end }: { path: string; end: string } = workerData;
const maps = [Mmap.open(path), MmapMut.open(path), MmapCow.open(path), MmapMut.anonymous(1 << 20)];
const buffers = maps.map((map) => map.buffer);
const shared = maps[1] as MmapMut;
shared.buffer.fill(0x77);
buffers[2]?.fill(0x78);
// Pending when the worker ends.
shared.flush().catch(() => {});
for (let page = 0; page < 1000; page++) shared.read(page, page + 1).catch(() => {});
shared.count(/nobody[0-9]/, { concurrency: 4 }).catch(() => {});
MmapMut.anonymous(2 ** 28)
  .findAll(/nobody[0-9]/, { concurrency: 4 })
  .catch(() => {});
parentPort?.postMessage(shared.length);
if (end === 'exit') setImmediate(() => process.exit(0));
if (end === 'throw') {
  setImmediate(() => {
    throw new Error('on purpose');
  });
}
// Until it is terminated.
if (end === 'terminate') setInterval(() => buffers[1]?.fill(0x77), 1);
