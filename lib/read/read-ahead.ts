/** A range of a map in pieces, in order, which are read from the disk off the main thread. */
import type { NativeMap } from '../base/native';
import { JobRunner } from '../memory/jobs';
import type { Memory, Span } from '../memory/memory';

/** The bytes that one job reads from the disk. */
const READ_AHEAD = 2 ** 20;

export class ReadAhead {
  readonly #runner: JobRunner<NativeMap>;
  readonly #last: number;
  #from: number;
  /** Up to where a job has read. */
  #read: number;

  constructor(memory: Memory, [first, last]: Span) {
    this.#runner = new JobRunner(memory, undefined);
    this.#last = last;
    this.#from = first;
    this.#read = first;
  }

  /**
   * The next piece, of at most `size` bytes; null after the last. Throws where the map was closed,
   * became shorter or was mapped afresh, or has lost bytes: those of the piece before, too, which its consumer has
   * looked at by now.
   */
  async next(size: number): Promise<Span | null> {
    this.#runner.check();
    const from = this.#from;
    if (from === this.#last) return null;
    const to = Math.min(from + size, this.#last);
    if (to > this.#read) {
      const until = Math.min(Math.max(to, from + READ_AHEAD), this.#last);
      this.#read = until;
      await this.#runner.runOnThread((open, threads, id) =>
        open.prefetch(threads, id, from, until),
      );
    }
    this.#from = to;
    return [from, to];
  }
}
