/** What `npm run stress` runs, and in small the project's own check. */
import type { Random } from '../helpers/random';

/** How a scenario is to run. The same seed and size make the same choices again. */
export interface StressOptions {
  random: Random;
  /** How many rounds. */
  size: number;
  /** Tells how it goes. */
  log: (text: string) => void;
}

/** Something that is done many times at random, and throws where memmap breaks a promise. */
export interface Scenario {
  name: string;
  /** The rounds that `npm run stress -- --slice` takes. */
  smallSize: number;
  /** The rounds that `npm run stress` takes. */
  fullSize: number;
  /** Why it cannot run on this system. */
  impossible?: string | undefined;
  run: (options: StressOptions) => Promise<void>;
}

/** Why a terminated worker is not noticed: macOS has no thread number that others could look up. */
export const THREADS_UNSEEN =
  process.platform === 'darwin' ? 'macOS tells of no ended thread' : undefined;
