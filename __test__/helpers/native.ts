/** The native core without `lib/`, whose checks stand before it. Only for tests of its own checks. */
import { join } from 'node:path';
import type * as Binding from '../../lib/base/binding';
import { root } from './temporary';

export const { native }: { native: typeof Binding } = require(
  join(root, 'dist', 'base', 'native.js'),
);
