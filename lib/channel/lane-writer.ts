/** The producer's side of one lane: the only code that writes records. */
import type { Wait } from '../memory/waiting';
import { announce, signal } from '../sync/changes';
import { corruptError, poisonedError } from './errors';
import {
  type ChannelMemory,
  CONTINUES,
  DATA,
  DROPPED,
  FLAGS,
  HEAD,
  MORE,
  PADDING,
  POISONED,
  ROOM,
  recordUnits,
  TAIL,
  UNIT,
} from './layout';

/** Up to this many bytes a loop is faster than a call of the engine. */
const LOOP = 16;

/** A message on its way into the ring. */
export interface Outgoing {
  data: string | Uint8Array;
  /** Its bytes. */
  length: number;
  type: number;
  /** How many bytes are in records that were published. */
  sent: number;
}

/** Writes the records of one lane. Positions are signed 32-bit integers that wrap. */
export class LaneWriter {
  readonly #shared: ChannelMemory;
  readonly #lane: number;
  readonly #at: number;
  readonly #ring: number;
  readonly #mask: number;
  /** The longest message, in units, that is published whole: half the ring. */
  readonly #half: number;
  #tail: number;
  /** The receiver's position as it was last seen. */
  #head: number;

  constructor(shared: ChannelMemory, lane: number) {
    this.#shared = shared;
    this.#lane = lane;
    this.#at = shared.laneAt(lane);
    this.#ring = shared.ringAt(lane);
    this.#mask = shared.units - 1;
    this.#half = shared.units / 2;
    const words = shared.current();
    this.#tail = Atomics.load(words, this.#at + TAIL);
    this.#head = Atomics.load(words, this.#at + HEAD);
  }

  /** The units that are free, as far as this thread has looked. */
  #free(): number {
    return this.#shared.units - ((this.#tail - this.#head) >>> 0);
  }

  /** Whether so many units are free; looks at the receiver's position where it must. */
  #fits(words: Int32Array, units: number): boolean {
    if (units <= this.#free()) return true;
    this.#head = Atomics.load(words, this.#at + HEAD);
    const free = this.#free();
    if (free >= 0) return units <= free;
    this.#shared.verify();
    throw corruptError(
      `the receiver's position in lane ${this.#lane} is outside of what was sent`,
      this.#shared.path,
    );
  }

  /** The words; throws where the lane is poisoned. */
  #usable(): Int32Array {
    const words = this.#shared.current();
    if (((words[this.#at + FLAGS] ?? 0) & POISONED) !== 0) {
      this.#shared.verify();
      throw poisonedError(this.#lane, this.#shared.path);
    }
    return words;
  }

  /** Fills the ring's end where a record of so many units does not fit there. */
  #pad(words: Int32Array, tail: number, units: number): number {
    const left = this.#shared.units - (tail & this.#mask);
    if (units <= left) return tail;
    this.#header(words, tail, left * UNIT - UNIT, PADDING);
    return (tail + left) | 0;
  }

  #header(words: Int32Array, position: number, length: number, flags: number): void {
    const index = this.#ring + 2 * (position & this.#mask);
    words[index] = length;
    words[index + 1] = flags;
  }

  /** Where a record's payload begins in the channel's bytes. */
  #payloadAt(position: number): number {
    return 4 * (this.#ring + 2) + UNIT * (position & this.#mask);
  }

  /** Makes all records before `tail` known to the receiver. */
  #publish(words: Int32Array, tail: number): void {
    const shared = this.#shared;
    this.#tail = tail;
    Atomics.store(words, this.#at + TAIL, tail);
    if ((Atomics.load(words, DATA) & 1) !== 0) signal(shared, DATA);
    if (shared.faults[0] !== 0) shared.verify();
  }

  /**
   * The position of a record with so long a payload, after padding; undefined where there is no
   * room. Nothing is published.
   */
  reserve(length: number): number | undefined {
    const words = this.#usable();
    const units = recordUnits(length);
    const left = this.#shared.units - (this.#tail & this.#mask);
    if (!this.#fits(words, units > left ? left + units : units)) return undefined;
    return this.#pad(words, this.#tail, units);
  }

  /** The bytes of a reserved record's payload. */
  reserved(position: number, length: number): Buffer {
    const start = this.#payloadAt(position);
    return this.#shared.bytes.subarray(start, start + length);
  }

  /** Publishes a record that was reserved, and filled. */
  commit(position: number, length: number, type: number): void {
    const words = this.#usable();
    this.#header(words, position, length, type);
    this.#publish(words, (position + recordUnits(length)) | 0);
  }

  /** Sends a message of one record if there is room. */
  write(data: string | Uint8Array, length: number, type: number): boolean {
    const position = this.reserve(length);
    if (position === undefined) return false;
    const { bytes, words } = this.#shared;
    const start = this.#payloadAt(position);
    if (typeof data === 'string') bytes.write(data, start, length, 'utf8');
    else if (length > LOOP) bytes.set(data, start);
    else for (let i = 0; i < length; i++) bytes[start + i] = data[i] as number;
    this.#header(words, position, length, type);
    this.#publish(words, (position + recordUnits(length)) | 0);
    return true;
  }

  /** The units that the records of a long message take from the present position on. */
  #unitsOf(length: number): number {
    let units = 0;
    for (let rest = length; rest > 0; ) {
      const payload = this.#payload((this.#tail + units) | 0, rest);
      units += payload === 0 ? 1 : recordUnits(payload);
      rest -= payload;
    }
    return units;
  }

  /** The payload of the next record: up to the ring's end; 0 where only a header fits before it. */
  #payload(tail: number, rest: number): number {
    const left = this.#shared.units - (tail & this.#mask);
    return Math.min(rest, this.#shared.longestPayload, (left - 1) * UNIT);
  }

  /** Whether a message of several records is short enough to be published at once. */
  isWhole(length: number): boolean {
    // Its records may begin anywhere: each may take a header and padding more.
    const records = Math.ceil(length / this.#shared.longestPayload) + 2;
    return Math.ceil(length / UNIT) + 2 * records <= this.#half;
  }

  /**
   * Sends what there is room for of a message of several records. One of up to half the ring is
   * published whole or not at all, so that no death leaves a part of it.
   *
   * @returns Whether all of it was sent.
   */
  writeMany(message: Outgoing, bytes: Uint8Array): boolean {
    const words = this.#usable();
    const { length, type } = message;
    const whole = this.isWhole(length);
    if (whole && !this.#fits(words, this.#unitsOf(length))) return false;
    let tail = this.#tail;
    while (message.sent < length) {
      const payload = this.#payload(tail, length - message.sent);
      if (!whole && !this.#fits(words, recordUnits(payload))) return false;
      if (payload === 0) this.#header(words, tail, 0, PADDING);
      else {
        const end = message.sent + payload;
        this.#shared.bytes.set(bytes.subarray(message.sent, end), this.#payloadAt(tail));
        const flags = (message.sent > 0 ? CONTINUES : 0) | (end < length ? MORE : 0);
        this.#header(words, tail, payload, type | flags);
        message.sent = end;
      }
      tail = (tail + recordUnits(payload)) | 0;
      if (!whole) this.#publish(words, tail);
    }
    if (whole) this.#publish(words, tail);
    return true;
  }

  /** Announces that this thread waits for room. Returns what to wait for, after looking again. */
  announce(): Wait {
    return announce(this.#shared, this.#at + ROOM);
  }

  /** Ends the waits of this thread, and of nobody else: there is one producer. */
  wakeWaiters(): void {
    signal(this.#shared, this.#at + ROOM);
  }

  /** How many messages were not sent because the ring was full, those of producers before included. */
  get dropped(): number {
    return this.#shared.load(this.#at + DROPPED) >>> 0;
  }

  /** Counts a message that was not sent. */
  drop(): void {
    Atomics.add(this.#shared.current(), this.#at + DROPPED, 1);
  }
}
