/**
 * A pool of processes: each takes jobs from a channel of its own, and all answer by one that they
 * share. The terminal shows how far they are. `node examples/worker-pool.js [number of jobs]`
 */
const { fork } = require('node:child_process');
const { SharedMemory } = require('memmap/shm');
const { Channel } = require('memmap/channel');

const [WORKERS, NUMBERS, LAST] = [4, 5_000, 1];
const ANSWERS = { lanes: WORKERS, capacity: 65_536 };
const JOBS = { lanes: 1, capacity: 4096 };
const jobsAt = (worker) => Channel.bytes(ANSWERS) + worker * Channel.bytes(JOBS);
const codec = 'json';

/** How many primes there are among the numbers of a job. */
function countPrimes(job) {
  let count = 0;
  for (let number = Math.max(2, job * NUMBERS); number < (job + 1) * NUMBERS; number++) {
    let divisor = 2;
    while (divisor * divisor <= number && number % divisor !== 0) divisor++;
    if (divisor * divisor > number) count++;
  }
  return count;
}

async function work(map, worker) {
  const answers = new Channel(map, 0, ANSWERS).sender({ codec });
  const jobs = new Channel(map, jobsAt(worker), JOBS).receiver({ codec });
  for await (const { data, type } of jobs) {
    if (type === LAST) break;
    await answers.send({ worker, primes: countPrimes(data.job) });
  }
  map.close();
}

async function main(count) {
  const name = SharedMemory.generateName();
  const map = SharedMemory.create(name, jobsAt(WORKERS), { unlinkOnExit: true });
  const answers = new Channel(map, 0, ANSWERS).receiver({ codec });
  const workers = Array.from({ length: WORKERS }, (_, worker) => {
    fork(__filename, [name, worker]);
    return new Channel(map, jobsAt(worker), JOBS).sender({ codec });
  });
  // Each worker has two jobs, and gets another one for each answer.
  let [job, primes] = [0, 0];
  const give = (sender) => job < count && sender.sendSync({ job: job++ });
  for (const sender of [...workers, ...workers]) give(sender);
  for (let done = 1; done <= count; done++) {
    const { data } = await answers.receive();
    primes += data.primes;
    give(workers[data.worker]);
    process.stderr.write(`\r${'#'.repeat((40 * done) / count).padEnd(40, '.')}`);
  }
  for (const sender of workers) sender.sendSync(null, { type: LAST });
  console.log(`\n${primes} primes below ${count * NUMBERS}`);
}

const [, , first = '40', worker] = process.argv;
worker === undefined ? main(Number(first)) : work(SharedMemory.open(first), Number(worker));
