/** What a channel does within one thread: sending and receiving. */
import test from 'ava';
import { drain, fill, make } from '../helpers/channels';
import { codeOf } from '../helpers/maps';

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
