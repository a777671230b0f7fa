/** How waiting for a message, or for space, ends. */
import test from 'ava';
import { drain, fill, make } from '../helpers/channels';
import { codeOf } from '../helpers/maps';
import { turns } from '../helpers/until';

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
