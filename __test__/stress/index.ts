import { killedOwners, terminatedOwners } from './dead-owners';
import { interleavings } from './interleavings';
import type { Scenario } from './scenario';

/** All scenarios. */
export const scenarios: Scenario[] = [interleavings, killedOwners, terminatedOwners];
