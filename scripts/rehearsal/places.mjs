/** Where memmap is installed and run: platforms, each with the runtimes that this machine has for it. */
import { runtimes } from '../platforms/runtimes.mjs';
import { Unavailable } from '../platforms/tools.mjs';
import runtimesOfNpm from '../runtimes.js';

/** A version of Node.js from npm, for this machine. */
function nativeNode(major) {
  return {
    platform: 'linux-x64-gnu',
    label: `Node.js ${major}`,
    async start() {
      const program = runtimesOfNpm.program(runtimesOfNpm.node(major));
      if (program === undefined) throw new Unavailable('npm has no such program for this machine');
      return { command: [program], remove: async () => {} };
    },
  };
}

const all = [...['20', '22', '24', '26'].map(nativeNode), ...runtimes];

/** What package managers are told; undefined where it is this machine's. */
const PLATFORMS = {
  'linux-x64-gnu': undefined,
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl' },
  'linux-riscv64-gnu': { os: 'linux', cpu: 'riscv64', libc: 'glibc' },
  'win32-x64-msvc': { os: 'win32', cpu: 'x64' },
};

const started = new Map();

/** Starts a runtime, once for all that run on it: a Windows takes some seconds. */
export function startOnce(runtime) {
  if (!started.has(runtime)) started.set(runtime, runtime.start());
  return started.get(runtime);
}

/** Ends what was started. */
export async function leave() {
  for (const runtime of started.values()) {
    await runtime.then(
      ({ remove }) => remove(),
      () => {},
    );
  }
}

export const places = Object.entries(PLATFORMS).map(([name, platform]) => ({
  name,
  platform,
  runtimes: all.filter((runtime) => runtime.platform === name),
}));
