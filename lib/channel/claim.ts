import { checkInteger, type Integer } from '../base/arguments';
import { MmapError } from '../base/errors';

/** What a claim ends with. */
interface Claimed {
  /** The path that errors name. */
  path: string | null;
  /** Sends so many bytes of what was claimed. */
  commit(used: number): void;
  /** Sends nothing. */
  abort(): void;
}

/**
 * Room for one message in the ring itself, for producers that write it there instead of having it
 * copied.
 *
 * ```js
 * import { MmapMut } from 'memmap';
 * import { Channel } from 'memmap/channel';
 *
 * using map = MmapMut.anonymous(Channel.bytes());
 * using sender = new Channel(map, 0).sender();
 * const claim = sender.claim(4096); // null where the ring is full
 * claim.data.fill(7, 0, 100);
 * claim.commit(100); // the receiver gets the 100 bytes that were used
 * ```
 */
export class Claim {
  /**
   * The bytes of the ring, of the length that was asked for, in which the message is written. They
   * hold what was there before. Not to be touched after {@link commit} or {@link abort}.
   */
  readonly data: Buffer;
  readonly #claimed: Claimed;
  readonly #length: number;
  #open = true;

  /** @internal Users call {@link Sender.claim}. */
  constructor(data: Buffer, claimed: Claimed) {
    this.data = data;
    this.#length = data.length;
    this.#claimed = claimed;
  }

  #end(): void {
    if (!this.#open) {
      throw new MmapError(
        'ERR_MMAP_CLOSED',
        'the claim was committed or aborted; make another one',
        this.#claimed.path,
      );
    }
    this.#open = false;
  }

  /**
   * Sends the message.
   *
   * @param used - How many bytes of {@link data} it has. Default: all.
   * @throws TypeError, RangeError; MmapError `ERR_MMAP_CLOSED` the second time, and where the sender
   * or the map is closed; `ERR_MMAP_CHANGED` where the map became shorter, or was mapped afresh;
   * `ERR_MMAP_CORRUPT`, `ERR_MMAP_TRUNCATED`, `ERR_MMAP_IO`.
   */
  commit(used?: Integer): void {
    const length = used === undefined ? this.#length : checkInteger(used, 'used', 0, this.#length);
    this.#end();
    this.#claimed.commit(length);
  }

  /**
   * Sends nothing: the room is free again.
   *
   * @throws MmapError `ERR_MMAP_CLOSED` the second time.
   */
  abort(): void {
    this.#end();
    this.#claimed.abort();
  }

  /** Aborts, unless the message was sent: `using claim = sender.claim(64)`. */
  [Symbol.dispose](): void {
    if (this.#open) this.abort();
  }
}
