import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import { MmapError } from '../base/errors';
import type { Callback } from '../memory/callbacks';
import type { Wait } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  quietly,
  type SyncOptions,
  syncTimeout,
} from '../sync/acquire';
import { deadlockError } from '../sync/errors';
import { release } from '../sync/owner';
import { Claim } from './claim';
import {
  type CheckedCodec,
  type CodecOption,
  checkCodec,
  checkData,
  type MessageData,
} from './codec';
import { endedError, tooLongError } from './errors';
import { LaneWriter, type Outgoing } from './lane-writer';
import { type ChannelMemory, PRODUCER, TYPE } from './layout';
import { LONGEST_MESSAGE, PATIENCE } from './limits';

/** How a sender sends. */
export interface SenderOptions {
  /** The longest message in bytes, 0 to 2^32 - 1. Default 64 MiB. */
  maxLength?: Integer | undefined;
}

/** What a message is sent with. */
export interface MessageOptions {
  /** A number that the receiver gets with the message, 0 to 65,535. Default 0. */
  type?: Integer | undefined;
}

/** How a blocking call sends. */
export interface SendSyncOptions extends MessageOptions, SyncOptions {}

/** How a promise sends. */
export interface SendOptions extends MessageOptions, AsyncOptions {}

const ADVICE = 'raise maxLength, or send the descriptor() of a map of its own';

/**
 * The producer of one lane of a {@link Channel}: this thread, until the sender is closed.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Channel } from 'memmap/channel';
 *
 * using map = MmapMut.anonymous(Channel.bytes());
 * const channel = new Channel(map, 0);
 * using sender = channel.sender();
 * using receiver = channel.receiver();
 * sender.trySend('hello', { type: 3 }); // => true
 * const message = receiver.tryReceive();
 * message.data.toString(); // => 'hello'
 * message.type; // => 3
 * ```
 */
export class Sender<T = MessageData> {
  /** The number of its lane. */
  readonly lane: number;
  /** Counts the producers that the lane has had: this one is the last. */
  readonly epoch: number;
  readonly #shared: ChannelMemory;
  readonly #writer: LaneWriter;
  readonly #codec: CheckedCodec<T> | undefined;
  readonly #maxLength: number;
  readonly #droppedBefore: number;
  readonly #watcher: Callback<boolean>;
  #closed = false;
  #claim: object | undefined;
  /** How many promises have not sent all of their message. */
  #pending = 0;

  /** @internal Users call {@link Channel.sender}. */
  constructor(
    shared: ChannelMemory,
    { lane, epoch }: { lane: number; epoch: number },
    options: (SenderOptions & { codec?: CodecOption<T> | undefined }) | undefined,
  ) {
    const { maxLength = LONGEST_MESSAGE, codec } = checkOptions(options);
    this.#maxLength = checkInteger(maxLength, 'options.maxLength', 0, 2 ** 32 - 1);
    this.#codec = checkCodec(codec) as CheckedCodec<T> | undefined;
    this.lane = lane;
    this.epoch = epoch;
    this.#shared = shared;
    this.#writer = new LaneWriter(shared, lane);
    this.#droppedBefore = this.#writer.dropped;
    this.#watcher = shared.memory.watchers.add((closing) => {
      if (closing) this.close();
      this.#claim = undefined;
    });
  }

  /** Whether the sender or its map is closed. */
  get closed(): boolean {
    return this.#closed || this.#shared.closed;
  }

  /**
   * How many messages of this sender were not sent because the ring was full: {@link trySend} was
   * false, or a wait for room ended.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  get dropped(): number {
    return (this.#writer.dropped - this.#droppedBefore) >>> 0;
  }

  /** Throws where nothing can be sent now. */
  #assertOpen(): void {
    if (this.#closed) throw endedError('sender', this.#shared.path);
    if (this.#claim === undefined) return;
    throw new MmapError(
      'ERR_MMAP_IN_USE',
      'a claim of this sender is open; commit() or abort() it first',
      this.#shared.path,
    );
  }

  #prepare(value: T, type: Integer | undefined): Outgoing {
    const given: unknown = value;
    const data = checkData(this.#codec === undefined ? given : this.#codec.encode(value));
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
    if (length > this.#maxLength) throw tooLongError(length, this.#maxLength, ADVICE);
    return {
      data:
        typeof data === 'string' || data instanceof Uint8Array
          ? data
          : new Uint8Array(data.buffer, data.byteOffset, length),
      length,
      type: type === undefined ? 0 : checkInteger(type, 'options.type', 0, TYPE),
      sent: 0,
    };
  }

  /** Sends what there is room for. Returns whether all was sent. */
  #write(message: Outgoing): boolean {
    const { data, length, type } = message;
    if (length <= this.#shared.longestPayload) return this.#writer.write(data, length, type);
    if (typeof data === 'string') message.data = Buffer.from(data);
    return this.#writer.writeMany(message, message.data as Uint8Array);
  }

  /**
   * Sends a message if there is room for it in the ring. A message of up to a quarter of the ring
   * takes its length, 8 bytes, and what is left at the ring's end where it does not fit there.
   *
   * @param data - A string, sent as UTF-8, or bytes; with a codec a value. Copied.
   * @param options - The message's type.
   * @returns Whether it was sent. False is counted in {@link dropped}; it is also the answer while
   * promises of {@link send} wait, which come first.
   * @throws TypeError; RangeError for a message that is longer than `maxLength` or half the ring
   * (send it by {@link send} or {@link sendSync}); what the codec throws; MmapError
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_IN_USE` while a claim is open, `ERR_MMAP_CORRUPT` where the lane is
   * poisoned, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  trySend(data: T, options?: MessageOptions): boolean {
    const message = this.#prepare(data, checkOptions(options).type);
    this.#assertOpen();
    const { length } = message;
    if (length > this.#shared.longestPayload && !this.#writer.isWhole(length)) {
      const half = this.#shared.longestPayload * 2;
      throw tooLongError(length, half, 'use send() or sendSync(), which send it in parts');
    }
    if (this.#pending === 0 && this.#write(message)) return true;
    this.#writer.drop();
    return false;
  }

  #acquisition(message: Outgoing): Acquisition<true> {
    const attempt = (): true | Wait => {
      this.#assertOpen();
      if (this.#write(message)) return true;
      const wait = this.#writer.announce();
      return this.#write(message) || wait;
    };
    const turnAt = this.#shared.offsetOf(this.#shared.laneAt(this.lane));
    const name = `room in lane ${this.lane} of the channel`;
    return { primitive: this.#shared, name, attempt, turnAt, patience: PATIENCE };
  }

  /** Counts a message that was not sent though its wait has ended. */
  #giveUp(error: unknown): never {
    const code = error instanceof Error && Reflect.get(error, 'code');
    if (code === 'ERR_MMAP_TIMEOUT' || code === 'ABORT_ERR') quietly(() => this.#writer.drop());
    throw error;
  }

  /**
   * Sends a message, blocking this thread until there is room for it.
   *
   * @param data - As for {@link trySend}. A message that is longer than half the ring is sent in
   * parts, as the receiver makes room. After an error in the middle the receiver drops its parts.
   * @param options - The message's type, and for how long to block.
   * @throws As {@link trySend}; RangeError for more than `maxLength` bytes only; MmapError
   * `ERR_MMAP_TIMEOUT`; `ERR_MMAP_DEADLOCK` while promises of {@link send} wait, which come first.
   */
  sendSync(data: T, options?: SendSyncOptions): void {
    const message = this.#prepare(data, checkOptions(options).type);
    const timeout = syncTimeout(options);
    this.#assertOpen();
    if (this.#pending > 0) throw deadlockError("the sender's turn", this.#shared.path);
    if (this.#write(message)) return;
    try {
      acquireSync(this.#acquisition(message), timeout);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /**
   * Sends a message as soon as there is room for it. Calls of one sender send in their order.
   *
   * @param data - As for {@link sendSync}. Bytes must not change before the promise resolves.
   * @param options - The message's type, for how long to wait, and how to abort that.
   * @throws Rejects as {@link sendSync} throws, but for `ERR_MMAP_DEADLOCK`, and with an AbortError.
   */
  async send(data: T, options?: SendOptions): Promise<void> {
    const message = this.#prepare(data, checkOptions(options).type);
    const limits = asyncLimits(options);
    this.#assertOpen();
    if (this.#pending === 0 && !limits.signal?.aborted && this.#write(message)) return;
    this.#pending++;
    try {
      await acquireInTurn(this.#acquisition(message), limits);
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#pending--;
    }
  }

  /**
   * Claims room for one message in the ring, to be filled there. Until the claim is committed or
   * aborted this sender sends nothing else.
   *
   * @param length - The most bytes that the message will have: up to a quarter of the ring, less 8.
   * @param options - The message's type.
   * @returns The claim; null where the ring is full, or promises of {@link send} wait.
   * @throws TypeError, RangeError; MmapError as {@link trySend}.
   */
  claim(length: Integer, options?: MessageOptions): Claim | null {
    const { longestPayload, path } = this.#shared;
    const most = checkInteger(length, 'length', 0, longestPayload);
    const { type = 0 } = checkOptions(options);
    const kind = checkInteger(type, 'options.type', 0, TYPE);
    this.#assertOpen();
    const position = this.#pending > 0 ? undefined : this.#writer.reserve(most);
    if (position === undefined) {
      this.#writer.drop();
      return null;
    }
    const { generation } = this.#shared.memory;
    const claim = {};
    this.#claim = claim;
    return new Claim(this.#writer.reserved(position, most), {
      path,
      commit: (used) => {
        if (this.#claim === claim) this.#claim = undefined;
        if (this.#closed) throw endedError('sender', path);
        this.#shared.memory.assertUnchanged(generation);
        this.#writer.commit(position, used, kind);
      },
      abort: () => {
        if (this.#claim === claim) this.#claim = undefined;
      },
    });
  }

  /**
   * Gives the lane back. What was sent is still received, and after that another sender can take the
   * lane. Promises of {@link send} that wait reject with `ERR_MMAP_CLOSED`. Never throws; closing
   * twice is allowed.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { memory } = this.#shared;
    this.#watcher.remove();
    if (memory.closed) return;
    quietly(() => {
      release(this.#shared.words, this.#shared.laneAt(this.lane) + PRODUCER);
      this.#writer.wakeWaiters();
    });
  }

  /** As {@link close}: `using sender = channel.sender()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
