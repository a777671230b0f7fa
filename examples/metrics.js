/**
 * Counters of several server processes, summed for a metrics endpoint: a request costs an atomic add
 * in shared memory, and whichever process is asked answers for all. `node examples/metrics.js`
 */
const cluster = require('node:cluster');
const { createServer, get } = require('node:http');
const { SharedMemory } = require('memmap/shm');

const [PROCESSES, REQUESTS] = [3, 30];
const COUNTERS = ['requests_total', 'not_found_total', 'bytes_total'];
// Each process counts in 64 bytes of its own, a line of the processor's cache.
const SLOT = 64 / 8;
const name = process.env.METRICS ?? SharedMemory.generateName();
const map = cluster.isPrimary
  ? SharedMemory.create(name, PROCESSES * SLOT * 8, { unlinkOnExit: true })
  : SharedMemory.open(name);
const counters = map.view(BigUint64Array);

/** The text of the endpoint, as Prometheus reads it. */
function metrics() {
  const sum = (index) => {
    let total = 0n;
    for (let at = index; at < counters.length; at += SLOT) total += Atomics.load(counters, at);
    return total;
  };
  return COUNTERS.map((counter, index) => `${counter} ${sum(index)}\n`).join('');
}

function serve() {
  const slot = SLOT * Number(process.env.SLOT);
  const count = (index, by = 1) => Atomics.add(counters, slot + index, BigInt(by));
  createServer(({ url }, response) => {
    if (url === '/metrics') return response.end(metrics());
    const body = url === '/' ? 'hello\n' : 'there is nothing here\n';
    count(0);
    if (url !== '/') count(1);
    count(2, body.length);
    response.writeHead(url === '/' ? 200 : 404).end(body);
  }).listen(0);
}

async function main() {
  for (let SLOT = 0; SLOT < PROCESSES; SLOT++) cluster.fork({ METRICS: name, SLOT });
  const port = await new Promise((resolve) => {
    let ready = 0;
    cluster.on('listening', (_, address) => ++ready === PROCESSES && resolve(address.port));
  });
  const ask = (path) =>
    new Promise((resolve) => {
      get({ port, path, agent: false }, async (response) => resolve(`${await response.toArray()}`));
    });
  for (let i = 0; i < REQUESTS; i++) await ask(i % 3 === 0 ? '/missing' : '/');
  process.stdout.write(await ask('/metrics'));
  for (const worker of Object.values(cluster.workers)) worker.kill();
}

if (cluster.isPrimary) main();
else serve();
