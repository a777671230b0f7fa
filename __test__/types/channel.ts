import { MmapMut } from 'memmap';
import {
  type AsyncOptions,
  type Batch,
  Channel,
  type Claim,
  type Message,
  type MessageData,
  type Receiver,
  type Sender,
} from 'memmap/channel';
import { SharedMemory } from 'memmap/shm';
import type { AsyncOptions as SyncAsyncOptions } from 'memmap/sync';
import { same } from './same.js';

const map = MmapMut.anonymous(Channel.bytes({ lanes: 2, capacity: 4096n }));
const channel = new Channel(map, 0n, { lanes: 2 });
new Channel(SharedMemory.open('name'), 0);
// @ts-expect-error: a map is no channel's place in memory by itself
new Channel(map);
// @ts-expect-error: others do not see the options
new Channel(map, 0, { codec: 'json' });

const sender = channel.sender({ maxLength: 10 });
same<Sender>()(sender);
same<boolean>()(sender.trySend('text', { type: 1 }));
sender.sendSync(new Float32Array(1), { timeout: 10 });
same<Promise<void>>()(sender.send(new DataView(new ArrayBuffer(8)), { type: 1, timeout: 10 }));
// @ts-expect-error: a value needs a codec
sender.trySend({ value: 1 });
same<Claim | null>()(sender.claim(10));

const receiver = channel.receiver();
same<Receiver<Buffer>>()(receiver);
same<Message<Buffer> | null>()(receiver.tryReceive());
same<Message>()(receiver.receiveSync({ timeout: 1 }));
same<AsyncIterableIterator<Batch<Buffer>>>()(receiver.batches({ lend: true, limit: 5 }));

interface Job {
  job: number;
}
channel.sender<Job>({ codec: 'json' }).trySend({ job: 1 });
// @ts-expect-error: another kind of value
channel.sender<Job>({ codec: 'json' }).trySend({ task: 1 });
same<unknown>()(channel.receiver({ codec: 'v8' }).receiveSync().data);
const codec = {
  encode: (value: Date): MessageData => value.toISOString(),
  decode: (bytes: Buffer) => new Date(bytes.toString()),
};
same<Sender<Date>>()(channel.sender({ codec }));
same<Receiver<Date>>()(channel.receiver({ codec, onCorrupt: ({ code }) => code }));

// Types that two entry points show are the same.
const options: AsyncOptions = {};
same<SyncAsyncOptions>()(options);
