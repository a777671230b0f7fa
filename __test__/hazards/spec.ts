import ava from 'ava';
import { face, type Hazard } from './list';

/** Declares the ava test of a scenario. */
export function test(hazard: Hazard): void {
  const { title, impossible } = hazard;
  if (impossible === undefined) {
    ava.serial(title, async (t) => {
      await t.notThrowsAsync(face(hazard));
    });
  } else ava.skip(`${title} (not here: ${impossible})`, () => {});
}
