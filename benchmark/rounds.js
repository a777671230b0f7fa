/** The median of numbers. */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Runs contestants in turns, so that other load on the machine affects them all.
 *
 * @param contestants - An object of functions that each return (a promise of) the nanoseconds for
 * one repetition; null for one that is not there.
 * @param onRound - Called before each round with its number, from 1.
 * @returns The times of each, one per round (undefined for null), after two rounds that do not
 * count (one, before a single one).
 */
async function inTurns(contestants, rounds, onRound = () => {}) {
  const names = Object.keys(contestants).filter((name) => contestants[name] !== null);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -Math.min(2, rounds); round < rounds; round++) {
    onRound(Math.max(round + 1, 1));
    for (const name of names) {
      const time = await contestants[name]();
      if (round >= 0) times[name].push(time);
    }
    // The order rotates, so that no peer always follows the same one.
    names.unshift(names.pop());
  }
  return times;
}

module.exports = { inTurns, median };
