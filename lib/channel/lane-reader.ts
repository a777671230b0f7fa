/**
 * The receiver's side of one lane: the only code that reads records. Nothing in the ring is believed
 * before it is checked: another process may write anything there at any time.
 */
import { signal } from '../sync/changes';
import { isAbandoned } from '../sync/owner';
import { corruptError } from './errors';
import {
  type ChannelMemory,
  CONTINUES,
  EPOCH,
  FLAGS,
  HEAD,
  INCOMPLETE,
  MORE,
  PADDING,
  POISONED,
  PRODUCER,
  PRODUCER_NAMESPACE,
  ROOM,
  recordUnits,
  TAIL,
  TYPE,
} from './layout';

/** The first bytes that a message of several records is joined in; doubled as it grows. */
const FIRST_JOINED = 2 ** 16;

/** A message of several records, as far as it has come. */
class Joined {
  readonly type: number;
  readonly epoch: number;
  length = 0;
  #bytes: Buffer;

  constructor(type: number, epoch: number) {
    this.type = type;
    this.epoch = epoch;
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_JOINED);
  }

  add(source: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.length, start, end);
    this.length = length;
  }

  get data(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Reads the records of one lane. Positions are signed 32-bit integers that wrap. */
export class LaneReader {
  readonly lane: number;
  // What read() has found: where the message is, and what it is.
  start = 0;
  length = 0;
  type = 0;
  epoch = 0;
  /** The message, where it was joined of several records. */
  joined: Buffer | undefined;
  readonly #shared: ChannelMemory;
  readonly #at: number;
  readonly #ring: number;
  readonly #units: number;
  readonly #maxLength: number;
  /** The position up to which the messages are acknowledged. */
  #head: number;
  /** The position up to which they are read. */
  #next: number;
  /** The producer's position as it was last seen. */
  #tail: number;
  #partial: Joined | undefined;
  /** Whether the rest of a message that was counted as dropped is passed over. */
  #skipping = false;
  #poisoned: boolean;

  constructor(shared: ChannelMemory, lane: number, maxLength: number) {
    this.#shared = shared;
    this.lane = lane;
    this.#at = shared.laneAt(lane);
    this.#ring = shared.ringAt(lane);
    this.#units = shared.units;
    this.#maxLength = maxLength;
    const words = shared.current();
    this.#poisoned = (Atomics.load(words, this.#at + FLAGS) & POISONED) !== 0;
    this.#head = Atomics.load(words, this.#at + HEAD);
    this.#next = this.#head;
    this.#tail = this.#head;
  }

  /**
   * Reads up to the end of the next message.
   *
   * @param thorough - Whether to look if the producer of an unfinished message has died.
   * @param holds - Whether the caller still uses what was read before, which stays in the ring then.
   * @throws MmapError `ERR_MMAP_CORRUPT`, once: after it the lane is never read again.
   */
  read(words: Int32Array, thorough: boolean, holds = false): boolean {
    if (this.#poisoned) return false;
    if (this.#next === this.#tail && !this.#look(words)) {
      if (this.#partial !== undefined) this.#expect(words, thorough);
      return false;
    }
    // Only up to the tail that was seen: a producer that goes on and on ends this loop, too.
    while (this.#next !== this.#tail) if (this.#step(words)) return true;
    // What is left are padding and parts of a message that needs the room to go on.
    if (!holds) this.acknowledge(words);
    return false;
  }

  /** Looks at the producer's position. Returns whether there are records that were not read. */
  #look(words: Int32Array): boolean {
    const tail = Atomics.load(words, this.#at + TAIL);
    if (tail === this.#next) return false;
    const used = (tail - this.#head) >>> 0;
    if (used > this.#units || (tail - this.#next) >>> 0 > used) {
      this.#poison(words, 'the position of its producer is outside of the ring');
    }
    this.#tail = tail;
    return true;
  }

  /** Reads one record. Returns whether it ends a message. */
  #step(words: Int32Array): boolean {
    const at = this.#next & (this.#units - 1);
    const index = this.#ring + 2 * at;
    const length = (words[index] ?? 0) >>> 0;
    const flags = words[index + 1] ?? 0;
    const units = recordUnits(length);
    const left = this.#units - at;
    if (units > left || units > (this.#tail - this.#next) >>> 0) {
      this.#poison(words, `a record of ${length} bytes is longer than what was sent`);
    }
    const next = (this.#next + units) | 0;
    if ((flags & PADDING) !== 0) {
      if (flags !== PADDING || units !== left) this.#poison(words, 'padding is not at the end');
      this.#next = next;
      return false;
    }
    if (
      (flags & ~(TYPE | CONTINUES | MORE)) !== 0 ||
      length > this.#shared.longestPayload ||
      ((flags & (CONTINUES | MORE)) !== 0 && length === 0)
    ) {
      this.#poison(words, `a record of ${length} bytes has the flags ${flags >>> 0}`);
    }
    this.start = 4 * (index + 2);
    this.length = length;
    this.#next = next;
    if ((flags & (CONTINUES | MORE)) !== 0) return this.#join(words, flags);
    if (this.#partial !== undefined) this.#drop(words);
    this.#skipping = false;
    this.type = flags;
    this.epoch = (words[this.#at + EPOCH] ?? 0) >>> 0;
    this.joined = undefined;
    return true;
  }

  /** Adds a record to the message that it is a part of. Returns whether it ends it. */
  #join(words: Int32Array, flags: number): boolean {
    const epoch = Atomics.load(words, this.#at + EPOCH) >>> 0;
    if ((flags & CONTINUES) === 0) {
      if (this.#partial !== undefined) this.#drop(words);
      this.#skipping = false;
      this.#partial = new Joined(flags & TYPE, epoch);
    }
    const partial = this.#partial;
    if (partial !== undefined && partial.epoch === epoch) {
      if (partial.length + this.length > this.#maxLength) {
        this.#drop(words);
        this.#skipping = (flags & MORE) !== 0;
        return false;
      }
      partial.add(this.#shared.bytes, this.start, this.start + this.length);
      if ((flags & MORE) !== 0) return false;
      this.#partial = undefined;
      this.type = partial.type;
      this.epoch = partial.epoch;
      this.length = partial.length;
      this.joined = partial.data;
      return true;
    }
    // Its beginning went to a receiver that died.
    if (!this.#skipping) this.#drop(words);
    this.#skipping = true;
    return false;
  }

  /** Drops an unfinished message whose producer is gone. */
  #expect(words: Int32Array, thorough: boolean): void {
    const owner = Atomics.load(words, this.#at + PRODUCER);
    const isGone =
      owner === 0 ||
      this.#partial?.epoch !== Atomics.load(words, this.#at + EPOCH) >>> 0 ||
      (thorough && isAbandoned(words, this.#at + PRODUCER_NAMESPACE, owner));
    // It may have sent the rest before it went.
    if (isGone && Atomics.load(words, this.#at + TAIL) === this.#next) this.#drop(words);
  }

  #drop(words: Int32Array): void {
    this.#partial = undefined;
    Atomics.add(words, this.#at + INCOMPLETE, 1);
  }

  /** Whether a message has begun whose end has not come. */
  get isUnfinished(): boolean {
    return this.#partial !== undefined;
  }

  /** Acknowledges all that was read: the producer can use the room, and it never comes again. */
  acknowledge(words: Int32Array): void {
    if (this.#next === this.#head || this.#poisoned) return;
    this.#head = this.#next;
    Atomics.store(words, this.#at + HEAD, this.#head);
    if ((Atomics.load(words, this.#at + ROOM) & 1) === 0) return;
    // A producer that waits gets half the ring at once: else it would be woken for each message.
    if ((this.#tail - this.#head) >>> 0 > this.#units / 2) return;
    signal(this.#shared, this.#at + ROOM);
  }

  /** Gives the lane up: its producer is told, other lanes go on. */
  #poison(words: Int32Array, what: string): never {
    // Lost bytes are zeros, which contradict everything.
    this.#shared.verify();
    this.#poisoned = true;
    this.#partial = undefined;
    Atomics.or(words, this.#at + FLAGS, POISONED);
    signal(this.#shared, this.#at + ROOM);
    throw corruptError(
      `lane ${this.lane} of the channel is poisoned: ${what}. Its messages are lost from there on; ` +
        'the other lanes go on',
      this.#shared.path,
    );
  }
}
