import { checkBoolean, checkInteger, checkOptions } from '../base/arguments';
import { abortError, MmapError } from '../base/errors';
import type { Callback } from '../memory/callbacks';
import type { Wait } from '../memory/waiting';
import {
  type Acquisition,
  type AsyncOptions,
  acquireInTurn,
  acquireSync,
  asyncLimits,
  type Limits,
  quietly,
  type SyncOptions,
  syncTimeout,
} from '../sync/acquire';
import { announce, signal } from '../sync/changes';
import { Effort, release } from '../sync/owner';
import { Batch } from './batch';
import type { CheckedCodec, CodecOption } from './codec';
import { endedError } from './errors';
import { iterate, lookUntil } from './iteration';
import { LaneReader } from './lane-reader';
import { type ChannelMemory, DATA, INCOMPLETE, RECEIVER } from './layout';
import { PATIENCE } from './limits';
import { type Message, take } from './message';
import { type BatchOptions, type ReceiverOptions, readReceiverOptions } from './receiver-options';
import { Spin } from './spin';

/** So many messages of a lane are received before those of the next one. */
const QUANTUM = 32;

/**
 * The one receiver of a {@link Channel}: this thread, until the receiver is closed. It reads the
 * lanes in turns, and each lane in the order of its sender.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Channel } from 'memmap/channel';
 *
 * using map = MmapMut.anonymous(Channel.bytes());
 * const channel = new Channel(map, 0);
 * using sender = channel.sender({ codec: 'json' });
 * const receiver = channel.receiver({ codec: 'json' });
 * for (const job of [1, 2, 3]) sender.sendSync({ job });
 * for await (const { data } of receiver) {
 *   if (data.job === 3) break; // else it waits for more
 * }
 * receiver.close();
 * ```
 *
 * A message counts as handled once the next one is asked for, or the receiver is closed. Should its
 * thread die before that, the message comes again: to the next receiver, whose {@link abandoned} is
 * true.
 */
export class Receiver<T = Buffer> {
  /** Whether the receiver before died: messages that it was handling come again. */
  readonly abandoned: boolean;
  readonly #shared: ChannelMemory;
  readonly #codec: CheckedCodec<T> | undefined;
  readonly #onCorrupt: ((error: MmapError) => void) | undefined;
  readonly #lanes: LaneReader[];
  readonly #watcher: Callback<boolean>;
  readonly #spin: Spin;
  #current = 0;
  #quantum = QUANTUM;
  /** The lane whose messages the caller was given last. */
  #delivered: LaneReader | undefined;
  /** An error that came after messages of a batch: the next step throws it. */
  #late: Error | undefined;
  #closed = false;
  /** How many promises wait for a message. */
  #waiting = 0;
  readonly #one: Acquisition<Message<T>>;

  /** @internal Users call {@link Channel.receiver}. */
  constructor(
    shared: ChannelMemory,
    abandoned: boolean,
    options: (ReceiverOptions & { codec?: CodecOption<T> | undefined }) | undefined,
  ) {
    const { maxLength, codec, onCorrupt, spin } = readReceiverOptions(options);
    this.#codec = codec;
    this.#onCorrupt = onCorrupt;
    this.#spin = new Spin(spin / 1000);
    this.abandoned = abandoned;
    this.#shared = shared;
    this.#lanes = Array.from(
      { length: shared.lanes },
      (_, lane) => new LaneReader(shared, lane, maxLength),
    );
    this.#one = this.#acquisition((thorough) => this.#receive(thorough));
    this.#watcher = shared.memory.watchers.add((closing) => {
      if (closing) this.close();
    });
  }

  /** Whether the receiver or its map is closed. */
  get closed(): boolean {
    return this.#closed || this.#shared.closed;
  }

  /**
   * How many messages were dropped since the channel is there because their end never came: their
   * sender died or gave up in the middle, or they were longer than `maxLength`.
   *
   * @throws MmapError `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  get dropped(): number {
    let sum = 0;
    for (let lane = 0; lane < this.#shared.lanes; lane++) {
      sum += this.#shared.load(this.#shared.laneAt(lane) + INCOMPLETE) >>> 0;
    }
    return sum;
  }

  #assertOpen(): void {
    if (this.#closed) throw endedError('receiver', this.#shared.path);
  }

  /** Acknowledges what the caller was given before it asked for more. */
  #acknowledge(words: Int32Array): void {
    this.#delivered?.acknowledge(words);
    this.#delivered = undefined;
  }

  /** Reads one lane; an error that the caller wants to be told of is none. */
  #read(lane: LaneReader, words: Int32Array, thorough: boolean, holds = false): boolean {
    if (this.#onCorrupt === undefined) return lane.read(words, thorough, holds);
    try {
      return lane.read(words, thorough, holds);
    } catch (error) {
      if (!(error instanceof MmapError) || error.code !== 'ERR_MMAP_CORRUPT') throw error;
      this.#onCorrupt(error);
      return false;
    }
  }

  /** The lane that has read the next message; undefined where none has one. */
  #next(words: Int32Array, thorough: boolean): LaneReader | undefined {
    const lanes = this.#lanes;
    // One visit more: the turn of the first lane may have ended before its messages.
    for (let visits = lanes.length; visits >= 0; visits--) {
      const lane = lanes[this.#current] as LaneReader;
      if (this.#quantum > 0 && this.#read(lane, words, thorough)) {
        this.#quantum--;
        this.#delivered = lane;
        return lane;
      }
      this.#turn();
    }
    return undefined;
  }

  /** Goes on to the next lane. */
  #turn(): void {
    this.#current = this.#current + 1 < this.#lanes.length ? this.#current + 1 : 0;
    this.#quantum = QUANTUM;
  }

  #receive(thorough: boolean): Message<T> | undefined {
    const words = this.#shared.current();
    if (this.#late !== undefined) this.#throwLate(this.#late);
    this.#acknowledge(words);
    const lane = this.#next(words, thorough);
    if (lane !== undefined) return take(lane, this.#shared, this.#codec, false);
    if (this.#shared.faults[0] !== 0) this.#shared.verify();
    return undefined;
  }

  #throwLate(error: Error): never {
    this.#late = undefined;
    throw error;
  }

  /**
   * Receives a message if there is one. The message before counts as handled.
   *
   * @returns The message, a copy; or null.
   * @throws What the codec throws; MmapError `ERR_MMAP_CORRUPT`, once for each lane that is poisoned
   * (call again: the others go on); `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`,
   * `ERR_MMAP_CHANGED` where the map no longer has the channel.
   */
  tryReceive(): Message<T> | null {
    this.#assertOpen();
    return this.#receive(true) ?? null;
  }

  #acquisition<Result>(attempt: (thorough: boolean) => Result | undefined): Acquisition<Result> {
    const shared = this.#shared;
    return {
      primitive: shared,
      name: 'a message of the channel',
      attempt: (effort): Result | Wait => {
        this.#assertOpen();
        const found = attempt(effort === Effort.Thorough);
        if (found !== undefined) return found;
        const wait = announce(shared, DATA);
        return attempt(false) ?? wait;
      },
      turnAt: shared.offsetOf(DATA),
      patience: PATIENCE,
      // More may have come by the next turn of the event loop: that is sooner than sleeping.
      early: async (deadline, signal) => {
        const time = this.#spin.begin();
        const end = Math.min(deadline, performance.now() + time);
        const found = await lookUntil(end, signal, () => {
          this.#assertOpen();
          return attempt(false);
        });
        if (time > 0) this.#spin.end(found !== undefined);
        return found;
      },
    };
  }

  /**
   * Receives a message, blocking this thread until there is one.
   *
   * @param options - For how long.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_TIMEOUT`; as {@link tryReceive}.
   */
  receiveSync(options?: SyncOptions): Message<T> {
    const timeout = syncTimeout(options);
    this.#assertOpen();
    const found = this.#receive(false);
    if (found !== undefined) return found;
    const time = Math.min(timeout, this.#spin.begin());
    if (time > 0) {
      const end = performance.now() + time;
      let late: Message<T> | undefined;
      do late = this.#receive(false);
      while (late === undefined && performance.now() < end);
      this.#spin.end(late !== undefined);
      if (late !== undefined) return late;
    }
    return acquireSync(this.#one, timeout);
  }

  /**
   * Receives a message as soon as there is one. Calls of one receiver get theirs in their order.
   *
   * @param options - For how long, and how to abort it.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`, or as
   * {@link tryReceive} throws.
   */
  async receive(options?: AsyncOptions): Promise<Message<T>> {
    const limits = asyncLimits(options);
    this.#assertOpen();
    return this.#soon((thorough) => this.#receive(thorough), this.#one, limits);
  }

  /** What there is at once; else what comes, in the order of the calls. */
  async #soon<Result>(
    attempt: (thorough: boolean) => Result | undefined,
    acquisition: Acquisition<Result>,
    limits: Limits,
  ): Promise<Result> {
    if (limits.signal?.aborted) throw abortError(limits.signal);
    const found = this.#waiting === 0 ? attempt(false) : undefined;
    if (found !== undefined) return found;
    this.#waiting++;
    try {
      return await acquireInTurn(acquisition, limits);
    } finally {
      this.#waiting--;
    }
  }

  /** The messages of one lane, as many as there are. */
  #receiveBatch(thorough: boolean, lend: boolean, limit: number): Batch<T> | undefined {
    const shared = this.#shared;
    const words = shared.current();
    if (this.#late !== undefined) this.#throwLate(this.#late);
    this.#acknowledge(words);
    const lane = this.#next(words, thorough);
    if (lane === undefined) {
      if (shared.faults[0] !== 0) shared.verify();
      return undefined;
    }
    const messages: Message<T>[] = [];
    try {
      do messages.push(take(lane, shared, this.#codec, lend));
      while (messages.length < limit && this.#read(lane, words, false, true));
    } catch (error) {
      // The messages before it are good.
      if (messages.length === 0 || !(error instanceof Error)) throw error;
      this.#late = error;
    }
    this.#turn();
    return new Batch(messages, () => {
      if (this.#delivered !== lane || this.closed) return;
      this.#acknowledge(shared.current());
    });
  }

  /** Iterates until the receiver or its map is closed. */
  #iterate<Result>(
    attempt: (thorough: boolean) => Result | undefined,
    limits: Limits,
    leave: () => void,
  ): AsyncIterableIterator<Result> {
    const acquisition = this.#acquisition(attempt);
    return iterate({
      isOver: () => this.closed,
      now: () => (this.#waiting === 0 && !limits.signal?.aborted ? attempt(false) : undefined),
      soon: () => this.#soon(attempt, acquisition, limits),
      leave,
    });
  }

  /**
   * Iterates over the messages as they come, until the receiver or its map is closed. Leaving the
   * loop closes nothing: another one goes on.
   *
   * @throws Rejects as {@link tryReceive} throws.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    const limits = { timeout: Number.POSITIVE_INFINITY, signal: undefined };
    return this.#iterate(
      (thorough) => this.#receive(thorough),
      limits,
      () => {},
    );
  }

  /**
   * Iterates over batches of messages: all that one lane has, up to `limit`. A batch counts as
   * handled at the next step, or once it is released.
   *
   * @param options - Whether messages are views of the ring; how many; for how long each step may
   * wait, and how to abort it.
   * @returns An iterator that ends when the receiver or its map is closed.
   * @throws TypeError, RangeError; rejects with an AbortError, MmapError `ERR_MMAP_TIMEOUT`, or as
   * {@link tryReceive} throws.
   */
  batches(options?: BatchOptions): AsyncIterableIterator<Batch<T>> {
    const { lend, limit = 1024 } = checkOptions(options);
    const limits = asyncLimits(options);
    const views = checkBoolean(lend, 'options.lend', false);
    const most = checkInteger(limit, 'options.limit', 1);
    this.#assertOpen();
    return this.#iterate(
      (thorough) => this.#receiveBatch(thorough, views, most),
      limits,
      () => this.#acknowledge(this.#shared.current()),
    );
  }

  /**
   * Ends receiving. What the caller was given counts as handled; what it was not given waits for the
   * next receiver. Promises that wait reject with `ERR_MMAP_CLOSED`, iterations end. Never throws;
   * closing twice is allowed.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const shared = this.#shared;
    this.#watcher.remove();
    if (shared.memory.closed) return;
    quietly(() => {
      const words = shared.current();
      this.#acknowledge(words);
      release(words, RECEIVER);
      signal(shared, DATA);
    });
  }

  /** As {@link close}: `using receiver = channel.receiver()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
