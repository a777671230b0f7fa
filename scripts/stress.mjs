/**
 * Runs the scenarios of `__test__/stress/`, at full size or a twentieth of it.
 *
 *     npm run stress -- [--seed=1] [--size=1000 | --slice] [--runtime=path] [scenario...]
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string' },
    size: { type: 'string' },
    slice: { type: 'boolean', default: false },
    runtime: { type: 'string' },
  },
  allowPositionals: true,
});

// The scenarios start children of the runtime that runs them, so that one runs this script as well.
if (values.runtime !== undefined) {
  const rest = process.argv.slice(2);
  const at = rest.findIndex((argument) => argument.startsWith('--runtime'));
  rest.splice(at, rest[at] === '--runtime' ? 2 : 1);
  const deno = /deno(\.exe)?$/.test(values.runtime) ? ['run', '-A', '--quiet', '--no-lock'] : [];
  const args = [...deno, fileURLToPath(import.meta.url), ...rest];
  const { status, error } = spawnSync(values.runtime, args, { stdio: 'inherit' });
  if (error) throw error;
  process.exit(status ?? 1);
}

function count(name, text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${name} is no count: ${text}`);
  return number;
}

const require = createRequire(import.meta.url);
const { scenarios } = require('../build/__test__/stress/index.js');
const { Random } = require('../build/__test__/helpers/random.js');

const seed = count('seed', values.seed ?? Math.floor(Math.random() * 2 ** 31));
const wanted = positionals.length > 0 ? positionals : scenarios.map(({ name }) => name);
for (const name of wanted) {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) {
    throw new Error(
      `there is no ${name}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
    );
  }
  if (scenario.impossible) {
    console.log(`${name}: left out: ${scenario.impossible}`);
    continue;
  }
  const usual = values.slice ? scenario.smallSize : scenario.fullSize;
  const size = values.size === undefined ? usual : count('size', values.size);
  console.log(`${name}: ${size} rounds (--seed=${seed})`);
  await scenario.run({ random: new Random(seed), size, log: (text) => console.log(`  ${text}`) });
}
