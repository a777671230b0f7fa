/** What the tests of other platforms run on, and which tests run on each. */
import runtimesOfNpm from '../runtimes.js';
import { arm64Node, riscv64Node, windowsNode, wine } from './emulators.mjs';
import * as musl from './musl.mjs';
import { script, Unavailable } from './tools.mjs';

/** The whole suite. */
const WHOLE = { name: 'suite', label: 'whole suite' };

/**
 * What an emulated processor is most likely to do otherwise: waiting between threads and processes,
 * kernels of searches. Faults are in the smoke suite, which has all hazards.
 */
const SPECS = {
  name: 'specs',
  label: 'locks, channels, shared memory, search',
  specs: ['shm', 'cursor', 'lines', 'search', 'channel/*', 'sync/*'],
};

/**
 * The whole suite but for what is of the project itself, its texts, typings and release: it calls nothing
 * of the core, or only the examples of the docs, and takes many minutes under Wine.
 */
const WINDOWS = {
  name: 'suite',
  label: "whole suite but for the project's own tools and texts",
  without: [
    'benchmarks',
    'docs',
    'example-coverage',
    'house',
    'packages',
    'platforms',
    'release',
    'snippets',
    'types',
    'workflows',
  ],
};

const SMOKE = { name: 'smoke', label: 'smoke', smoke: true };

/** The versions of Node.js for musl that PyPI has. */
const MUSL = { 20: '20.18.0', 22: '22.20.0', 24: '24.19.0' };

/** A program that runs as it is, with what it needs in `env`. */
const plain = (program, env = {}) => ({ command: [program], env, remove: async () => {} });

/** Node.js for Windows, in a Windows of its own. */
async function underWine(major) {
  const [{ command, env, remove }, program] = await Promise.all([wine(), windowsNode(major)]);
  return { command: [command, program], env, remove, inside: true };
}

/** A runtime of npm's that ava starts by a script, which gives it its options. */
async function scripted(name, wanted, file, options) {
  let program;
  try {
    program = runtimesOfNpm.program({ name, package: wanted, file }, 300_000);
  } catch (error) {
    throw new Unavailable(error.message);
  }
  // What ava says to Node.js is an error to Deno.
  const before = ['[ "$1" = --enable-source-maps ] && shift'];
  return plain(await script(name, name, before, [program, ...options]));
}

/**
 * `platform` is whose core is loaded; `start()` answers the command that runs a program, its
 * environment, and `remove()`; `suites` is what runs, `core` what of it the project's own check runs.
 */
export const runtimes = [
  ...['22', '24', '20'].map((major) => ({
    name: `musl-${major}`,
    platform: 'linux-x64-musl',
    label: `Node.js ${major}`,
    suites: [major === '20' ? SMOKE : WHOLE],
    core: major === '22' ? [WHOLE] : [],
    start: async () => plain(await musl.node(MUSL[major])),
  })),
  {
    name: 'musl-bun',
    platform: 'linux-x64-musl',
    label: 'Bun',
    suites: [SMOKE],
    core: [],
    start: async () => plain(await musl.bun(MUSL[22])),
  },
  ...['22', '24', '20'].map((major) => ({
    name: `arm64-${major}`,
    platform: 'linux-arm64-gnu',
    label: `Node.js ${major}, qemu`,
    suites: [SPECS, SMOKE],
    core: major === '22' ? [SMOKE] : [],
    start: async () => plain(await arm64Node(major, 'gnu')),
  })),
  ...['22', '24'].map((major) => ({
    name: `arm64-musl-${major}`,
    platform: 'linux-arm64-musl',
    label: `Node.js ${major}, qemu`,
    suites: [SPECS, SMOKE],
    core: [],
    start: async () => plain(await arm64Node(MUSL[major], 'musl')),
  })),
  {
    name: 'riscv64',
    platform: 'linux-riscv64-gnu',
    label: 'Node.js 20, qemu',
    suites: [SMOKE],
    core: [],
    start: async () => plain(await riscv64Node()),
  },
  ...['22', '24', '20'].map((major) => ({
    name: `wine-${major}`,
    platform: 'win32-x64-msvc',
    label: `Node.js ${major}, Wine`,
    suites: [WINDOWS],
    core: major === '22' ? [SMOKE] : [],
    start: () => underWine(major),
  })),
  {
    name: 'bun',
    platform: 'linux-x64-gnu',
    label: 'Bun',
    suites: [WHOLE],
    core: [],
    start: () =>
      scripted('bun', '@oven/bun-linux-x64', '@oven/bun-linux-x64/bin/bun', ['--expose-gc']),
  },
  {
    name: 'deno',
    platform: 'linux-x64-gnu',
    label: 'Deno',
    suites: [WHOLE],
    core: [],
    start: () =>
      scripted('deno', '@deno/linux-x64-glibc', '@deno/linux-x64-glibc/deno', [
        'run',
        '-A',
        '--quiet',
        '--no-lock',
        '--v8-flags=--expose-gc',
      ]),
  },
];
