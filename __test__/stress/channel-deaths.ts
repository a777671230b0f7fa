/**
 * Senders and receivers of a channel that are killed at random moments. Of what comes, nothing is
 * torn; what a sender was told that it has sent is not lost; and the others go on soon.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { MmapMut } from 'memmap';
import { Channel, type Receiver } from 'memmap/channel';
import { script } from '../helpers/processes';
import { newPath } from '../helpers/scratch';
import { until } from '../helpers/until';
import type { Scenario, StressOptions } from './scenario';

const SIZE = { lanes: 4, capacity: 4096 };
/** Behind the channel: for each lane the number that its sender was told it has sent, and its life. */
const TOLD = Channel.bytes(SIZE);
const LENGTH = TOLD + 4096;
/** Words there, after those of the lanes: the number of the last message that a receiver was given. */
const GIVEN = 64;
const ERRORS = 65;

const OPEN = `const { Channel } = require('memmap/channel');
  const channel = new Channel(map, 0, ${JSON.stringify(SIZE)});
  const told = map.view(Int32Array, ${TOLD}, 1024);`;

/** Sends numbered messages, some longer than the ring, and notes after each that it is sent. */
const SEND = `${OPEN} const parent = process.ppid;
  let sender;
  while (sender === undefined) try { sender = channel.sender(); } catch { await turns(10); }
  for (let i = 1; process.ppid === parent; i++) {
    const data = Buffer.alloc(8 + (i * 7919) % (i % 20 === 0 ? 9000 : i % 3 === 0 ? 900 : 30), i & 255);
    data.writeUInt32LE(i); data.writeUInt32LE(sender.epoch, 4);
    if (i % 2) await sender.send(data); else sender.sendSync(data);
    Atomics.store(told, 2 * sender.lane, i);
    Atomics.store(told, 2 * sender.lane + 1, sender.epoch);
  }`;

/** Receives what one sender sends, and notes what it was given; numbers may come again, none is missing. */
const RECEIVE = `${OPEN} const parent = process.ppid;
  const receiver = channel.receiver();
  while (process.ppid === parent) {
    const { data } = await receiver.receive({ timeout: 60_000 });
    const number = data.readUInt32LE();
    const before = Atomics.load(told, ${GIVEN});
    const isWhole = data.subarray(8).every((byte) => byte === (number & 255));
    if (!isWhole || number > before + 1) Atomics.add(told, ${ERRORS}, 1);
    Atomics.store(told, ${GIVEN}, Math.max(before, number));
  }`;

function start(path: string, code: string): { child: ChildProcess; die: () => Promise<void> } {
  const child = spawn(process.execPath, ['-e', script(path, code)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  return {
    child,
    async die() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What was received of a sender: its number of messages, and whether one was missing. */
class Arrivals {
  readonly #last = new Map<string, number>();

  take(receiver: Receiver): boolean {
    const message = receiver.tryReceive();
    if (message === null) return false;
    const { data, sender, epoch } = message;
    const number = data.readUInt32LE();
    const life = `${sender} ${epoch}`;
    if (data.readUInt32LE(4) !== epoch) throw new Error('a message of another epoch');
    if (number !== (this.#last.get(life) ?? 0) + 1) throw new Error('a message is missing');
    if (!data.subarray(8).every((byte) => byte === (number & 255))) throw new Error('torn');
    this.#last.set(life, number);
    return true;
  }

  /** The number of the last message of a sender. */
  last(lane: number, epoch: number): number {
    return this.#last.get(`${lane} ${epoch}`) ?? 0;
  }
}

async function killSenders({ random, size, log }: StressOptions): Promise<void> {
  const path = newPath();
  const map = MmapMut.create(path, LENGTH);
  const told = map.view(Int32Array, TOLD, 1024);
  const receiver = new Channel(map, 0, SIZE).receiver();
  const arrivals = new Arrivals();
  const senders = [start(path, SEND), start(path, SEND)];
  const checkTold = () => {
    for (let lane = 0; lane < SIZE.lanes; lane++) {
      const [number = 0, epoch = 0] = [told[2 * lane], told[2 * lane + 1]];
      // The two words are not stored in one step: a sender may have died between them.
      if (epoch === 0 || arrivals.last(lane, epoch) === 0) continue;
      if (arrivals.last(lane, epoch) < number) throw new Error(`lane ${lane} lost messages`);
      told[2 * lane] = 0;
    }
  };
  let longest = 0;
  try {
    for (let round = 0; round < size; round++) {
      let count = random.below(300);
      const began = performance.now();
      await until(() => {
        while (count > 0 && arrivals.take(receiver)) count--;
        return count === 0;
      }, 'messages come');
      // After every tenth round new processes have to start first.
      if (round % 10 > 0) longest = Math.max(longest, performance.now() - began);
      const victim = random.below(senders.length);
      await senders[victim]?.die();
      senders[victim] = start(path, SEND);
      if (round % 10 !== 9) continue;
      await Promise.all(senders.map((sender) => sender.die()));
      while (arrivals.take(receiver));
      checkTold();
      senders.forEach((_, index) => {
        senders[index] = start(path, SEND);
      });
    }
    log(
      `${size} senders were killed, ${receiver.dropped} messages were dropped unfinished; the ` +
        `longest time without the next ones was ${Math.round(longest)} ms`,
    );
  } finally {
    await Promise.all(senders.map((sender) => sender.die()));
    map.close();
    rmSync(path);
  }
}

async function killReceivers({ random, size, log }: StressOptions): Promise<void> {
  const path = newPath();
  const map = MmapMut.create(path, LENGTH);
  const told = map.view(Int32Array, TOLD, 1024);
  const sender = new Channel(map, 0, SIZE).sender();
  let receiver = start(path, RECEIVE);
  let number = 0;
  try {
    for (let round = 0; round < size; round++) {
      for (let count = 1 + random.below(200); count > 0; count--) {
        number++;
        // Up to half the ring: such messages come again.
        const data = Buffer.alloc(
          8 + ((number * 7919) % (number % 5 === 0 ? 1700 : 60)),
          number & 255,
        );
        data.writeUInt32LE(number);
        await sender.send(data, { timeout: 60_000 });
      }
      await receiver.die();
      receiver = start(path, RECEIVE);
    }
    await until(() => told[GIVEN] === number, 'all messages have come');
    if (told[ERRORS] !== 0) throw new Error('a message was torn or missing');
    log(`${size} receivers were killed, all of ${number} messages were received`);
  } finally {
    await receiver.die();
    map.close();
    rmSync(path);
  }
}

/** `kill -9` of senders. */
export const killedSenders: Scenario = {
  name: 'killed-senders',
  smallSize: 50,
  fullSize: 1000,
  run: killSenders,
};

/** `kill -9` of receivers. */
export const killedReceivers: Scenario = {
  name: 'killed-receivers',
  smallSize: 50,
  fullSize: 1000,
  run: killReceivers,
};
