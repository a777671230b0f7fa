import test from 'ava';
import { face, hazards } from './hazards/list';

for (const hazard of hazards) {
  const { title, impossible } = hazard;
  if (impossible === undefined) {
    test.serial(title, async (t) => {
      await t.notThrowsAsync(face(hazard));
    });
  } else test.skip(`${title} (not here: ${impossible})`, () => {});
}
