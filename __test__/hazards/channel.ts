/** Channels between this thread and a worker or a process, on every runtime. */
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { type MapDescriptor, MmapMut } from 'memmap';
import { Channel } from 'memmap/channel';
import { runtimeArguments } from '../helpers/run';
import { newPath } from '../helpers/scratch';
import { play } from './tools';

const SIZE = { lanes: 2, capacity: 4096 };
const BYTES = Channel.bytes(SIZE);
const COUNT = 2000;

/** Message number `index`: most fit into a record, every fiftieth takes several. */
function message(index: number): Buffer {
  const data = Buffer.alloc(4 + (index % 50 === 0 ? 9000 : index % 500), index & 255);
  data.writeUInt32LE(index);
  return data;
}

/** The other side: sends back what it receives, and blocks meanwhile. */
function echo(map: MmapMut): void {
  const receiver = new Channel(map, 0, SIZE).receiver();
  const sender = new Channel(map, BYTES, SIZE).sender();
  for (let index = 0; index < COUNT; index++) sender.sendSync(receiver.receiveSync().data);
  map.close();
}

/** This side: waits by promises, in both directions. */
async function talk(map: MmapMut): Promise<void> {
  const sender = new Channel(map, 0, SIZE).sender();
  const receiver = new Channel(map, BYTES, SIZE).receiver();
  const sending = (async () => {
    for (let index = 0; index < COUNT; index++) {
      await sender.send(message(index), { timeout: 60_000 });
    }
  })();
  for (let index = 0; index < COUNT; index++) {
    const { data } = await receiver.receive({ timeout: 60_000 });
    assert(data.equals(message(index)), `message ${index}`);
  }
  await sending;
}

const scenarios: Record<string, (...rest: string[]) => unknown> = {
  worker: async () => {
    const map = MmapMut.anonymous(2 * BYTES);
    const worker = new Worker(__filename, { workerData: map.descriptor() });
    const exit = once(worker, 'exit');
    await talk(map);
    await exit;
    map.close();
  },

  process: async () => {
    const path = newPath();
    const map = MmapMut.create(path, 2 * BYTES);
    const child = spawn(process.execPath, [...runtimeArguments(), __filename, 'echo', path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exit = once(child, 'exit');
    await talk(map);
    assert.deepStrictEqual(await exit, [0, null]);
    map.close();
  },

  echo: (path) => echo(MmapMut.open(path as string)),
};

if (isMainThread) play(scenarios);
else echo(MmapMut.from(workerData as MapDescriptor));
