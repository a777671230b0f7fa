/** Every interleaving of a producer and a receiver, at small sizes; see model.ts. */
import test from 'ava';
import { explore, type Fault, type Model } from './model';

/** A message and its padding never take more than half the ring. */
const MODELS: Record<string, Model> = {
  'a ring that never fills': { units: 8, messages: [1, 1, 1], modulus: 16 },
  'a ring of four units, messages of one': {
    units: 4,
    messages: [1, 1, 1, 1, 1, 1, 1],
    modulus: 8,
  },
  'messages of two units, and positions that wrap': {
    units: 4,
    messages: [1, 2, 1, 2, 2, 1],
    modulus: 8,
  },
  'padding before the end': { units: 8, messages: [2, 1, 2, 2, 2, 1, 2], modulus: 16 },
};

for (const [what, model] of Object.entries(MODELS)) {
  test(`every interleaving delivers all messages whole, in order, and wakes: ${what}`, (t) => {
    const { states, ends, failure } = explore(model);
    t.is(failure, undefined);
    t.true(ends > 0);
    t.true(states > 100, `${states} states`);
    t.log(`${states} states, ${ends} ends`);
  });
}

/** What is found when a step is missing. */
const FAULTS: Record<Exclude<Fault, 'none'>, RegExp> = {
  'receiver does not look again before it sleeps': /wake-up/,
  'producer does not look again before it sleeps': /wake-up/,
  'producer does not wake the receiver': /wake-up/,
  'receiver does not wake the producer': /wake-up/,
  'sleeping does not compare the word': /wake-up/,
  'producer stores the tail before the message': /torn/,
  'receiver stores the head before it has read': /torn/,
  'producer does not look for room': /torn|wake-up/,
};

for (const [fault, what] of Object.entries(FAULTS)) {
  test(`a protocol that is wrong is found out: ${fault}`, (t) => {
    const failures = Object.values(MODELS).map(
      (model) => explore({ ...model, fault: fault as Fault }).failure,
    );
    const found = failures.find((failure) => failure !== undefined);
    t.regex(found?.what ?? 'nothing', what);
  });
}
