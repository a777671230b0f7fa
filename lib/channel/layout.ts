/**
 * The bytes of a channel, as `docs/channel.md` describes them: a header, and lanes that are a page of
 * words and a ring each. Offsets are in words of 32 bits.
 */
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import { outOfRange } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { BufferClass } from '../memory/buffers';
import { SyncPrimitive } from '../sync/primitive';
import { corruptError } from './errors';

/** How large a channel is. All its users give the same. */
export interface ChannelOptions {
  /** How many senders there can be at a time, 1 to 1024. Default 16. */
  lanes?: Integer | undefined;
  /** The bytes of each lane's ring: a power of two, 4096 to 2^33. Default 256 KiB. */
  capacity?: Integer | undefined;
}

/** A page: what the header takes, and the words of each lane. In bytes. */
const PAGE = 4096;

// Words of the header.
const MAGIC = 0;
const VERSION = 1;
const LANES = 2;
const LOG2_CAPACITY = 3;
export const RECEIVER = 16;
export const RECEIVER_NAMESPACE = 17;
/** Changes: data has come. */
export const DATA = 32;

/** The letters MMCH. */
const MAGIC_VALUE = 0x4843_4d4d;
const VERSION_VALUE = 1;

// Words of a lane.
export const TAIL = 0;
/** Counts the producers that the lane has had. */
export const EPOCH = 1;
export const HEAD = 32;
export const PRODUCER = 64;
export const PRODUCER_NAMESPACE = 65;
/** Changes: room has come. */
export const ROOM = 80;
/** Messages that were not sent because the ring was full. */
export const DROPPED = 96;
export const FLAGS = 97;
/** Messages that were dropped because their last record was missing. */
export const INCOMPLETE = 98;

/** In {@link FLAGS}: the lane's words or records contradict each other. */
export const POISONED = 1;

// The second word of a record; its lower 16 bits are the user's type.
export const TYPE = 0xffff;
/** The record goes on with the message of the record before it. */
export const CONTINUES = 1 << 29;
/** The message goes on in the next record. */
export const MORE = 1 << 30;
/** Not a message: what is left of the ring before its end. */
export const PADDING = 1 << 31;

/** What positions count: 8 bytes. */
export const UNIT = 8;

/** The units of a record: one for its header, and as many as its payload takes. */
export function recordUnits(length: number): number {
  return 1 + Math.ceil(length / UNIT);
}

/** The options of a channel, checked. */
export function readChannelOptions(options: ChannelOptions | undefined): {
  lanes: number;
  capacity: number;
} {
  const { lanes = 16, capacity = 2 ** 18 } = checkOptions(options);
  const size = checkInteger(capacity, 'options.capacity', 2 ** 12, 2 ** 33);
  if (!Number.isInteger(Math.log2(size))) {
    throw outOfRange('options.capacity', 'a power of two', capacity);
  }
  return { lanes: checkInteger(lanes, 'options.lanes', 1, 1024), capacity: size };
}

/** The bytes that a channel takes. */
export function channelBytes({ lanes, capacity }: { lanes: number; capacity: number }): number {
  return PAGE + lanes * (PAGE + capacity);
}

/** The words and bytes of one channel. */
export class ChannelMemory extends SyncPrimitive {
  readonly lanes: number;
  /** The units of a ring. */
  readonly units: number;
  /** The longest payload of a record: with its header a quarter of the ring. */
  readonly longestPayload: number;
  /** All bytes of the channel. Up to date after {@link current}. */
  bytes: Buffer = new BufferClass(new ArrayBuffer(0), 0, 0);
  readonly #capacity: number;
  #seen: Int32Array | undefined;

  constructor(map: MmapMut, offset: Integer, size: { lanes: number; capacity: number }) {
    super(map, offset, { words: channelBytes(size) / 4 });
    if ((this.memory.offset + this.offset) % UNIT !== 0) {
      throw outOfRange(
        'offset',
        `such that the position in the file (${this.memory.offset} + offset) is a multiple of ${UNIT}`,
        offset,
      );
    }
    this.lanes = size.lanes;
    this.#capacity = size.capacity;
    this.units = size.capacity / UNIT;
    this.longestPayload = size.capacity / 4 - UNIT;
  }

  /** The words. After it {@link bytes} are those of the same memory. */
  current(): Int32Array {
    const { words } = this;
    if (words !== this.#seen) this.#renew(words);
    return words;
  }

  #renew(words: Int32Array): void {
    this.#agree(words, MAGIC, MAGIC_VALUE);
    this.#agree(words, VERSION, VERSION_VALUE);
    this.#agree(words, LANES, this.lanes, 'options.lanes');
    const agreed = this.#agree(words, LOG2_CAPACITY, Math.log2(this.#capacity));
    if (2 ** agreed !== this.#capacity) {
      throw outOfRange('options.capacity', `${2 ** agreed}, as others use`, this.#capacity);
    }
    this.verify();
    this.bytes = new BufferClass(words.buffer, words.byteOffset, words.byteLength);
    this.#seen = words;
  }

  /**
   * Writes what every opener of the channel writes there, unless it was written: so no creator
   * can die half-way.
   */
  #agree(words: Int32Array, index: number, value: number, option?: string): number {
    const found = Atomics.compareExchange(words, index, 0, value) || value;
    if (found === value || index === LOG2_CAPACITY) return found;
    this.verify();
    if (option !== undefined) throw outOfRange(option, `${found}, as others use`, value);
    throw corruptError(
      index === MAGIC
        ? `the bytes at ${this.offset} are no channel: use an offset where they are zero, or ` +
            'Channel.reset()'
        : `the channel at ${this.offset} has version ${found}, this memmap knows ${value}`,
      this.path,
    );
  }

  /** The index of a lane's first word. */
  laneAt(lane: number): number {
    return (PAGE + lane * (PAGE + this.#capacity)) / 4;
  }

  /** The index of the first word of a lane's ring. */
  ringAt(lane: number): number {
    return this.laneAt(lane) + PAGE / 4;
  }

  /** Makes the words those of a fresh channel. The rings may keep their bytes. */
  reset(): void {
    const { words } = this;
    for (let lane = this.lanes - 1; lane >= 0; lane--) {
      words.fill(0, this.laneAt(lane), this.ringAt(lane));
    }
    words.fill(0, 0, PAGE / 4);
    this.#seen = undefined;
    this.current();
  }
}
