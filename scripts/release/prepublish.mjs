/**
 * Publishes the packages of the platforms. npm runs it before it publishes memmap, which names them as
 * optional dependencies: `napi prepublish` writes that into `package.json`. It changes this checkout,
 * so it begins with what could refuse the release.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { section } from './changelog.mjs';
import { readJson } from './json.mjs';
import { napi } from './napi.mjs';
import { isNewer } from './newer.mjs';
import { platformPackages } from './platform-packages.mjs';
import { versions } from './versions.mjs';

/** The first npm that publishes by the identity of a workflow, without a token. */
const TRUSTED_NPM = '11.5.1';

const root = resolve('.');
const { version, repository } = readJson('package.json');

function problems() {
  const found = [];
  for (const [file, other] of Object.entries(versions(root))) {
    if (other !== version) found.push(`${file} has version ${other}, package.json has ${version}`);
  }
  if (!section(readFileSync('CHANGELOG.md', 'utf8'), version)) {
    found.push(`CHANGELOG.md has no section [${version}]`);
  }
  for (const { folder, file } of platformPackages(root)) {
    if (!existsSync(join('npm', folder, file))) found.push(`npm/${folder}/${file} is missing`);
  }
  if (!existsSync('dist/index.js')) found.push('dist/ is missing');
  const { GITHUB_REF_TYPE, GITHUB_REF_NAME, GITHUB_REPOSITORY } = process.env;
  if (GITHUB_REF_TYPE === 'tag' && GITHUB_REF_NAME !== `v${version}`) {
    found.push(`the tag is ${GITHUB_REF_NAME}, it must be v${version}`);
  }
  // npm refuses provenance that names another repository than the package does.
  if (GITHUB_REPOSITORY && !repository.url.endsWith(`/${GITHUB_REPOSITORY}.git`)) {
    found.push(`package.json names the repository ${repository.url}, not ${GITHUB_REPOSITORY}`);
  }
  const npm = /\bnpm\/([\d.]+)/.exec(process.env.npm_config_user_agent ?? '')?.[1];
  if (process.env.ACTIONS_ID_TOKEN_REQUEST_URL && npm && isNewer(TRUSTED_NPM, npm)) {
    found.push(`npm ${npm} cannot log in by the identity of a workflow, ${TRUSTED_NPM} can`);
  }
  return found;
}

const found = problems();
if (found.length > 0) {
  console.error(`memmap ${version} cannot be published:\n  ${found.join('\n  ')}`);
  process.exit(1);
}
// The package for all platforms carries no core; npm would pack those that a build left here.
for (const name of readdirSync(root)) if (name.endsWith('.node')) rmSync(join(root, name));
const dry = process.env.npm_config_dry_run === 'true' ? ['--dry-run'] : [];
process.stdout.write(napi(['prepublish', '--tag-style', 'npm', '--no-gh-release', ...dry]));
