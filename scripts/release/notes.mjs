/**
 * Prints what the changelog says of the version of this checkout: the text of its release on GitHub.
 */
import { readFileSync } from 'node:fs';
import { section } from './changelog.mjs';
import { readJson } from './json.mjs';

const { version } = readJson('package.json');
const text = section(readFileSync('CHANGELOG.md', 'utf8'), version);
if (!text) {
  console.error(`CHANGELOG.md has no section [${version}]`);
  process.exit(1);
}
console.log(text);
