import { guardHazards } from './hazards/guard-list';
import { test } from './hazards/spec';

for (const hazard of guardHazards) test(hazard);
