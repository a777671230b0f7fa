/** What a channel refuses: bad arguments, a map that is too short, a lane that lies. */
import { truncateSync } from 'node:fs';
import test from 'ava';
import { Mmap, MmapError, MmapMut } from 'memmap';
import { Channel } from 'memmap/channel';
import { drain, make, SMALL } from '../helpers/channels';
import { onLinux } from '../helpers/gates';
import { codeOf } from '../helpers/maps';
import { temporaryFile } from '../helpers/temporary';
import { turns } from '../helpers/until';

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
