/**
 * Writes `npm/` anew, from `package.json`.
 *
 *     npm run release:packages
 */
import { resolve } from 'node:path';
import { writePlatformPackages } from './platform-packages.mjs';

writePlatformPackages(resolve('.'));
