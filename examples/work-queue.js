/**
 * Four processes share a queue of jobs in shared memory. The first one that takes a certain job is
 * killed while it owns the lock and the job; a new process replaces it.
 * `node examples/work-queue.js`
 */
const { fork } = require('node:child_process');
const { SharedMemory } = require('memmap/shm');
const { Condition, Mutex } = require('memmap/sync');

const [JOBS, DEADLY, DONE] = [100, 50, -1];
const [, , known] = process.argv;
const name = known ?? `memmap-queue-${process.pid}`;
const map = known
  ? SharedMemory.open(name)
  : SharedMemory.create(name, 4096, { unlinkOnExit: true });
const mutex = new Mutex(map, 0);
const changed = new Condition(map, 8);
const deaths = map.atomic(16);
// For each job 0, the process that works on it, or DONE.
const jobs = map.view(Int32Array, 64, JOBS);
const isDone = () => jobs.every((job) => job === DONE);

function work() {
  for (;;) {
    const guard = mutex.lockSync();
    while (!jobs.includes(0) && !isDone()) changed.waitSync(guard);
    const job = jobs.indexOf(0);
    if (job === -1) return guard.unlock();
    jobs[job] = process.pid;
    if (job === DEADLY && deaths.add(1) === 0) process.kill(process.pid, 'SIGKILL');
    guard.unlock();
    for (const end = performance.now() + 2; performance.now() < end; );
    const finished = mutex.lockSync();
    jobs[job] = DONE;
    changed.notifyAll();
    finished.unlock();
  }
}

function hire() {
  const worker = fork(__filename, [name]);
  worker.on('exit', async (code) => {
    if (code === 0) return;
    const guard = await mutex.lock();
    jobs[jobs.indexOf(worker.pid)] = 0;
    changed.notifyAll();
    guard.unlock();
    console.log('a worker was killed; another one takes its place');
    hire();
  });
}

async function main() {
  for (let count = 0; count < 4; count++) hire();
  const guard = await mutex.lock();
  while (!isDone()) await changed.wait(guard);
  guard.unlock();
  console.log(`${JOBS} jobs are done`);
}

if (known) work();
else main();
