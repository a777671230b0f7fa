import { hazards } from './hazards/list';
import { test } from './hazards/spec';

for (const hazard of hazards) test(hazard);
