import { killedReceivers, killedSenders } from './channel-deaths';
import { killedOwners, terminatedOwners } from './dead-owners';
import { inChildren } from './in-children';
import { interleavings } from './interleavings';
import { rendezvous } from './rendezvous';
import type { Scenario } from './scenario';

/** All scenarios. */
export const scenarios: Scenario[] = [
  inChildren({ name: 'fault-race', fullSize: 10_000, slices: 10 }),
  inChildren({ name: 'fuzz', fullSize: 100_000, slices: 20 }),
  inChildren({ name: 'channel-fuzz', fullSize: 100_000, slices: 10 }),
  inChildren({ name: 'lock-race', fullSize: 400, slices: 20 }),
  interleavings,
  rendezvous,
  killedOwners,
  terminatedOwners,
  killedSenders,
  killedReceivers,
];
