/**
 * Sets the version everywhere, and heads the changelog with it.
 *
 *     npm run release:version -- 0.2.0
 */
import { resolve } from 'node:path';
import { setVersion } from './versions.mjs';

const [version = ''] = process.argv.slice(2);
try {
  setVersion(resolve('.'), version, new Date().toISOString().slice(0, 10));
  console.log(`The version is ${version} everywhere. docs/releasing.md says what comes next.`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
