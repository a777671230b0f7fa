import { killedOwners, terminatedOwners } from './dead-owners';
import type { Scenario } from './scenario';

/** All scenarios. */
export const scenarios: Scenario[] = [killedOwners, terminatedOwners];
