/**
 * What a group of benchmarks compares: memmap and its peers do the same work in turns, and must come
 * to the same answer. A comparison is one entry in the group's record (`record.js`).
 */
const { isDeepStrictEqual } = require('node:util');
const { inTurns, median, medianRatio } = require('./rounds');

/** The comparisons of one run of a group. */
class Comparisons {
  /** The entries of the record. */
  entries = [];
  #progress;

  /** @param progress - Called with what is being done now, in words. */
  constructor(progress) {
    this.#progress = progress;
  }

  /**
   * Runs the contestants in turns and adds the result.
   *
   * @param what - The work, in words.
   * @param contestants - By name; the first is memmap. Each is `{ command, run, atMost? }`:
   * `command` shows the code or the shell command, without paths of this machine; `run` does the
   * work and returns (a promise of) the time of one repetition, or `{ time, answer }`; it is null
   * where the peer is not there, and then `missing` says what to install. `atMost` is the target:
   * memmap's time over this peer's.
   * @param options - `rounds` that count (15), and the `unit` of the times: `ns` or `bytes` (`ns`).
   */
  async compare(what, contestants, { rounds = 15, unit = 'ns' } = {}) {
    const answers = {};
    const timed = Object.entries(contestants).map(([name, { run }]) => [
      name,
      run &&
        (async () => {
          const result = await run();
          if (typeof result === 'number') return result;
          answers[name] ??= result.answer;
          if (!isDeepStrictEqual(answers[name], result.answer)) {
            throw new Error(`${what}: ${name} answers ${result.answer} after ${answers[name]}`);
          }
          return result.time;
        }),
    ]);
    const times = await inTurns(Object.fromEntries(timed), rounds, (round) =>
      this.#progress(`${what}, round ${round} of ${rounds}`),
    );
    const measured = Object.entries(contestants).map(([name, { run, ...rest }]) => [
      name,
      { ...rest, times: times[name], answer: answers[name] },
    ]);
    this.add(what, Object.fromEntries(measured), { unit });
  }

  /**
   * Adds what the group has measured by itself: as {@link compare}, with `times` (one for each
   * round) and `answer` in place of `run`.
   */
  add(what, contestants, { unit = 'ns' } = {}) {
    const [[, memmap]] = Object.entries(contestants);
    const answers = Object.entries(contestants).filter(([, { answer }]) => answer !== undefined);
    for (const [name, { answer }] of answers) {
      if (isDeepStrictEqual(answer, answers[0][1].answer)) continue;
      throw new Error(
        `${what}: ${name} answers ${answer}, ${answers[0][0]} ${answers[0][1].answer}`,
      );
    }
    this.entries.push({
      what,
      unit,
      answer: answers[0]?.[1].answer,
      contestants: Object.entries(contestants).map(([name, contestant]) => {
        const { command, times, atMost, missing } = contestant;
        if (!times) return { name, command, missing: missing ?? 'not on this platform' };
        const time = rounded(median(times));
        if (contestant === memmap) return { name, command, time };
        // How many times as long as memmap the peer takes.
        const ratio = rounded(1 / medianRatio(memmap.times, times));
        return { name, command, time, ratio, atLeast: atMost && rounded(1 / atMost) };
      }),
    });
  }
}

/** Three digits: more than that is noise. */
function rounded(number) {
  return Number(number.toPrecision(3));
}

module.exports = { Comparisons };
