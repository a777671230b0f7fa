import type { Message } from './message';

/**
 * Messages of one sender that were received together.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Channel } from 'memmap/channel';
 *
 * using map = MmapMut.anonymous(Channel.bytes());
 * const channel = new Channel(map, 0);
 * using sender = channel.sender();
 * using receiver = channel.receiver();
 * sender.trySend('one');
 * sender.trySend('two');
 * for await (const batch of receiver.batches({ lend: true })) {
 *   batch.length; // => 2
 *   for (const { data } of batch) data.toString(); // a view of the ring: use it before the next step
 *   break;
 * }
 * ```
 */
export class Batch<T = Buffer> {
  readonly #messages: readonly Message<T>[];
  readonly #release: () => void;

  /** @internal Users call {@link Receiver.batches}. */
  constructor(messages: readonly Message<T>[], release: () => void) {
    this.#messages = messages;
    this.#release = release;
  }

  /** How many messages it has: 1 or more. */
  get length(): number {
    return this.#messages.length;
  }

  /** Iterates over the messages, in the order in which they were sent. */
  [Symbol.iterator](): IterableIterator<Message<T>> {
    return this.#messages.values();
  }

  /**
   * Says that the messages are handled, before the next step does: their sender can use the room in
   * the ring. Views of a lent batch change from then on.
   *
   * @throws MmapError `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  release(): void {
    this.#release();
  }

  /** As {@link release}: `using batch = ...` releases it at the end of the block. */
  [Symbol.dispose](): void {
    this.release();
  }
}
