/** A small slice of `npm run stress`. */
import test from 'ava';
import { scenarios } from './index';
import { Random } from './random';

for (const { name, smallSize, run } of scenarios) {
  test.serial(`${name}, ${smallSize} rounds`, async (t) => {
    t.timeout(120_000);
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.log(`seed ${seed}`);
    await run({ random: new Random(seed), size: smallSize, log: (text) => t.log(text) });
    t.pass();
  });
}
