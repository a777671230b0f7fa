/** Looking again and again before sleeping, where that has paid before. */

/** The most waits that sleep at once after one that spun for nothing. */
const MOST_SKIPPED = 15;

/**
 * Waking a thread takes longer than many a message needs to come. Looking for it instead keeps a core
 * busy, and on a busy machine keeps it from the sender. So each time that looking finds nothing, more
 * of the waits that follow sleep at once.
 */
export class Spin {
  /** In ms. */
  readonly #longest: number;
  #skipped = 0;
  #left = 0;

  /** @param longest - In ms. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** For how many ms to look this time. */
  begin(): number {
    if (this.#left === 0) return this.#longest;
    this.#left--;
    return 0;
  }

  /** Says whether looking for longer than 0 ms has found something. */
  end(found: boolean): void {
    this.#skipped = found ? 0 : Math.min(MOST_SKIPPED, 2 * this.#skipped + 1);
    this.#left = this.#skipped;
  }
}
