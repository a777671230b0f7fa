import { MmapError } from '../base/errors';

/** The error for words or records of a channel that contradict each other. */
export function corruptError(message: string, path: string | null): MmapError {
  return new MmapError('ERR_MMAP_CORRUPT', message, path);
}

/** The error for a lane that its receiver no longer reads. */
export function poisonedError(lane: number, path: string | null): MmapError {
  return corruptError(
    `lane ${lane} of the channel is poisoned: its words or records contradicted each other. Use ` +
      'another sender, or Channel.reset() once nobody uses the channel',
    path,
  );
}

/** The error for calls on a sender or receiver that was closed. */
export function endedError(what: 'sender' | 'receiver', path: string | null): MmapError {
  return new MmapError('ERR_MMAP_CLOSED', `the ${what} is closed; make another one`, path);
}

/** The error for a message that is longer than the channel takes. */
export function tooLongError(length: number, allowed: number, advice: string): RangeError {
  const error = new RangeError(
    `the message has ${length} bytes, ${allowed} are allowed here; ${advice}`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}
