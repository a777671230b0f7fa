import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packed } from './helpers/npm';
import { root } from './helpers/temporary';

interface Manifest {
  name: string;
  version: string;
  type: string;
  license: string;
  homepage: string;
  bugs: { url: string };
  repository: { type: string; url: string };
  engines: { node: string };
  dependencies?: object;
  napi: { targets: string[] };
  main: string;
  files: string[];
  os: string[];
  cpu: string[];
  libc?: string[];
}

function manifest(...folder: string[]): Manifest {
  return JSON.parse(readFileSync(join(root, ...folder, 'package.json'), 'utf8'));
}

const own = manifest();

/** The package for a Rust target, as the loader (`lib/base/native.ts`) names it. */
function packageFor(target: string) {
  const [machine, , system, library] = target.split('-');
  const os = { linux: 'linux', darwin: 'darwin', windows: 'win32' }[system ?? ''] ?? '';
  const cpu = { x86_64: 'x64', aarch64: 'arm64', riscv64gc: 'riscv64' }[machine ?? ''] ?? '';
  const libc = { gnu: 'glibc', musl: 'musl' }[library ?? ''];
  return { folder: [os, cpu, library].filter(Boolean).join('-'), os, cpu, libc };
}

test('there is one package for each target', (t) => {
  const folders = own.napi.targets.map((target) => packageFor(target).folder);
  t.deepEqual(readdirSync(join(root, 'npm')).sort(), folders.sort());
});

for (const target of own.napi.targets) {
  test(`the package for ${target} is up to date`, (t) => {
    const { folder, os, cpu, libc } = packageFor(target);
    const made = manifest('npm', folder);
    const binary = `memmap.${folder}.node`;
    t.is(made.name, `memmap-${folder}`);
    for (const field of [
      'version',
      'type',
      'license',
      'homepage',
      'bugs',
      'repository',
      'engines',
    ] as const) {
      t.deepEqual(made[field], own[field], field);
      t.not(made[field], undefined, field);
    }
    t.is(made.main, binary);
    t.deepEqual(made.files, [binary, 'LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT']);
    t.deepEqual([made.os, made.cpu], [[os], [cpu]]);
    t.deepEqual(made.libc, libc === undefined ? undefined : [libc]);
  });
}

test('the crate has the version of the package', (t) => {
  const cargo = readFileSync(join(root, 'Cargo.toml'), 'utf8');
  t.is(/^version = "(.*)"$/m.exec(cargo)?.[1], own.version);
});

test('the package has no run-time dependencies', (t) => {
  t.is(own.dependencies, undefined);
});

test('what is published is the compiled face, its types, and texts', (t) => {
  const texts = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
  const others = packed().paths.filter((path) => !/^dist\/(?:[^/]+\/)?[^/]+\.js$/.test(path));
  t.deepEqual(
    others.sort(),
    [...texts, 'channel.d.ts', 'index.d.ts', 'shm.d.ts', 'sync.d.ts'].sort(),
  );
});
