/** What `npm run stress` runs, and in small every test run. */

/** How a scenario is to run. The same seed and size make the same choices again. */
export interface StressOptions {
  /** Numbers from 0 to 1, from the seed. */
  random: () => number;
  /** How many rounds. */
  size: number;
  /** Tells how it goes. */
  log: (text: string) => void;
}

/** Something that is done many times at random, and throws where memmap breaks a promise. */
export interface Scenario {
  name: string;
  /** The rounds that a run of the tests takes. */
  smallSize: number;
  /** The rounds that `npm run stress` takes. */
  fullSize: number;
  run: (options: StressOptions) => Promise<void>;
}

/** Mulberry32 (Tommy Ettinger): 32 bits of state, good enough to choose. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
