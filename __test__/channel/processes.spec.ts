/** A channel between processes and workers: waiting, and what the death of either side leaves. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { MmapMut } from 'memmap';
import { Channel, type Receiver } from 'memmap/channel';
import { SharedMemory } from 'memmap/shm';
import { notOnMacOS, onUnix } from '../helpers/gates';
import { ended, line, sharedFile, start, startWorker } from '../helpers/processes';
import { root } from '../helpers/temporary';
import { until } from '../helpers/until';

const SIZE = { lanes: 4, capacity: 4096 };
const OPEN = `const { Channel } = require('memmap/channel');
  const channel = new Channel(map, 0, ${JSON.stringify(SIZE)});`;
const LIMIT = { timeout: 60_000 };

/** A channel in a file. */
function make(t: ExecutionContext) {
  const { path, map } = sharedFile(t, Channel.bytes(SIZE));
  return { path, map, channel: new Channel(map, 0, SIZE) };
}

/** Sends `count` numbered messages, some of them of several records. */
function numbered(count: number, how: string): string {
  return `const sender = channel.sender();
    for (let i = 0; i < ${count}; i++) {
      const data = Buffer.alloc(4 + (i * 7919) % (i % 50 === 0 ? 9000 : 700), i & 255);
      data.writeUInt32LE(i);
      ${how};
    }`;
}

/** Checks what {@link numbered} sends, of several senders. Returns how many messages came. */
async function receiveNumbered(
  t: ExecutionContext,
  receiver: Receiver,
  count: number,
): Promise<void> {
  const next = new Map<number, number>();
  for (let received = 0; received < count; received++) {
    const { data, sender } = await receiver.receive(LIMIT);
    const number = next.get(sender) ?? 0;
    next.set(sender, number + 1);
    if (data.readUInt32LE() !== number) t.is(data.readUInt32LE(), number, `lane ${sender}`);
    if (!data.subarray(4).every((byte) => byte === (number & 255))) t.fail('torn');
  }
  t.is(receiver.tryReceive(), null);
}

test('workers share a channel in anonymous memory', async (t) => {
  using map = MmapMut.anonymous(Channel.bytes(SIZE));
  const receiver = new Channel(map, 0, SIZE).receiver();
  const workers = [0, 1, 2].map(
    () =>
      new Worker(
        `const { workerData } = require('node:worker_threads');
        const { MmapMut } = require(workerData.root);
        const { Channel } = require(workerData.root + '/dist/channel.js');
        const map = MmapMut.from(workerData.descriptor);
        const channel = new Channel(map, 0, ${JSON.stringify(SIZE)});
        ${numbered(500, 'sender.sendSync(data)')}`,
        { eval: true, workerData: { root, descriptor: map.descriptor() } },
      ),
  );
  const exits = workers.map((worker) => once(worker, 'exit'));
  await receiveNumbered(t, receiver, 1500);
  t.deepEqual(await Promise.all(exits), [[0], [0], [0]]);
});

test('processes and workers send to one receiver, and wait for room', async (t) => {
  const { path, channel } = make(t);
  const receiver = channel.receiver();
  const count = 2000;
  const children = [
    start(path, `${OPEN} ${numbered(count, 'sender.sendSync(data)')}`),
    start(path, `${OPEN} ${numbered(count, 'await sender.send(data)')}`),
  ].map(ended);
  const workers = [
    startWorker(path, `${OPEN} ${numbered(count, 'sender.sendSync(data)')}`),
    startWorker(path, `${OPEN} ${numbered(count, 'await sender.send(data)')}`),
  ].map((worker) => once(worker, 'exit'));
  await receiveNumbered(t, receiver, 4 * count);
  for (const { status, stderr } of await Promise.all(children)) t.is(status, 0, stderr);
  t.deepEqual(await Promise.all(workers), [[0], [0]]);
  t.is(receiver.dropped, 0);
  // The lanes of what has ended are free, as soon as the kernel has forgotten the threads.
  for (let lane = 0; lane < SIZE.lanes; lane++) {
    await until(() => {
      const sender = channel.sender();
      if (sender.lane === lane) return true;
      sender.close();
      return false;
    }, `lane ${lane} is free`);
  }
});

test('a receiver that blocks, and one that sleeps on the event loop, are woken', async (t) => {
  const { path, channel } = make(t);
  const sender = channel.sender();
  const answers = Channel.bytes(SIZE);
  const { path: back, map: backMap } = sharedFile(t, answers);
  const receiver = new Channel(backMap, 0, SIZE).receiver();
  for (const wait of ['receiver.receiveSync()', 'await receiver.receive()']) {
    const child = start(
      path,
      `${OPEN} const receiver = channel.receiver();
       const answer = new Channel(MmapMut.open(${JSON.stringify(back)}), 0, ${JSON.stringify(SIZE)}).sender();
       for (;;) {
         const { data } = ${wait};
         answer.sendSync(data);
         if (data.toString() === '299') { receiver.close(); return process.exit(); }
       }`,
    );
    const end = ended(child);
    for (let i = 0; i < 300; i++) {
      sender.sendSync(`${i}`);
      t.is((await receiver.receive(LIMIT)).data.toString(), `${i}`);
    }
    const { status, stderr } = await end;
    t.is(status, 0, stderr);
  }
});

onUnix(
  'a killed sender leaves whole messages, and a lane that is free (not on Windows)',
  async (t) => {
    const { path, channel } = make(t);
    const child = start(
      path,
      `${OPEN} const sender = channel.sender();
     sender.sendSync('whole');
     setTimeout(() => console.log('in the middle'), 100);
     await sender.send(Buffer.alloc(100_000, 'long'));`,
    );
    t.is(await line(child), 'in the middle');
    child.kill('SIGKILL');
    await ended(child);
    for (let lane = 1; lane < SIZE.lanes; lane++) channel.sender();
    t.throws(() => channel.sender(), { code: 'ERR_MMAP_FULL' });
    const receiver = channel.receiver();
    t.is(receiver.tryReceive()?.data.toString(), 'whole');
    t.is(receiver.tryReceive(), null);
    t.is(receiver.dropped, 1);
    const next = channel.sender();
    t.deepEqual([next.lane, next.epoch], [0, 2]);
    next.trySend('of the next one');
    const message = receiver.tryReceive();
    t.deepEqual([message?.data.toString(), message?.epoch], ['of the next one', 2]);
  },
);

onUnix('a receiver that waits sees the death of a sender by itself (not on Windows)', async (t) => {
  const { path, map, channel } = make(t);
  const receiver = channel.receiver();
  const child = start(path, `${OPEN} await channel.sender().send(Buffer.alloc(1_000_000));`);
  const waiting = receiver.receive(LIMIT);
  const head = map.view(Int32Array, 4096 + 128, 1);
  await until(() => Atomics.load(head, 0) !== 0, 'the child sends');
  child.kill('SIGKILL');
  await ended(child);
  await until(() => receiver.dropped === 1, 'the rest is dropped');
  channel.sender().sendSync('on');
  t.is((await waiting).data.toString(), 'on');
});

onUnix('what a killed receiver was handling comes again (not on Windows)', async (t) => {
  const { path, channel } = make(t);
  const sender = channel.sender();
  for (let i = 0; i < 4; i++) sender.sendSync(`${i}`);
  const child = start(
    path,
    `${OPEN} const receiver = channel.receiver();
     receiver.receiveSync(); receiver.receiveSync(); await receiver.receive(); console.log('1');
     setInterval(() => {}, 1000);`,
  );
  await line(child);
  await until(() => {
    try {
      channel.receiver().close();
      return false;
    } catch {
      return true;
    }
  }, 'there is a receiver');
  child.kill('SIGKILL');
  await ended(child);
  const receiver = channel.receiver();
  t.true(receiver.abandoned);
  t.is(receiver.tryReceive()?.data.toString(), '2');
  t.is(receiver.tryReceive()?.data.toString(), '3');
  t.is(receiver.tryReceive(), null);
});

for (const [what, code] of Object.entries({
  'await send()': 'const sender = channel.sender(); for (;;) await sender.send(Buffer.alloc(900));',
  'sendSync()': 'const sender = channel.sender(); for (;;) sender.sendSync(Buffer.alloc(900));',
  'a long send()': 'await channel.sender().send(Buffer.alloc(100_000));',
})) {
  notOnMacOS(
    `a worker that is terminated in ${what} leaves its lane (not on macOS: it tells of no ended thread)`,
    async (t) => {
      const { path, map, channel } = make(t);
      const tail = map.view(Int32Array, 4096, 1);
      const worker = startWorker(path, `${OPEN} ${code}`);
      await until(() => Atomics.load(tail, 0) !== 0, 'the worker sends');
      await worker.terminate();
      const receiver = channel.receiver();
      while (receiver.tryReceive()) t.pass();
      const lanes = Array.from({ length: SIZE.lanes }, () => channel.sender().lane);
      t.deepEqual(lanes.sort(), [0, 1, 2, 3]);
    },
  );
}

for (const [what, code] of Object.entries({
  'await receive()': 'for (;;) await receiver.receive();',
  'receiveSync()': 'for (;;) receiver.receiveSync();',
  'for await': 'for await (const batch of receiver.batches({ lend: true }));',
})) {
  notOnMacOS(
    `a worker that is terminated in ${what} leaves the channel to the next (not on macOS: it tells of no ended thread)`,
    async (t) => {
      const { path, map, channel } = make(t);
      const sender = channel.sender();
      sender.sendSync('one');
      const worker = startWorker(path, `${OPEN} const receiver = channel.receiver(); ${code}`);
      const head = map.view(Int32Array, 4096 + 128, 1);
      await until(() => Atomics.load(head, 0) !== 0, 'the worker receives');
      await worker.terminate();
      const receiver = channel.receiver();
      t.true(receiver.abandoned);
      sender.sendSync('two');
      t.is((await receiver.receive(LIMIT)).data.toString(), 'two');
    },
  );
}

test('a channel lies in named shared memory, too', async (t) => {
  if (process.platform === 'win32') return t.pass();
  const name = SharedMemory.generateName();
  const size = Channel.bytes(SIZE) + 64;
  using memory = SharedMemory.create(name, size, { unlinkOnExit: true });
  t.teardown(() => SharedMemory.unlink(name));
  const receiver = new Channel(memory, 64, SIZE).receiver();
  const worker = new Worker(
    `const { SharedMemory } = require('memmap/shm'); const { Channel } = require('memmap/channel');
     const map = SharedMemory.open(${JSON.stringify(name)});
     new Channel(map, 64, ${JSON.stringify(SIZE)}).sender().sendSync('from a worker');`,
    { eval: true },
  );
  const exited = once(worker, 'exit');
  t.is((await receiver.receive(LIMIT)).data.toString(), 'from a worker');
  await exited;
});
