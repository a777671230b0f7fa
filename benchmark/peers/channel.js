/**
 * The other side of the benchmark of channels: a process `node channel.js <way> <path>`, or a worker.
 * The parent says `{ what, count, length }`; for `oneWay` this side sends so many messages of that
 * length, for `roundTrip` it sends back what it gets until it has had so many.
 */
const { createConnection } = require('node:net');
const { isMainThread, parentPort } = require('node:worker_threads');
const { MmapMut } = require('memmap');
const { Channel } = require('memmap/channel');

exports.SIZE = { lanes: 1, capacity: 2 ** 22 };

/** Calls `onMessage` for each message that a stream carries: a length, and so many bytes. */
exports.frames = (socket, onMessage) => {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length >= at + 4 && rest.length >= at + 4 + rest.readUInt32LE(at)) {
      const length = rest.readUInt32LE(at);
      onMessage(Buffer.from(rest.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    rest = rest.subarray(at);
  });
};

/** A message with its length before it. */
exports.framed = (data) => {
  const frame = Buffer.allocUnsafe(4 + data.length);
  frame.writeUInt32LE(data.length);
  data.copy(frame, 4);
  return frame;
};

/** Sends `count` messages by a function that answers whether more may follow at once. */
async function flood(post, count, data, drained) {
  for (let sent = 0; sent < count; sent++) if (!post(data)) await drained();
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Serves what the parent asks for, by a way of its own. */
function serve(listen, post, drained, encode = (data) => data) {
  let echo = 0;
  listen((message) => {
    if (echo > 0) {
      echo--;
      post(message);
      return;
    }
    const { what, count, length } = JSON.parse(Buffer.from(message).toString());
    if (what === 'roundTrip') echo = count;
    else flood(post, count, encode(Buffer.alloc(length, 1)), drained);
  });
}

const ways = {
  memmap(path, spin) {
    const map = MmapMut.open(path);
    const there = new Channel(map, 0, exports.SIZE).receiver({ spin: Number(spin) });
    const back = new Channel(map, Channel.bytes(exports.SIZE), exports.SIZE).sender();
    const main = async () => {
      for await (const { data } of there) {
        const { what, count, length } = JSON.parse(data.toString());
        const bytes = Buffer.alloc(length, 1);
        if (what === 'oneWay') for (let i = 0; i < count; i++) back.sendSync(bytes);
        else if (what === 'blocking') {
          for (let i = 0; i < count; i++) back.sendSync(there.receiveSync().data);
        } else for (let i = 0; i < count; i++) await back.send((await there.receive()).data);
      }
    };
    main();
    process.on('disconnect', () => process.exit());
  },
  ipc() {
    let sent = 0;
    // Now and then it waits until all before is written: else all of it lies in memory first.
    const post = (data) => process.send(data) && ++sent % 1000 !== 0;
    serve(
      (onMessage) => process.on('message', (message) => onMessage(message.data ?? message)),
      post,
      turn,
    );
    process.on('disconnect', () => process.exit());
  },
  socket(path) {
    const socket = createConnection(path);
    serve(
      (onMessage) => exports.frames(socket, onMessage),
      (data) => socket.write(exports.framed(data)),
      () => new Promise((resolve) => socket.once('drain', resolve)),
    );
    socket.on('close', () => process.exit());
  },
};

if (!isMainThread) {
  let sent = 0;
  serve(
    (onMessage) => parentPort.on('message', onMessage),
    (data) => {
      parentPort.postMessage(data);
      return ++sent % 1000 !== 0;
    },
    turn,
  );
} else if (require.main === module) {
  const [, , way, ...rest] = process.argv;
  ways[way](...rest);
}
