/**
 * What a channel costs between two processes, beside `process.send` (json and advanced), a Unix
 * socket with lengths before its messages, and `worker.postMessage`: one way for small messages and
 * large ones, and round trips.
 */
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:net');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { MmapMut } = require('memmap');
const { Channel } = require('memmap/channel');
const { SIZE, framed, frames } = require('./peers/channel');
const { cPeer, missing } = require('./peers');

const ROUNDS = 7;
const SMALL = { length: 64, count: 20_000, faster: 10 };
const LARGE = { length: 65_528, count: 300, faster: 10 };
const TRIPS = { length: 64, count: 2_000, faster: 4 };
const IN_C = 'two processes in C';
const SPINNING_IN_C = 'two processes in C that spin';
const PEER = join(__dirname, 'peers', 'channel.js');

/** Runs one measurement with a peer that has `post`, and calls `onMessage`. */
function overMessages(peer) {
  const measure = (what, { count, length }) =>
    new Promise((resolve) => {
      const data = Buffer.alloc(length, 1);
      const start = process.hrtime.bigint();
      let got = 0;
      let seen = 0;
      let bytes = 0;
      peer.onMessage = (message) => {
        // What nobody reads may never be copied.
        seen += message[0];
        bytes += message.length;
        if (++got < count) return what === 'roundTrip' && peer.post(data);
        const time = Number(process.hrtime.bigint() - start) / count;
        if (seen !== count) throw new Error('messages have other bytes');
        resolve({ time, answer: bytes / count });
      };
      peer.post(Buffer.from(JSON.stringify({ what, count, length })));
      if (what === 'roundTrip') peer.post(data);
    });
  return { measure, stop: peer.stop };
}

function overIpc(serialization) {
  const child = fork(PEER, ['ipc'], { serialization });
  const peer = { post: (data) => child.send(data), stop: () => child.disconnect() };
  child.on('message', (message) => peer.onMessage(message.data ?? message));
  return overMessages(peer);
}

async function overSocket(folder) {
  const path = join(folder, 'socket');
  const server = createServer().listen(path);
  fork(PEER, ['socket', path]);
  const [socket] = await once(server, 'connection');
  server.close();
  const peer = { post: (data) => socket.write(framed(data)), stop: () => socket.destroy() };
  frames(socket, (message) => peer.onMessage(message));
  return overMessages(peer);
}

function overWorker() {
  const worker = new Worker(PEER);
  const peer = { post: (data) => worker.postMessage(data), stop: () => worker.terminate() };
  worker.on('message', (message) => peer.onMessage(message));
  return overMessages(peer);
}

function overChannel(folder, spin) {
  const path = join(folder, `channel-${spin}`);
  const map = MmapMut.create(path, 2 * Channel.bytes(SIZE));
  const there = new Channel(map, 0, SIZE).sender();
  const back = new Channel(map, Channel.bytes(SIZE), SIZE).receiver({ spin });
  const child = fork(PEER, ['memmap', path, String(spin)]);
  const measure = async (what, { count, length, faster }, lend) => {
    // It runs for about as long as the others.
    const total = count * faster;
    const data = Buffer.alloc(length, 1);
    let seen = 0;
    let bytes = 0;
    const take = (message) => {
      seen += message.data[0];
      bytes += message.data.length;
    };
    there.sendSync(JSON.stringify({ what, count: total, length }));
    const start = process.hrtime.bigint();
    if (what === 'oneWay' && lend) {
      for await (const batch of back.batches({ lend })) {
        for (const message of batch) take(message);
        if (seen === total) break;
      }
    } else if (what === 'oneWay') while (seen < total) take(back.receiveSync());
    else if (what === 'blocking') {
      for (let i = 0; i < total; i++) {
        there.sendSync(data);
        take(back.receiveSync());
      }
    } else {
      for (let i = 0; i < total; i++) {
        await there.send(data);
        take(await back.receive());
      }
    }
    const time = Number(process.hrtime.bigint() - start) / total;
    if (seen !== total) throw new Error('messages are missing');
    return { time, answer: bytes / total };
  };
  const stop = () => {
    child.disconnect();
    map.close();
  };
  return { measure, stop };
}

/** What the record shows of each peer. */
const COMMANDS = {
  'process.send (advanced)': "child.send(data), fork(..., { serialization: 'advanced' })",
  'process.send (json)': 'child.send(data)',
  'Unix socket': 'socket.write(frame)',
  'worker.postMessage': 'worker.postMessage(data)',
};

/** What the record shows of the programs in C, by the way in which they run. */
const IN_C_COMMANDS = {
  ring: 'a ring in shared memory, futex',
  trip: 'a word each in shared memory, futex',
  spin: 'a word each in shared memory, read for 50 µs, then futex',
};

exports.title = 'Messages between processes';
exports.about =
  'Sends messages from one process to another and waits for all, or sends one and waits for its echo. The time is that of one message or one round trip, the answer the mean length of what arrived.';

exports.run = async ({ folder, comparisons }) => {
  const memmap = overChannel(folder, 50);
  const sleeping = overChannel(folder, 0);
  // Compiled where there is a C compiler, and named as missing elsewhere.
  const started = [];
  const inC = (way, { length, count, faster }, atMost) => {
    const peer = cPeer(folder, 'channel', way, String(length));
    started.push(peer);
    const contestant = {
      command: IN_C_COMMANDS[way],
      run: peer && (() => peer.run(count * faster)),
      missing: missing('cc'),
      atMost,
    };
    return { [way === 'spin' ? SPINNING_IN_C : IN_C]: contestant };
  };
  const peers = {
    'process.send (advanced)': overIpc('advanced'),
    'process.send (json)': overIpc('json'),
    'Unix socket': process.platform === 'win32' ? null : await overSocket(folder),
    'worker.postMessage': overWorker(),
  };
  try {
    const compare = async (title, command, own, what, size, { c, ...targets } = {}) => {
      const contestants = { memmap: { command, run: own } };
      for (const [name, peer] of Object.entries(peers)) {
        const run = peer && (() => peer.measure(what, size));
        contestants[name] = { command: COMMANDS[name], run, atMost: targets[name] };
      }
      await comparisons.compare(title, { ...contestants, ...c }, { rounds: ROUNDS });
    };
    const advanced = 'process.send (advanced)';
    await compare(
      'a message of 64 bytes, one way',
      'sender.sendSync(data); receiver.receiveSync()',
      () => memmap.measure('oneWay', SMALL, false),
      'oneWay',
      SMALL,
      { c: inC('ring', SMALL), [advanced]: 1 / 20 },
    );
    await compare(
      'a message of 64 KiB, one way, received without a copy',
      'sender.sendSync(data); receiver.batches({ lend: true })',
      () => memmap.measure('oneWay', LARGE, true),
      'oneWay',
      LARGE,
      { c: inC('ring', LARGE), [advanced]: 1 / 15 },
    );
    const awaiting = 'await sender.send(data); await receiver.receive()';
    await compare(
      'round trip on event loops',
      awaiting,
      () => memmap.measure('roundTrip', TRIPS),
      'roundTrip',
      TRIPS,
      { [advanced]: 1 },
    );
    await compare(
      'round trip on event loops, spin: 0',
      awaiting,
      () => sleeping.measure('roundTrip', TRIPS),
      'roundTrip',
      TRIPS,
    );
    const blocking = 'sender.sendSync(data); receiver.receiveSync()';
    await compare(
      'round trip, memmap blocking',
      blocking,
      () => memmap.measure('blocking', TRIPS),
      'roundTrip',
      TRIPS,
      { c: { ...inC('trip', TRIPS, 1.5), ...inC('spin', TRIPS) } },
    );
    await compare(
      'round trip, memmap blocking, spin: 0',
      blocking,
      () => sleeping.measure('blocking', TRIPS),
      'roundTrip',
      TRIPS,
      { c: inC('trip', TRIPS) },
    );
  } finally {
    memmap.stop();
    sleeping.stop();
    for (const peer of [...Object.values(peers), ...started]) peer?.stop();
  }
};
