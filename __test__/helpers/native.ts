/** The native core without `lib/`, whose checks stand before it: only for tests of the core itself. */
import { join } from 'node:path';
import type * as Binding from '../../lib/base/binding';
import { root } from './temporary';

const loaded: { native: typeof Binding; platform: () => string } = require(
  join(root, 'dist', 'base', 'native.js'),
);

export const { native } = loaded;

/** The name of its file in the checkout, which may have those of other platforms, too. */
export const coreFile = `memmap.${loaded.platform()}.node`;
