/** What a channel does within one thread: sending, receiving, limits, errors, closing. */
import { truncateSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Mmap, MmapError, MmapMut } from 'memmap';
import { Channel, type ChannelOptions, type Receiver, type Sender } from 'memmap/channel';
import { onLinux } from '../helpers/gates';
import { codeOf } from '../helpers/maps';
import { temporaryFile } from '../helpers/temporary';
import { turns } from '../helpers/until';

const SMALL = { lanes: 2, capacity: 4096 };

/** A channel in memory of its own. */
function make(t: ExecutionContext, options: ChannelOptions = SMALL) {
  const map = MmapMut.anonymous(Channel.bytes(options));
  t.teardown(() => map.close());
  return { map, channel: new Channel(map, 0, options) };
}

/** All that can be received now. */
function drain(receiver: Receiver): string[] {
  const texts: string[] = [];
  for (let message = receiver.tryReceive(); message; message = receiver.tryReceive()) {
    texts.push(message.data.toString());
  }
  return texts;
}

/** Fills the ring. Returns how many messages it took. */
function fill(sender: Sender, data = Buffer.alloc(500)): number {
  let count = 0;
  while (sender.trySend(data)) count++;
  return count;
}

test('messages come in the order of their sender, with their types', (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  t.is(receiver.tryReceive(), null);
  t.true(sender.trySend('text é', { type: 65_535 }));
  t.true(sender.trySend(Buffer.from([1, 2, 3])));
  t.true(sender.trySend(new Float64Array([1.5]), { type: 7 }));
  t.true(sender.trySend(new DataView(new ArrayBuffer(4), 1, 2)));
  t.true(sender.trySend(''));
  t.deepEqual({ ...receiver.tryReceive() }, {
    data: Buffer.from('text é'),
    type: 65_535,
    sender: 0,
    epoch: 1,
  } as never);
  t.deepEqual(receiver.tryReceive()?.data, Buffer.from([1, 2, 3]));
  const third = receiver.tryReceive();
  t.deepEqual([third?.data.readDoubleLE(), third?.type], [1.5, 7]);
  t.is(receiver.tryReceive()?.data.length, 2);
  t.is(receiver.tryReceive()?.data.length, 0);
  t.is(receiver.tryReceive(), null);
});

test('messages of all lengths go round the ring', async (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  for (let round = 0; round < 3; round++) {
    for (let length = 0; length < 5000; length += length < 40 ? 1 : 37) {
      const data = Buffer.alloc(length, length & 255);
      const sent = sender.send(data, { type: length & 255 });
      const message = await receiver.receive({ timeout: 60_000 });
      await sent;
      t.true(message.data.equals(data), `${length} bytes`);
      t.is(message.type, length & 255);
    }
  }
  t.is(receiver.dropped, 0);
});

test('positions wrap at 2^32', (t) => {
  const { map, channel } = make(t);
  for (const word of [0, 32]) Atomics.store(map.view(Int32Array, 4096, 1024), word, -20);
  const sender = channel.sender();
  const receiver = channel.receiver();
  for (let i = 0; i < 100; i++) {
    t.true(sender.trySend(`message ${i}`));
    t.is(receiver.tryReceive()?.data.toString(), `message ${i}`);
  }
});

test('a full ring takes no more until the message before is handled', (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  const data = Buffer.alloc(504);
  t.is(fill(sender, data), 8);
  t.is(sender.dropped, 1);
  t.truthy(receiver.tryReceive());
  t.false(sender.trySend(data), 'the first message is being handled');
  t.truthy(receiver.tryReceive());
  t.true(sender.trySend(data));
  t.is(sender.dropped, 2);
});

test('a message of up to half the ring is sent whole, a longer one in parts', async (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  const whole = Buffer.alloc(1900, 'whole');
  t.true(sender.trySend(whole, { type: 9 }));
  const message = receiver.tryReceive();
  t.deepEqual([message?.data.equals(whole), message?.type], [true, 9]);
  t.is(
    codeOf(() => sender.trySend(Buffer.alloc(3000))),
    'ERR_OUT_OF_RANGE',
  );
  const long = Buffer.alloc(1_000_000);
  for (let i = 0; i < long.length; i++) long[i] = i % 251;
  const sent = sender.send(long);
  t.true((await receiver.receive({ timeout: 60_000 })).data.equals(long));
  await sent;
  t.is(
    codeOf(() => channel.sender({ maxLength: 10 }).trySend('12345678901')),
    'ERR_OUT_OF_RANGE',
  );
});

test('the bytes and options that are none', (t) => {
  const { map, channel } = make(t);
  const sender = channel.sender();
  t.is(
    codeOf(() => sender.trySend(5 as never)),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => sender.trySend('x', { type: 65_536 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => sender.trySend('x', 1 as never)),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => sender.claim(1017)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => channel.sender({ codec: 'xml' as never })),
    'ERR_INVALID_ARG_VALUE',
  );
  t.is(
    codeOf(() => channel.sender({ codec: {} as never })),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => channel.receiver({ onCorrupt: 1 as never })),
    'ERR_INVALID_ARG_TYPE',
  );
  t.is(
    codeOf(() => channel.receiver().batches({ limit: 0 })),
    'ERR_OUT_OF_RANGE',
  );
  for (const options of [{ lanes: 0 }, { lanes: 1025 }, { capacity: 5000 }, { capacity: 2048 }]) {
    t.is(
      codeOf(() => Channel.bytes(options)),
      'ERR_OUT_OF_RANGE',
    );
  }
  t.is(
    codeOf(() => new Channel(map, 4, SMALL)),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => new Channel(map, 0, { lanes: 1, capacity: 4096 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => new Channel(map, 0, { lanes: 2, capacity: 8192 })),
    'ERR_OUT_OF_RANGE',
  );
  t.is(
    codeOf(() => new Channel({} as never, 0)),
    'ERR_INVALID_ARG_TYPE',
  );
  const path = temporaryFile(t, Buffer.alloc(Channel.bytes(SMALL), 1));
  using readOnly = Mmap.open(path);
  t.is(
    codeOf(() => new Channel(readOnly as never, 0, SMALL)),
    'ERR_MMAP_READ_ONLY',
  );
  using other = MmapMut.open(path);
  t.is(
    codeOf(() => new Channel(other, 0, SMALL)),
    'ERR_MMAP_CORRUPT',
  );
  t.true(Channel.reset(other, 0, SMALL).sender().trySend('a fresh channel'));
  t.is(channel.lanes, 2);
  t.is(channel.capacity, 4096);
});

test('a lane has one sender, a channel one receiver', (t) => {
  const { channel } = make(t);
  const first = channel.sender();
  const second = channel.sender();
  t.deepEqual([first.lane, second.lane], [0, 1]);
  t.is(
    codeOf(() => channel.sender()),
    'ERR_MMAP_FULL',
  );
  first.trySend('the last');
  first.close();
  first.close();
  t.is(
    codeOf(() => first.trySend('x')),
    'ERR_MMAP_CLOSED',
  );
  t.is(
    codeOf(() => channel.sender()),
    'ERR_MMAP_FULL',
    'its message is not received',
  );
  const receiver = channel.receiver();
  t.is(
    codeOf(() => channel.receiver()),
    'ERR_MMAP_IN_USE',
  );
  t.deepEqual(drain(receiver), ['the last']);
  const third = channel.sender();
  t.deepEqual([third.lane, third.epoch], [0, 2]);
  third.trySend('of the third');
  t.is(receiver.tryReceive()?.epoch, 2);
  receiver.close();
  using next = channel.receiver();
  t.false(next.abandoned);
  t.deepEqual(drain(next), [], 'what was given to a receiver that was closed is handled');
  t.is(
    codeOf(() => receiver.tryReceive()),
    'ERR_MMAP_CLOSED',
  );
});

test('the receiver reads the lanes in turns', (t) => {
  const options = { lanes: 3, capacity: 2 ** 16 };
  const { channel } = make(t, options);
  const senders = [channel.sender(), channel.sender(), channel.sender()];
  for (const sender of senders) for (let i = 0; i < 200; i++) sender.trySend(`${i}`);
  const receiver = channel.receiver();
  const lanes = Array.from({ length: 600 }, () => receiver.tryReceive()?.sender);
  for (let lane = 0; lane < 3; lane++) {
    const first = lanes.slice(0, 96).filter((from) => from === lane);
    t.is(first.length, 32, `lane ${lane}`);
  }
  t.is(receiver.tryReceive(), null);
});

test('a claim is filled in the ring', (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  for (let i = 0; i < 100; i++) {
    const claim = sender.claim(1000, { type: i });
    claim?.data.fill(i);
    t.is(
      codeOf(() => sender.trySend('x')),
      'ERR_MMAP_IN_USE',
    );
    claim?.commit(i);
    t.is(
      codeOf(() => claim?.commit()),
      'ERR_MMAP_CLOSED',
    );
    const message = receiver.tryReceive();
    t.true(message?.data.equals(Buffer.alloc(i, i)));
    t.is(message?.type, i);
  }
  sender.claim(10)?.abort();
  {
    using claim = sender.claim(10);
    t.truthy(claim);
  }
  t.is(receiver.tryReceive(), null);
  t.true(sender.trySend('x'));
  receiver.tryReceive();
  receiver.tryReceive();
  fill(sender);
  t.is(sender.claim(1000), null);
});

test('codecs send values', async (t) => {
  const { channel } = make(t, { lanes: 4, capacity: 4096 });
  const value = { list: [1, 'two', null], text: 'é' };
  const json = channel.sender({ codec: 'json' });
  t.is(
    codeOf(() => json.trySend(undefined)),
    'ERR_INVALID_ARG_TYPE',
  );
  {
    using receiver = channel.receiver<typeof value>({ codec: 'json' });
    json.trySend(value);
    t.deepEqual(receiver.tryReceive()?.data, value);
    channel.sender().trySend('{ no JSON');
    t.throws(() => receiver.tryReceive(), { instanceOf: SyntaxError });
    t.is(receiver.tryReceive(), null);
  }
  {
    using receiver = channel.receiver({ codec: 'v8' });
    const sender = channel.sender({ codec: 'v8' });
    const rich = { map: new Map([[1, new Date(0)]]), numbers: new Float64Array([1, 2]) };
    sender.trySend(rich);
    t.deepEqual(receiver.tryReceive()?.data, rich);
  }
  const codec = {
    encode: (number: number) => Buffer.from([number]),
    decode: (bytes: Buffer) => bytes[0] ?? -1,
  };
  using receiver = channel.receiver({ codec });
  channel.sender({ codec }).trySend(42);
  const { data } = await receiver.receive();
  t.is(data, 42);
});

test('batches are of one lane, views where they are lent', async (t) => {
  const { map, channel } = make(t);
  const [a, b] = [channel.sender(), channel.sender()];
  const receiver = channel.receiver();
  for (let i = 0; i < 10; i++) a.trySend(`a${i}`);
  for (let i = 0; i < 10; i++) b.trySend(`b${i}`);
  const seen: string[][] = [];
  for await (const batch of receiver.batches({ lend: true, limit: 6 })) {
    seen.push([...batch].map(({ data }) => data.toString()));
    t.is(batch.length, [...batch].length);
    for (const { data } of batch) t.is(data.buffer, map.buffer.buffer, 'a view of the ring');
    if (seen.length === 4) break;
  }
  t.deepEqual(
    seen.map((batch) => batch[0]),
    ['a0', 'b0', 'a6', 'b6'],
  );
  t.is(receiver.tryReceive(), null, 'leaving the loop has acknowledged the last batch');
  fill(a);
  for await (const batch of receiver.batches()) {
    t.false(a.trySend(Buffer.alloc(500)));
    batch.release();
    batch.release();
    t.true(a.trySend(Buffer.alloc(500)));
    break;
  }
  drain(receiver);
  a.trySend('lent');
  t.is(
    codeOf(() => a.sendSync(Buffer.alloc(9000), { timeout: 5 })),
    'ERR_MMAP_TIMEOUT',
  );
  const head = () => map.view(Int32Array, 4096, 1024)[32];
  const before = head();
  for await (const batch of receiver.batches({ lend: true })) {
    t.deepEqual(
      [...batch].map(({ data }) => data.toString()),
      ['lent'],
    );
    t.is(head(), before, 'the parts behind it do not give its room away');
    break;
  }
  t.not(head(), before);
  a.trySend('next');
  const abort = new AbortController();
  const step = receiver.batches({ signal: abort.signal })[Symbol.asyncIterator]();
  await step.next();
  const waiting = step.next();
  abort.abort();
  await t.throwsAsync(waiting, { name: 'AbortError' });
});

test('waiting ends by a message, by time, by a signal and by closing', async (t) => {
  const { map, channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  const two = [receiver.receive(), receiver.receive()];
  await turns(3);
  sender.trySend('first');
  sender.trySend('second');
  t.deepEqual(
    (await Promise.all(two)).map(({ data }) => data.toString()),
    ['first', 'second'],
  );
  t.is(
    codeOf(() => receiver.receiveSync({ timeout: 5 })),
    'ERR_MMAP_TIMEOUT',
  );
  await t.throwsAsync(receiver.receive({ timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  const abort = new AbortController();
  const aborted = receiver.receive({ signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  await t.throwsAsync(aborted, { name: 'AbortError' });
  const count = fill(sender);
  const empty = fill(sender, Buffer.alloc(0));
  t.is(
    codeOf(() => sender.sendSync(Buffer.alloc(500), { timeout: 5 })),
    'ERR_MMAP_TIMEOUT',
  );
  await t.throwsAsync(sender.send(Buffer.alloc(500), { timeout: 5 }), { code: 'ERR_MMAP_TIMEOUT' });
  await t.throwsAsync(sender.send(Buffer.alloc(500), { signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  t.is(sender.dropped, 5);
  const waiting = [sender.send('later'), sender.send('last')];
  t.false(sender.trySend('overtakes'));
  t.is(
    codeOf(() => sender.sendSync('overtakes')),
    'ERR_MMAP_DEADLOCK',
  );
  for (let i = 0; i < count; i++) t.is((await receiver.receive()).data.length, 500);
  for (let i = 0; i < empty; i++) t.is((await receiver.receive()).data.length, 0);
  t.is((await receiver.receive()).data.toString(), 'later');
  t.is((await receiver.receive()).data.toString(), 'last');
  await Promise.all(waiting);
  fill(sender);
  const ended = sender.send(Buffer.alloc(500));
  sender.close();
  await t.throwsAsync(ended, { code: 'ERR_MMAP_CLOSED' });
  drain(receiver);
  const never = receiver.receive();
  await turns(2);
  receiver.close();
  await t.throwsAsync(never, { code: 'ERR_MMAP_CLOSED' });
  const other = channel.receiver();
  const iteration = other[Symbol.asyncIterator]().next();
  const open = other.receive();
  await turns(3);
  map.close();
  t.deepEqual(await iteration, { done: true, value: undefined });
  await t.throwsAsync(open, { code: 'ERR_MMAP_CLOSED' });
  t.true(other.closed);
  t.is(
    codeOf(() => other.tryReceive()),
    'ERR_MMAP_CLOSED',
  );
});

test('a message given up in the middle is dropped, and the next one is not', async (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  const receiver = channel.receiver();
  t.is(
    codeOf(() => sender.sendSync(Buffer.alloc(50_000), { timeout: 5 })),
    'ERR_MMAP_TIMEOUT',
  );
  const receiving = receiver.receive();
  await sender.send('whole');
  t.is((await receiving).data.toString(), 'whole');
  t.is(receiver.dropped, 1);
  t.is(
    codeOf(() => sender.sendSync(Buffer.alloc(50_000), { timeout: 5 })),
    'ERR_MMAP_TIMEOUT',
  );
  sender.close();
  t.is(receiver.tryReceive(), null);
  t.is(receiver.dropped, 2);
  const next = channel.sender();
  t.is(next.lane, 0, 'the lane is free again');
  receiver.close();
  using short = channel.receiver({ maxLength: 1000 });
  const sending = next.send(Buffer.alloc(50_000));
  const message = short.receive();
  await sending;
  next.sendSync('after it');
  t.is((await message).data.toString(), 'after it');
  t.is(short.dropped, 3);
});

test('a map that is resized goes on, one that is too short does not', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(Channel.bytes(SMALL)));
  const map = MmapMut.open(path);
  t.teardown(() => map.close());
  const channel = new Channel(map, 0, SMALL);
  const sender = channel.sender();
  const receiver = channel.receiver();
  sender.trySend('before');
  const claim = sender.claim(10);
  const { length } = map;
  map.resize(2 * length);
  claim?.data.fill('c');
  claim?.commit();
  const lost = sender.claim(10);
  map.resize(length);
  t.is(
    codeOf(() => lost?.commit()),
    'ERR_MMAP_CHANGED',
  );
  sender.trySend('after');
  t.deepEqual(drain(receiver), ['before', 'cccccccccc', 'after']);
  const waiting = receiver.receive();
  await turns(3);
  map.resize(map.length + 4096);
  sender.trySend('in the new memory');
  t.is((await waiting).data.toString(), 'in the new memory');
  map.resize(4096);
  t.is(
    codeOf(() => sender.trySend('x')),
    'ERR_MMAP_CHANGED',
  );
  t.is(
    codeOf(() => receiver.tryReceive()),
    'ERR_MMAP_CHANGED',
  );
});

test('a lane that lies is poisoned, the others go on', (t) => {
  const { map, channel } = make(t);
  const [bad, good] = [channel.sender(), channel.sender()];
  const receiver = channel.receiver();
  bad.trySend('lie');
  good.trySend('truth');
  map.view(Int32Array, 4096, 2048)[1024] = 5000;
  const error = t.throws(() => receiver.tryReceive(), { code: 'ERR_MMAP_CORRUPT' });
  t.true(error instanceof MmapError);
  t.deepEqual(drain(receiver), ['truth']);
  t.is(
    codeOf(() => bad.trySend('x')),
    'ERR_MMAP_CORRUPT',
  );
  bad.close();
  t.is(
    codeOf(() => channel.sender()),
    'ERR_MMAP_FULL',
    'nobody takes a poisoned lane',
  );
  receiver.close();
  const errors: string[] = [];
  using other = channel.receiver({ onCorrupt: ({ code }) => errors.push(code) });
  map.view(Int32Array, 4096 + 8192, 2048)[0] = 123_456;
  t.is(other.tryReceive(), null);
  t.deepEqual(errors, ['ERR_MMAP_CORRUPT']);
});

onLinux('nothing is sent to or received from bytes that are lost (Linux)', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(Channel.bytes(SMALL)));
  using map = MmapMut.open(path);
  const channel = new Channel(map, 0, SMALL);
  const sender = channel.sender();
  const receiver = channel.receiver();
  sender.trySend('before');
  const waiting = receiver.receive();
  t.is((await waiting).data.toString(), 'before');
  const later = receiver.receive();
  await turns(3);
  truncateSync(path, 0);
  t.is(
    codeOf(() => sender.trySend('x')),
    'ERR_MMAP_TRUNCATED',
  );
  t.is(
    codeOf(() => receiver.tryReceive()),
    'ERR_MMAP_TRUNCATED',
  );
  t.is(
    codeOf(() => channel.sender()),
    'ERR_MMAP_TRUNCATED',
  );
  await t.throwsAsync(later, { code: 'ERR_MMAP_TRUNCATED' });
});

onLinux('a message that is read from lost bytes is not delivered (Linux)', (t) => {
  const path = temporaryFile(t, Buffer.alloc(Channel.bytes(SMALL)));
  using map = MmapMut.open(path);
  const channel = new Channel(map, 0, SMALL);
  channel.sender().trySend('message');
  const receiver = channel.receiver();
  // The ring is gone, the lane's words are not: only reading the record shows it.
  truncateSync(path, 8192);
  t.is(
    codeOf(() => receiver.tryReceive()),
    'ERR_MMAP_TRUNCATED',
  );
});

test('a receiver that spins gets what comes meanwhile, and waits afterwards', async (t) => {
  const { channel } = make(t);
  const sender = channel.sender();
  for (const bad of [-1, 0.5, 100_001]) {
    t.throws(() => channel.receiver({ spin: bad }), { code: 'ERR_OUT_OF_RANGE' });
  }
  const receiver = channel.receiver({ spin: 2000 });
  t.throws(() => receiver.receiveSync({ timeout: 1 }), { code: 'ERR_MMAP_TIMEOUT' });
  await t.throwsAsync(receiver.receive({ timeout: 1 }), { code: 'ERR_MMAP_TIMEOUT' });
  const abort = new AbortController();
  const aborted = t.throwsAsync(receiver.receive({ signal: abort.signal }), { name: 'AbortError' });
  abort.abort();
  await aborted;
  const waits = [receiver.receive(), receiver.receive(), receiver.receive()];
  // While it spins, and once it sleeps.
  setImmediate(() => sender.trySend('1'));
  setTimeout(() => sender.trySend('2'), 20);
  setTimeout(() => sender.trySend('3'), 40);
  const texts = (await Promise.all(waits)).map(({ data }) => data.toString());
  t.deepEqual(texts, ['1', '2', '3']);
  const last = t.throwsAsync(receiver.receive(), { code: 'ERR_MMAP_CLOSED' });
  receiver.close();
  await last;
});
