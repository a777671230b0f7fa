/**
 * Runs the scenarios of `__test__/stress/` at full size.
 *
 *     npm run stress -- [--seed=1] [--size=1000] [scenario...]
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, size: { type: 'string' } },
  allowPositionals: true,
});

function count(name, text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${name} is no count: ${text}`);
  return number;
}

const require = createRequire(import.meta.url);
const { scenarios } = require('../build/__test__/stress/index.js');
const { Random } = require('../build/__test__/stress/random.js');

const seed = count('seed', values.seed ?? Math.floor(Math.random() * 2 ** 31));
const wanted = positionals.length > 0 ? positionals : scenarios.map(({ name }) => name);
for (const name of wanted) {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) {
    throw new Error(
      `there is no ${name}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
    );
  }
  const size = values.size === undefined ? scenario.fullSize : count('size', values.size);
  console.log(`${name}: ${size} rounds (--seed=${seed})`);
  await scenario.run({ random: new Random(seed), size, log: (text) => console.log(`  ${text}`) });
}
