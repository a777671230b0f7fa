/** The version of the package, which several files repeat. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withRelease } from './changelog.mjs';
import { readJson, writeJson } from './json.mjs';
import { platformPackages, writePlatformPackages } from './platform-packages.mjs';

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const CRATE = /(?<=^\[package\]\nname = "memmap"\nversion = ").*(?="$)/m;
const LOCKED_CRATE = /(?<=^name = "memmap"\nversion = ").*(?="$)/m;

function replaceIn(path, pattern, value) {
  const text = readFileSync(path, 'utf8');
  if (!pattern.test(text)) throw new Error(`${path} has no version where one is expected`);
  writeFileSync(
    path,
    text.replace(pattern, () => value),
  );
}

/** Every file that names the version, and the version that it names. */
export function versions(root) {
  const matchIn = (name, pattern) => readFileSync(join(root, name), 'utf8').match(pattern)?.[0];
  const lock = readJson(join(root, 'package-lock.json'));
  return {
    'package.json': readJson(join(root, 'package.json')).version,
    'package-lock.json': lock.version,
    'package-lock.json, packages': lock.packages[''].version,
    'Cargo.toml': matchIn('Cargo.toml', CRATE),
    'Cargo.lock': matchIn('Cargo.lock', LOCKED_CRATE),
    ...Object.fromEntries(
      platformPackages(root).map(({ folder }) => {
        const name = `npm/${folder}/package.json`;
        return [name, readJson(join(root, name)).version];
      }),
    ),
  };
}

/**
 * Sets the version in all of them, and gives what is unreleased in `CHANGELOG.md` the version's
 * heading. Throws, and changes nothing, where `version` is none or the changelog is empty.
 */
export function setVersion(root, version, date) {
  if (!VERSION.test(version)) {
    throw new Error(`'${version}' is no version: give one such as 1.2.3 or 1.2.3-beta.1`);
  }
  const changelog = join(root, 'CHANGELOG.md');
  const released = withRelease(readFileSync(changelog, 'utf8'), version, date);
  const manifest = readJson(join(root, 'package.json'));
  writeJson(join(root, 'package.json'), { ...manifest, version });
  const lock = readJson(join(root, 'package-lock.json'));
  lock.version = version;
  lock.packages[''].version = version;
  writeJson(join(root, 'package-lock.json'), lock);
  replaceIn(join(root, 'Cargo.toml'), CRATE, version);
  replaceIn(join(root, 'Cargo.lock'), LOCKED_CRATE, version);
  writeFileSync(changelog, released);
  writePlatformPackages(root);
}
