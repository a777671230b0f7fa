/**
 * Four processes work off one queue in one shared block. One is killed with the lock and a job in
 * its hands; another one takes its place. `node examples/work-queue.js`
 */
const { fork } = require('node:child_process');
const { SharedMemory } = require('memmap/shm');
const { Condition, Mutex } = require('memmap/sync');

const [JOBS, DONE] = [100, -1];
const [name = `memmap-queue-${process.pid}`, luck] = process.argv.slice(2);
const map = luck
  ? SharedMemory.open(name)
  : SharedMemory.create(name, 4096, { unlinkOnExit: true });
const mutex = new Mutex(map, 0);
const changed = new Condition(map, 8);
// For each job 0, the process that works on it, or DONE.
const jobs = map.view(Int32Array, 64, JOBS);
const isDone = () => jobs.every((job) => job === DONE);

function work() {
  for (let worked = 0; ; worked++) {
    const guard = mutex.lockSync();
    while (!jobs.includes(0) && !isDone()) changed.waitSync(guard);
    const job = jobs.indexOf(0);
    if (job === -1) return guard.unlock();
    jobs[job] = process.pid;
    if (luck === 'unlucky' && worked === 5) process.kill(process.pid, 'SIGKILL');
    guard.unlock();
    for (const end = performance.now() + 2; performance.now() < end; );
    const finished = mutex.lockSync();
    jobs[job] = DONE;
    changed.notifyAll();
    finished.unlock();
  }
}

function hire(luck) {
  const worker = fork(__filename, [name, luck]);
  worker.on('exit', async (_, signal) => {
    if (signal === null) return;
    const guard = await mutex.lock();
    jobs[jobs.indexOf(worker.pid)] = 0;
    changed.notifyAll();
    guard.unlock();
    console.log(`a worker was killed (${signal}); another one takes its place`);
    hire('lucky');
  });
}

async function main() {
  for (const luck of ['lucky', 'lucky', 'lucky', 'unlucky']) hire(luck);
  const guard = await mutex.lock();
  while (!isDone()) await changed.wait(guard);
  guard.unlock();
  console.log(`${JOBS} jobs are done`);
}

if (luck) work();
else main();
