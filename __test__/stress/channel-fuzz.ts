/**
 * Another process writes anything into a channel: `node channel-fuzz.js SEED ROUNDS`. Each round fills
 * some lanes, then writes random words over header, lanes, lengths and positions, and receives and
 * sends on. No call may crash, read outside of the ring, go on for ever, or throw anything but
 * ERR_MMAP_CORRUPT; a lane that nothing was written to delivers all that was sent.
 */
import assert from 'node:assert';
import { MmapError, MmapMut } from 'memmap';
import { Channel, type Receiver, type Sender } from 'memmap/channel';
import { Random } from '../helpers/random';

const SIZE = { lanes: 3, capacity: 4096 };
const LANE = (4096 + SIZE.capacity) / 4;
/** No message can be longer than a ring that is joined as often as this test receives. */
const MOST_CALLS = 5000;

/** Numbers that are likely to be taken for something. */
const TELLING = [
  0,
  1,
  2,
  7,
  8,
  511,
  512,
  513,
  1015,
  1016,
  1017,
  4088,
  4096,
  2 ** 29,
  2 ** 30,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32 - 8,
  2 ** 31 - 1,
];

function word(random: Random): number {
  const telling = random.pick(TELLING);
  const number = [telling, telling + random.below(16) - 8, random.next()][random.below(3)] ?? 0;
  return number | 0;
}

/** Words of a lane that mean something: where a wild producer, or receiver, does harm. */
const MEANING = [0, 1, 32, 64, 65, 80, 96, 97, 98];

/** Writes over a lane. */
function spoil(words: Int32Array, lane: number, random: Random): void {
  const at = 1024 + lane * LANE;
  for (let writes = 1 + random.below(8); writes > 0; writes--) {
    const inRing = 1024 + 2 * random.below(SIZE.capacity / 8) + random.below(2);
    const start = 1024 + random.below(4);
    const index = random.pick([random.pick(MEANING), inRing, start, random.below(LANE)]);
    words[at + index] = word(random);
  }
}

/** Does something; nothing but a poisoned lane is an error. Returns whether it was done. */
function allowed(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof MmapError) || error.code !== 'ERR_MMAP_CORRUPT') throw error;
    return false;
  }
}

/** Opens the channel once more, with whatever is in its header. */
function open(map: MmapMut): void {
  try {
    new Channel(map, 0, SIZE);
  } catch (error) {
    const code = error instanceof Error && Reflect.get(error, 'code');
    assert.ok(code === 'ERR_OUT_OF_RANGE' || code === 'ERR_MMAP_CORRUPT', `${error}`);
  }
}

/** Sends some messages whose bytes are their lane's number. Returns how many. */
function fill(sender: Sender, random: Random): number {
  let count = 0;
  for (let tries = random.below(30); tries > 0; tries--) {
    const length = random.pick([random.below(20), random.below(1000), random.below(1900)]);
    allowed(() => {
      if (sender.trySend(Buffer.alloc(length, sender.lane))) count++;
    });
  }
  return count;
}

interface World {
  words: Int32Array;
  senders: Sender[];
  receiver: Receiver;
}

/** Receives all there is. Returns how many messages each lane had. */
function drain({ receiver, words }: World, spoiled: boolean[], random: Random): number[] {
  const counts = [0, 0, 0];
  for (let calls = 0; ; calls++) {
    assert.ok(calls < MOST_CALLS, 'receiving goes on for ever');
    let isOver = false;
    allowed(() => {
      const message = receiver.tryReceive();
      isOver = message === null;
      if (message === null) return;
      counts[message.sender] = (counts[message.sender] ?? 0) + 1;
      if (spoiled[message.sender]) return;
      assert.ok(
        message.data.every((byte) => byte === message.sender),
        'a message is torn',
      );
    });
    if (isOver) return counts;
    // It goes on writing while it is read.
    for (let lane = 0; lane < SIZE.lanes && random.below(10) === 0; lane++) {
      if (spoiled[lane]) spoil(words, lane, random);
    }
  }
}

function round(map: MmapMut, random: Random): boolean {
  const words = map.view(Int32Array);
  const channel = Channel.reset(map, 0, SIZE);
  // Positions near the point where they wrap, too.
  const begin = random.pick([0, -random.below(600), 2 ** 31 - random.below(600)]) | 0;
  for (let lane = 0; lane < SIZE.lanes; lane++) {
    for (const index of [0, 32]) words[1024 + lane * LANE + index] = begin;
  }
  const senders = Array.from({ length: SIZE.lanes }, () => channel.sender());
  const receiver = channel.receiver({ maxLength: 10_000 });
  const world = { words, senders, receiver };
  const spoiled = senders.map(() => random.below(2) === 0);
  const sent = [0, 0, 0];
  const received = [0, 0, 0];
  for (let turn = 0; turn < 3; turn++) {
    for (const sender of senders) {
      sent[sender.lane] = (sent[sender.lane] ?? 0) + fill(sender, random);
      if (spoiled[sender.lane]) spoil(words, sender.lane, random);
    }
    // Where nothing is read but when the channel is opened.
    if (random.below(4) === 0)
      words[random.pick([0, 1, 2, 3, 17, 32, random.below(1024)])] = word(random);
    open(map);
    const counts = drain(world, spoiled, random);
    counts.forEach((count, lane) => {
      received[lane] = (received[lane] ?? 0) + count;
    });
  }
  spoiled.forEach((bad, lane) => {
    if (!bad) assert.strictEqual(received[lane], sent[lane], `lane ${lane} has lost messages`);
  });
  receiver.close();
  for (const sender of senders) sender.close();
  return spoiled.some((bad, lane) => bad && received[lane] !== sent[lane]);
}

function main(seed: number, rounds: number): void {
  const random = new Random(seed);
  const map = MmapMut.anonymous(Channel.bytes(SIZE));
  let broken = 0;
  for (let count = 0; count < rounds; count++) if (round(map, random)) broken++;
  console.log(`${broken} of ${rounds} channels were broken`);
}

const [, , seed = '1', rounds = '100'] = process.argv;
main(Number(seed), Number(rounds));
