/** Scenarios that could kill the process: scripts of this folder, run in children. */
import { run as runScript, runtimeArguments } from '../helpers/run';
import type { Scenario } from './scenario';

const TIMEOUT_MS = 30 * 60_000;

/**
 * The scenario that the script `name` plays when it is called with a seed and a number of rounds.
 * It is played in slices, each with a seed of its own: one that fails is soon played again, and a
 * fresh process begins with other addresses.
 */
export function inChildren({
  name,
  fullSize,
  slices,
}: {
  name: string;
  fullSize: number;
  /** How many slices the full size is divided into. */
  slices: number;
}): Scenario {
  const slice = Math.ceil(fullSize / slices);
  return {
    name,
    smallSize: Math.ceil(fullSize / 20),
    fullSize,
    async run({ random, size, log }) {
      for (let done = 0; done < size; done += slice) {
        const seed = random.below(2 ** 31);
        const args = [String(seed), String(Math.min(slice, size - done))];
        const { code, signal, stdout, stderr } = await runScript(`stress/${name}`, args, {
          timeout: TIMEOUT_MS,
        });
        if (code !== 0) {
          const flags = runtimeArguments().join(' ');
          const again = `${flags} build/__test__/stress/${name}.js ${args.join(' ')}`;
          throw new Error(
            `${name} ended with ${signal ?? code}; to play it again: ` +
              `${process.execPath} ${again}\n${stdout}${stderr}`,
          );
        }
        log(`${Math.min(done + slice, size)} of ${size}${stdout && `: ${stdout.trimEnd()}`}`);
      }
    },
  };
}
