import type { Integer } from '../base/arguments';
import { MmapError } from '../base/errors';
import type { MmapMut } from '../map/mmap-mut';
import { quietly } from '../sync/acquire';
import { Claim, claim, Effort, enterNamespace, ME, release } from '../sync/owner';
import { type CodecOption, checkCodec } from './codec';
import {
  ChannelMemory,
  type ChannelOptions,
  channelBytes,
  EPOCH,
  FLAGS,
  HEAD,
  POISONED,
  PRODUCER,
  PRODUCER_NAMESPACE,
  RECEIVER,
  RECEIVER_NAMESPACE,
  readChannelOptions,
  TAIL,
} from './layout';
import { Receiver } from './receiver';
import type { ReceiverOptions } from './receiver-options';
import { Sender, type SenderOptions } from './sender';

/**
 * Messages between threads and processes that map the same memory: many senders, one receiver. It
 * takes {@link Channel.bytes} of the map, which are zero before its first use. For answers make a
 * second channel.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Channel } from 'memmap/channel';
 *
 * using map = MmapMut.create('jobs.bin', Channel.bytes({ lanes: 4 }));
 * const channel = new Channel(map, 0, { lanes: 4 });
 * using sender = channel.sender(); // in one process
 * using receiver = channel.receiver(); // in another one
 * await sender.send('hello');
 * const { data } = await receiver.receive({ timeout: 1000 });
 * data.toString(); // => 'hello'
 * ```
 *
 * Each sender has a lane with a ring of its own, so senders never wait for each other. A thread that
 * dies, by `kill -9` too, loses nothing that it has sent: its lane is received, and free after that.
 * `docs/channel.md` describes the bytes, for peers in other languages.
 */
export class Channel {
  /**
   * The bytes that a channel takes: 4096, and 4096 and `capacity` for each lane.
   *
   * @param options - As for the constructor.
   * @throws TypeError, RangeError.
   */
  static bytes(options?: ChannelOptions): number {
    return channelBytes(readChannelOptions(options));
  }

  /**
   * Makes the bytes of a broken channel those of a fresh one, whatever they were. All messages are
   * lost. Nobody may use the channel meanwhile: senders and receivers of before must be closed.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   * import { Channel } from 'memmap/channel';
   *
   * using map = MmapMut.anonymous(Channel.bytes({ lanes: 1 }));
   * map.fill(255);
   * const channel = Channel.reset(map, 0, { lanes: 1 });
   * ```
   *
   * @param map - As for the constructor.
   * @param offset - As for the constructor.
   * @param options - As for the constructor.
   * @returns The channel.
   * @throws As the constructor.
   */
  static reset(map: MmapMut, offset: Integer, options?: ChannelOptions): Channel {
    new ChannelMemory(map, offset, readChannelOptions(options)).reset();
    return new Channel(map, offset, options);
  }

  /** How many senders there can be at a time. */
  readonly lanes: number;
  /** The bytes of each lane's ring. */
  readonly capacity: number;
  readonly #shared: ChannelMemory;

  /**
   * The channel at an offset of a map. Nothing is created: the same offset of the same file is the
   * same channel, in every thread and process.
   *
   * ```js
   * import { MmapMut } from 'memmap';
   * import { Channel } from 'memmap/channel';
   *
   * const size = { lanes: 8, capacity: 65_536 };
   * using map = MmapMut.anonymous(Channel.bytes(size));
   * const channel = new Channel(map, 0, size); // the same size in every process
   * ```
   *
   * @param map - A MmapMut or SharedMemory. The channel must fit into one Buffer of the runtime
   * (4 GiB on Node.js 20).
   * @param offset - Where it begins; `map.offset + offset` must be a multiple of 8.
   * @param options - The number of lanes and the bytes of a lane's ring: the same for all users.
   * @throws TypeError; RangeError also where others use another size; MmapError
   * `ERR_MMAP_READ_ONLY` for a map that is read-only or copy-on-write; `ERR_MMAP_CORRUPT` where the
   * bytes are no channel; `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  constructor(map: MmapMut, offset: Integer, options?: ChannelOptions) {
    const size = readChannelOptions(options);
    this.#shared = new ChannelMemory(map, offset, size);
    this.#shared.current();
    this.lanes = size.lanes;
    this.capacity = size.capacity;
  }

  /** Takes a lane whose producer is gone and whose messages were all received. */
  #takeLane(effort: Effort): { lane: number; epoch: number } | undefined {
    const shared = this.#shared;
    const words = shared.current();
    for (let lane = 0; lane < shared.lanes; lane++) {
      const at = shared.laneAt(lane);
      enterNamespace(words, at + PRODUCER_NAMESPACE);
      const result = claim(words, at + PRODUCER, at + PRODUCER_NAMESPACE, ME, effort);
      if (result === Claim.Refused) continue;
      const isPoisoned = (Atomics.load(words, at + FLAGS) & POISONED) !== 0;
      if (!isPoisoned && Atomics.load(words, at + HEAD) === Atomics.load(words, at + TAIL)) {
        return { lane, epoch: (Atomics.add(words, at + EPOCH, 1) + 1) >>> 0 };
      }
      release(words, at + PRODUCER);
    }
    return undefined;
  }

  /**
   * Makes this thread the sender of a lane that is free: no sender has it, and all of its messages
   * were received.
   *
   * @param options - The longest message; with `codec`, values are sent instead of bytes.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_FULL` where no lane is free;
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`, `ERR_MMAP_CHANGED`.
   */
  sender(options?: SenderOptions & { codec?: undefined }): Sender;
  sender<T = unknown>(options: SenderOptions & { codec: CodecOption<T> }): Sender<T>;
  sender<T>(options?: SenderOptions & { codec?: CodecOption<T> | undefined }): Sender<T> {
    checkCodec(options?.codec);
    const taken = this.#takeLane(Effort.First) ?? this.#takeLane(Effort.Thorough);
    this.#shared.verify();
    if (taken === undefined) {
      throw new MmapError(
        'ERR_MMAP_FULL',
        `none of the channel's ${this.lanes} lanes is free; close senders, let the receiver ` +
          'receive what others have sent, or use more `lanes`',
        this.#shared.path,
      );
    }
    try {
      return new Sender<T>(this.#shared, taken, options);
    } catch (error) {
      const index = this.#shared.laneAt(taken.lane) + PRODUCER;
      quietly(() => release(this.#shared.words, index));
      throw error;
    }
  }

  /**
   * Makes this thread the receiver, if there is none or the one before has died.
   *
   * @param options - The longest message, and what to do about poisoned lanes; with `codec`, values
   * are received instead of bytes.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_IN_USE` where there is a receiver;
   * `ERR_MMAP_CLOSED`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`, `ERR_MMAP_CHANGED`.
   */
  receiver(options?: ReceiverOptions & { codec?: undefined }): Receiver;
  receiver<T = unknown>(options: ReceiverOptions & { codec: CodecOption<T> }): Receiver<T>;
  receiver<T>(options?: ReceiverOptions & { codec?: CodecOption<T> | undefined }): Receiver<T> {
    const words = this.#shared.current();
    enterNamespace(words, RECEIVER_NAMESPACE);
    const result = claim(words, RECEIVER, RECEIVER_NAMESPACE, ME, Effort.Thorough);
    this.#shared.verify();
    if (result === Claim.Refused) {
      throw new MmapError(
        'ERR_MMAP_IN_USE',
        'the channel has a receiver; close it first, or use another channel',
        this.#shared.path,
      );
    }
    try {
      return new Receiver<T>(this.#shared, result === Claim.Inherited, options);
    } catch (error) {
      quietly(() => release(this.#shared.words, RECEIVER));
      throw error;
    }
  }
}
