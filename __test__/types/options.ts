/** With `exactOptionalPropertyTypes`, an option that is undefined is one that was left out. */
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { SharedMemory } from 'memmap/shm';
import { Barrier, FileLock, Mutex } from 'memmap/sync';

const memory = {
  populate: undefined,
  hugePages: undefined,
  shared: undefined,
  onFault: undefined,
};
const part = { offset: undefined, length: undefined, reserve: undefined };
const range = { start: undefined, end: undefined };
const job = { signal: undefined, onProgress: undefined };
const threaded = { ...job, concurrency: undefined };
const search = { ...range, encoding: undefined };
const find = { ...search, limit: undefined, which: undefined };
const lines = { ...range, encoding: undefined, keepEnds: undefined };
const wait = { timeout: undefined };
const waitAsync = { ...wait, signal: undefined };

const map = MmapMut.open('file', { ...memory, ...part, guard: undefined });
Mmap.open('file', {
  ...memory,
  ...part,
  concurrency: undefined,
  guard: undefined,
  keepDescriptor: undefined,
});
MmapCow.open('file', { ...memory, ...part, guard: undefined });
Mmap.from(map.descriptor(), { ...memory, guard: undefined });
MmapMut.create('file', 1, {
  ...memory,
  overwrite: undefined,
  allocate: undefined,
  mode: undefined,
});
MmapMut.anonymous(1, {
  hugePages: undefined,
  noReserve: undefined,
  populate: undefined,
  shared: undefined,
});
map.resize(1, { allocate: undefined });
void map.flush(0, 1, job);
void map.prefetch(0, 1, threaded);
map.prefetchSync(0, 1, { concurrency: undefined });
void map.read(0, 1, { signal: undefined });
void map.evict(0, 1, job);
void map.count('needle', { ...search, ...threaded });
void map.findAll('needle', { ...find, ...threaded });
map.countSync('needle', search);
map.findAllSync('needle', find);
map.matchAll('needle', range);
map.scan('needle', { ...search, ...threaded, batch: undefined });
map.lines(lines);
void map.lineCount({ ...range, ...threaded });
map.lineCountSync(range);
void map.lineIndex({ ...lines, ...threaded });
map.lineIndexSync(lines);
map.cursor().readLine({ encoding: undefined, keepEnds: undefined });
map.createReadStream({ ...range, highWaterMark: undefined });
map.readable({ ...range, chunkSize: undefined, type: undefined });
map.arrayBuffer(0, 1, { copy: undefined });
map.atomic(0).wait(0, wait);
void map.atomic(0).waitAsync(0, waitAsync);

SharedMemory.create('name', 1, { ...memory, mode: undefined, unlinkOnExit: undefined });
SharedMemory.open('name', memory);
new Mutex(map, 0).lockSync(wait);
void new Barrier(map, 8, 2).wait(waitAsync);
FileLock.tryAcquire('file', { shared: undefined, range: undefined });
FileLock.tryAcquire('file', { range: { start: 0, length: undefined } });
FileLock.acquireSync('file', { shared: undefined, range: undefined, ...wait });
void FileLock.acquire('file', { shared: undefined, range: undefined, ...waitAsync });
