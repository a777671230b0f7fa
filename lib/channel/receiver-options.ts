/** The options of receivers, read once. */
import { checkFunction, checkInteger, checkOptions, type Integer } from '../base/arguments';
import type { MmapError } from '../base/errors';
import type { AsyncOptions } from '../sync/acquire';
import { type CheckedCodec, type CodecOption, checkCodec } from './codec';
import { LONGEST_MESSAGE } from './limits';

/** How a receiver receives. */
export interface ReceiverOptions {
  /**
   * The longest message in bytes, 0 to 2^32 - 1; one of several records that is longer is dropped.
   * Default 64 MiB.
   */
  maxLength?: Integer | undefined;
  /**
   * Called with the error where a lane is poisoned, instead of its being thrown: receiving goes on
   * with the other lanes.
   */
  onCorrupt?: ((error: MmapError) => void) | undefined;
  /**
   * For how many microseconds to look again and again before sleeping, 0 to 100,000: a message that
   * is near is received sooner than a thread can be woken. Promises look once at each turn of the
   * event loop. Each time that nothing came, more of the waits that follow sleep at once, up to 15.
   * Default 50.
   */
  spin?: Integer | undefined;
}

/** For how long a receiver spins, in us. */
const USUAL_SPIN = 50;
const LONGEST_SPIN = 100_000;

/** How batches are received. */
export interface BatchOptions extends AsyncOptions {
  /** Whether messages are views of the ring, valid until the next step. Default false: copies. */
  lend?: boolean | undefined;
  /** The most messages of a batch, from 1 on. Default 1024. */
  limit?: Integer | undefined;
}

/** Reads how a receiver receives. */
export function readReceiverOptions<T>(
  options: (ReceiverOptions & { codec?: CodecOption<T> | undefined }) | undefined,
): {
  maxLength: number;
  onCorrupt: ((error: MmapError) => void) | undefined;
  spin: number;
  codec: CheckedCodec<T> | undefined;
} {
  const {
    maxLength = LONGEST_MESSAGE,
    codec,
    onCorrupt,
    spin = USUAL_SPIN,
  } = checkOptions(options);
  return {
    maxLength: checkInteger(maxLength, 'options.maxLength', 0, 2 ** 32 - 1),
    codec: checkCodec(codec) as CheckedCodec<T> | undefined,
    onCorrupt: checkFunction(onCorrupt, 'options.onCorrupt'),
    spin: checkInteger(spin, 'options.spin', 0, LONGEST_SPIN),
  };
}
