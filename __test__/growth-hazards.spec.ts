import { growthHazards } from './hazards/growth-list';
import { test } from './hazards/spec';

for (const hazard of growthHazards) test(hazard);
