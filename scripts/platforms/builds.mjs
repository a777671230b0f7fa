/**
 * Builds the core for every platform on this machine. What cannot be linked here (Microsoft's
 * compiler needs Microsoft's libraries) is checked by clippy.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetch, folder, once, root, start, Unavailable, zig } from './tools.mjs';

/** The oldest glibc that a core for Linux loads on. */
const GLIBC = '2.17';

/** musl's own libraries, too, are shared: an addon must use those of the runtime. */
const SHARED_MUSL = '-C target-feature=-crt-static';

/**
 * The platforms, by the names that their packages have. `target` is what is published, `rust` what
 * is built here where that is another one.
 */
export const platforms = [
  { name: 'linux-x64-gnu', target: 'x86_64-unknown-linux-gnu', glibc: GLIBC },
  { name: 'linux-arm64-gnu', target: 'aarch64-unknown-linux-gnu', glibc: GLIBC },
  { name: 'linux-x64-musl', target: 'x86_64-unknown-linux-musl', flags: SHARED_MUSL },
  { name: 'linux-arm64-musl', target: 'aarch64-unknown-linux-musl', flags: SHARED_MUSL },
  { name: 'darwin-x64', target: 'x86_64-apple-darwin' },
  { name: 'darwin-arm64', target: 'aarch64-apple-darwin' },
  { name: 'win32-x64-msvc', target: 'x86_64-pc-windows-msvc', rust: 'x86_64-pc-windows-gnu' },
  {
    name: 'win32-arm64-msvc',
    target: 'aarch64-pc-windows-msvc',
    rust: 'aarch64-pc-windows-gnullvm',
  },
  // The oldest that there is for each of these.
  { name: 'linux-riscv64-gnu', target: 'riscv64gc-unknown-linux-gnu', glibc: '2.27' },
  { name: 'linux-ppc64-gnu', target: 'powerpc64le-unknown-linux-gnu', glibc: '2.19' },
];

/** A platform, by its name or its Rust target. */
export function platform(name) {
  const found = platforms.find((one) => [one.name, one.target, one.rust].includes(name));
  if (found === undefined) throw new Error(`there is no platform ${name}`);
  return found;
}

/**
 * What napi-build wants for Windows without Microsoft's linker: an import library of Node.js. It is
 * empty, since the core looks the functions up at run time, whatever the program's name is.
 */
function importLibrary() {
  return once('libnode', async (target) => {
    await writeFile(join(target, 'libnode.dll'), '');
    await writeFile(join(target, 'libnode.a'), '!<arch>\n');
  });
}

/** Makes the standard library of a Rust target available, and the crates for it. */
async function install(rust) {
  const installed = await fetch('rustup', ['target', 'list', '--installed']);
  if (!installed.split('\n').includes(rust)) await fetch('rustup', ['target', 'add', rust]);
  await fetch('cargo', ['fetch', '--locked', '--target', rust]);
}

/** Runs cargo. Throws with what it printed where it fails. */
async function cargo(program, args, environment) {
  const { status, signal, stderr } = await start(program, args, {
    env: { ...process.env, ...environment },
  });
  if (status !== 0) {
    throw new Error(`cargo ${args.join(' ')} ended with ${signal ?? status}:\n${stderr}`);
  }
}

/** Less optimization, which takes a third of the time. */
const QUICK = {
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
};

/** The file that cargo makes for a target. */
function libraryOf(rust) {
  if (rust.includes('windows')) return 'memmap.dll';
  return rust.includes('apple') ? 'libmemmap.dylib' : 'libmemmap.so';
}

/**
 * Builds and links the core for a platform, and answers its path: `memmap.<name>.node` in `output`.
 * `quick` is for tests: it optimizes less. Throws `Unavailable` where a tool cannot be had.
 */
export async function build(name, { quick = false, output = root } = {}) {
  const { target, rust = target, glibc, flags, ...named } = platform(name);
  await install(rust);
  const tools = await zig();
  const environment = { CARGO_ZIGBUILD_ZIG_PATH: tools.zig, ...(quick ? QUICK : {}) };
  if (flags !== undefined) environment.RUSTFLAGS = flags;
  if (rust.includes('windows')) environment.LIBNODE_PATH = await importLibrary();
  if (rust.includes('apple')) environment.MACOSX_DEPLOYMENT_TARGET = '11.0';
  const targetFolder = join(folder, quick ? 'target-quick' : 'target');
  const wanted = glibc === undefined ? rust : `${rust}.${glibc}`;
  const options = ['--release', '--locked', '--target', wanted, '--target-dir', targetFolder];
  await cargo(tools.cargo, ['zigbuild', ...options], environment);
  await mkdir(output, { recursive: true });
  const core = join(output, `memmap.${named.name}.node`);
  await cp(join(targetFolder, rust, 'release', libraryOf(rust)), core);
  return core;
}

/** Whether a platform's published target can only be checked here, not linked. */
export function isCheckedOnly(name) {
  const { target, rust = target } = platform(name);
  return rust !== target;
}

/** Lets clippy check the code of a platform's published target; warnings are errors. */
export async function check(name) {
  const { target } = platform(name);
  await install(target);
  const options = ['--locked', '--target', target, '--target-dir', join(folder, 'target-check')];
  await cargo('cargo', ['clippy', ...options, '--', '-D', 'warnings'], {});
}

/** Whether this machine has what builds are made with; throws `Unavailable` where not. */
export async function buildable() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Unavailable('other platforms are built and run on Linux x64 only');
  }
  await zig();
}
