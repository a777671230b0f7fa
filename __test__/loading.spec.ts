/** How the native core is found: by Node, by tracers and by bundlers, and what is said where it is not. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFileTrace } from '@vercel/nft';
import test, { type ExecutionContext } from 'ava';
import { build } from 'esbuild';
import { coreFile as core } from './helpers/native';
import { root, temporaryFolder } from './helpers/temporary';

const { version, napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const corePackage = core.replace(/\.node$/, '').replace('.', '-');

const PROGRAM = `
  const { MmapMut } = require('memmap');
  const map = MmapMut.anonymous(8);
  map.write('needle', 1);
  console.log(map.indexOf('needle'));`;

/** A folder with a program, and with memmap installed as npm does; perhaps without its core. */
function installed(t: ExecutionContext, withCore = true): string {
  const folder = temporaryFolder(t);
  const memmap = join(folder, 'node_modules', 'memmap');
  mkdirSync(memmap, { recursive: true });
  cpSync(join(root, 'dist'), join(memmap, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(memmap, 'package.json'));
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  if (withCore) {
    const platform = corePackage.slice('memmap-'.length);
    const target = join(folder, 'node_modules', corePackage);
    cpSync(join(root, 'npm', platform), target, { recursive: true });
    cpSync(join(root, core), join(target, core));
  }
  return folder;
}

/** Puts a package into a folder that is no core. */
function fake(folder: string, name: string, source: string): void {
  const target = join(folder, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'index.js'), source);
}

function run(folder: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
}

test('the package for this platform is found', (t) => {
  const { stdout, stderr } = run(installed(t), 'program.js');
  t.deepEqual({ stdout, stderr }, { stdout: '1\n', stderr: '' });
});

test('a tracer finds the core and what else is needed', async (t) => {
  const folder = installed(t);
  const { fileList } = await nodeFileTrace([join(folder, 'program.js')], { base: folder });
  const copy = temporaryFolder(t);
  for (const file of fileList) cpSync(join(folder, file), join(copy, file));
  t.true([...fileList].some((file) => file.endsWith(core)));
  const { stdout, stderr } = run(copy, 'program.js');
  t.deepEqual({ stdout, stderr }, { stdout: '1\n', stderr: '' });
});

for (const format of ['cjs', 'esm'] as const) {
  test(`a bundle (${format}) that copies .node files has the core`, async (t) => {
    const folder = installed(t);
    const copy = temporaryFolder(t);
    const extension = format === 'cjs' ? 'cjs' : 'mjs';
    const { warnings } = await build({
      absWorkingDir: folder,
      entryPoints: { program: join(folder, 'program.js') },
      outdir: copy,
      outExtension: { '.js': `.${extension}` },
      bundle: true,
      platform: 'node',
      format,
      loader: { '.node': 'copy' },
      logLevel: 'silent',
      banner:
        format === 'esm'
          ? {
              js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
            }
          : {},
    });
    // The bundle must not find anything beside itself.
    rmSync(join(folder, 'node_modules'), { recursive: true });
    t.deepEqual(
      warnings.filter(({ text }) => !/Could not resolve/.test(text)),
      [],
    );
    const { stdout, stderr } = run(copy, `program.${extension}`);
    t.deepEqual({ stdout, stderr }, { stdout: '1\n', stderr: '' });
  });
}

test('the loader knows the package of each target', (t) => {
  const files = readdirSync(join(root, 'dist'), { recursive: true }).map(String);
  const loader = files.find((name) => /(^|[\\/])native\.js$/.test(name)) ?? '';
  const source = readFileSync(join(root, 'dist', loader), 'utf8');
  t.is(readdirSync(join(root, 'npm')).length, napi.targets.length);
  for (const name of readdirSync(join(root, 'npm'))) {
    t.true(source.includes(`require('memmap-${name}')`), name);
    t.regex(source, new RegExp(`require\\('[./]+memmap\\.${name}\\.node'\\)`));
  }
});

/** Prints the code and the message of the error that loading memmap throws. */
const CATCH = `
  try { require('memmap'); } catch ({ name, code, message }) { console.log(name, code, message); }`;

test('where there is no core, the error says what to install and how', (t) => {
  const { stdout } = run(installed(t, false), '-e', CATCH);
  t.true(stdout.startsWith('MmapError ERR_MMAP_NO_CORE memmap found no native core'), stdout);
  t.true(stdout.includes(`npm install ${corePackage}@${version}`), stdout);
  t.regex(stdout, /remove node_modules and package-lock\.json/);
});

test('a core of another version is refused', (t) => {
  const folder = installed(t, false);
  fake(folder, corePackage, "exports.VERSION = '0.0.1';");
  const { stdout } = run(folder, '-e', CATCH);
  t.true(stdout.startsWith('MmapError ERR_MMAP_NO_CORE'), stdout);
  t.true(
    stdout.includes(`${corePackage}: it is of version 0.0.1, but memmap of ${version}`),
    stdout,
  );
});

test('a platform without a core is named', (t) => {
  const setting = "Object.defineProperty(process, 'platform', { value: 'plan9' });";
  const { stdout } = run(installed(t), '-e', setting + CATCH);
  t.regex(stdout, /ERR_MMAP_NO_CORE .*\(plan9 .*not built for this platform/s);
});

/** The first bytes of a program whose dynamic loader has the given name. */
function elf(loader: string): Buffer {
  const name = Buffer.from(`${loader}\0`);
  const bytes = Buffer.alloc(0x200 + name.length);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeBigUInt64LE(0x100n, 0x20);
  bytes.writeUInt16LE(56, 0x36);
  bytes.writeUInt16LE(2, 0x38);
  bytes.writeUInt32LE(6, 0x100); // PT_PHDR
  bytes.writeUInt32LE(3, 0x138); // PT_INTERP
  bytes.writeBigUInt64LE(0x200n, 0x138 + 8);
  bytes.writeBigUInt64LE(BigInt(name.length), 0x138 + 32);
  name.copy(bytes, 0x200);
  return bytes;
}

for (const [library, loader] of [
  ['musl', '/lib/ld-musl-x86_64.so.1'],
  ['gnu', '/nix/store/glibc-2.40/lib/ld-linux-x86-64.so.2'],
] as const) {
  test(`a Linux program whose loader is ${library}'s takes only the core for it`, (t) => {
    const folder = installed(t, false);
    for (const kind of ['musl', 'gnu']) {
      fake(folder, `memmap-linux-x64-${kind}`, `exports.VERSION = '0.0.1-${kind}';`);
    }
    writeFileSync(join(folder, 'program'), elf(loader));
    const values = { platform: 'linux', arch: 'x64', execPath: join(folder, 'program') };
    const setting = Object.entries(values).map(
      ([name, value]) =>
        `Object.defineProperty(process, '${name}', { value: ${JSON.stringify(value)} });`,
    );
    const { stdout } = run(folder, '-e', setting.join('') + CATCH);
    t.deepEqual(stdout.match(/0\.0\.1-\w+/g), [`0.0.1-${library}`], stdout);
  });
}
