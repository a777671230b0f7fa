/** Package managers, and how each installs memmap for a platform that need not be this one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageManager } from './tools.mjs';

/** The options of npm and pnpm for a platform, `{ os, cpu, libc }`. */
function flags(platform = {}) {
  return Object.entries(platform).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Yarn's settings: for the platform, and against what it does to new versions and in CI. */
function yarnSettings(platform) {
  const lines = [
    'nodeLinker: node-modules',
    'enableImmutableInstalls: false',
    'npmMinimalAgeGate: 0',
  ];
  if (platform !== undefined) lines.push('supportedArchitectures:');
  for (const [name, value] of Object.entries(platform ?? {})) lines.push(`  ${name}: [${value}]`);
  return `${lines.join('\n')}\n`;
}

/**
 * `command` gives the program and its arguments that install memmap for a platform (undefined: this
 * machine) into an empty folder with a `package.json`. `foreign`: whether it can do so for other
 * platforms.
 */
export const installers = [
  {
    name: 'npm',
    foreign: true,
    command: (platform) => ['npm', 'install', ...flags(platform), 'memmap'],
  },
  {
    name: 'pnpm',
    foreign: true,
    async command(platform, folder) {
      const options = ['--store-dir', join(folder, '.store'), ...flags(platform)];
      // Its usual layout consists of symbolic links, which programs under Wine do not see as such.
      if (platform?.os === 'win32') options.push('--config.node-linker=hoisted');
      return [process.execPath, await packageManager('pnpm'), 'add', ...options, 'memmap'];
    },
  },
  {
    name: 'yarn',
    foreign: true,
    async command(platform, folder) {
      writeFileSync(join(folder, '.yarnrc.yml'), yarnSettings(platform));
      writeFileSync(join(folder, 'yarn.lock'), '');
      return [process.execPath, await packageManager('yarn'), 'add', 'memmap'];
    },
  },
  {
    name: 'yarn 1',
    foreign: false,
    command: async () => [process.execPath, await packageManager('yarn 1'), 'add', 'memmap'],
  },
];

/** Makes the folder of a user that has nothing installed, and returns the command for it. */
export async function installation({ command }, platform, folder) {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'user', version: '1.0.0', private: true };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return command(platform, folder);
}
