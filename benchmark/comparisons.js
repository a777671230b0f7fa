/**
 * What a group of benchmarks compares: memmap and its peers do the same work in turns, and must come
 * to the same answer. A comparison is one entry in the group's record (`record.js`).
 */
const { isDeepStrictEqual } = require('node:util');
const { inTurns, median } = require('./rounds');

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
   * @param options - `rounds` that count (15); the `unit` of the times: `ns` or `bytes` (`ns`); and
   * `limit`, a target beside no peer: `{ text, time }`, what memmap's time may be at most.
   */
  async compare(what, contestants, { rounds = 15, ...rest } = {}) {
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
    this.add(what, Object.fromEntries(measured), rest);
  }

  /**
   * Adds what the group has measured by itself: as {@link compare}, with `times` (one for each
   * round) and `answer` in place of `run`.
   */
  add(what, contestants, { unit = 'ns', limit } = {}) {
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
      limit: limit && { text: limit.text, time: rounded(limit.time) },
      contestants: Object.entries(contestants).map(([name, contestant]) => {
        const { command, times, atMost, missing } = contestant;
        if (!times) return { name, command, missing: missing ?? 'not on this platform' };
        const time = rounded(median(times));
        return { name, command, time, atLeast: atMost && rounded(1 / atMost) };
      }),
    });
  }
}

/** Three digits: more than that is noise. */
function rounded(number) {
  return Number(number.toPrecision(3));
}

/**
 * How many times as long as memmap a contestant takes: the quotient of the times that the report
 * shows, so that both agree. No record has it. Undefined for memmap itself, and for what is missing.
 */
function ratio({ contestants: [memmap] }, contestant) {
  if (contestant === memmap || contestant.time === undefined) return undefined;
  return rounded(contestant.time / memmap.time);
}

module.exports = { Comparisons, ratio };
