/**
 * The packages of the single platforms in `npm/`, one for each target that `package.json` names. napi
 * makes each `package.json`; the module format, a README for readers of the registry and the licences
 * are added here.
 */
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTriple } from '@napi-rs/cli';
import { readJson, writeJson } from './json.mjs';
import { napi } from './napi.mjs';

const LICENSES = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT'];
const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };
const LIBRARIES = { gnu: ' with glibc', musl: ' with musl' };

/** The package for a target: its folder in `npm/`, its name, and the file that it brings. */
export function packageFor(target) {
  const { platform, arch, abi, platformArchABI } = parseTriple(target);
  return {
    target,
    system: `${SYSTEMS[platform]} on ${arch}${LIBRARIES[abi] ?? ''}`,
    folder: platformArchABI,
    name: `memmap-${platformArchABI}`,
    file: `memmap.${platformArchABI}.node`,
  };
}

/** The packages of all targets of the checkout at `root`. */
export function platformPackages(root) {
  return readJson(join(root, 'package.json')).napi.targets.map(packageFor);
}

function readme({ name, system }, homepage) {
  return `# \`${name}\`

The compiled core of [memmap](${homepage}), memory-mapped files for JavaScript, for ${system}.

\`npm install memmap\` brings it where it fits. There is no need to install it by itself.
`;
}

/** Writes `npm/` of the checkout at `root`. */
export function writePlatformPackages(root) {
  napi(['create-npm-dirs', '--cwd', root]);
  const { type, homepage } = readJson(join(root, 'package.json'));
  const packages = platformPackages(root);
  for (const each of packages) {
    const folder = join(root, 'npm', each.folder);
    const { files, ...manifest } = readJson(join(folder, 'package.json'));
    writeJson(join(folder, 'package.json'), { ...manifest, type, files: [...files, ...LICENSES] });
    writeFileSync(join(folder, 'README.md'), readme(each, homepage));
    for (const license of LICENSES) copyFileSync(join(root, license), join(folder, license));
  }
  // A target that is gone leaves no package behind.
  const folders = packages.map(({ folder }) => folder);
  for (const folder of readdirSync(join(root, 'npm'))) {
    if (!folders.includes(folder)) rmSync(join(root, 'npm', folder), { recursive: true });
  }
}
