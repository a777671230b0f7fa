/**
 * Tools for other platforms than this one: packages of PyPI, Debian and npm, in .platforms/. Each is
 * fetched on first use and needs no rights of an administrator; remove the folder for newer ones.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import npmEnvironment from '../npm-environment.js';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where everything is that is fetched or built here; git ignores it. */
export const folder = join(root, '.platforms');

/** A tool or a registry that cannot be had on this machine: what needs it is not run. */
export class Unavailable extends Error {}

/** How a program ended, and what it printed. */
export function start(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      killSignal: 'SIGKILL',
      ...options,
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** Runs a program that fetches something. Throws {@link Unavailable} where it is missing or fails. */
export async function fetch(command, args, options) {
  const line = [command, ...args].join(' ');
  let ended;
  try {
    ended = await start(command, args, { timeout: 300_000, ...options });
  } catch (error) {
    throw new Unavailable(`${command} does not run here: ${error.message}`);
  }
  const { status, signal, stdout, stderr } = ended;
  if (status !== 0) {
    const reason = stderr.trim().split('\n').slice(-3).join('\n');
    throw new Unavailable(`'${line}' ended with ${signal ?? status}: ${reason}`);
  }
  return stdout;
}

const folders = new Map();

/**
 * A folder in .platforms/ with what `fill(folder)` puts into it, done once: a folder that was not
 * filled to its end is begun anew.
 */
export function once(name, fill) {
  const made = join(folder, name);
  const work = async () => {
    if (existsSync(made)) return made;
    console.error(`memmap: fetching ${name}`);
    const begun = `${made}.begun`;
    await rm(begun, { recursive: true, force: true });
    await mkdir(begun, { recursive: true });
    await fill(begun);
    await rename(begun, made);
    return made;
  };
  const promise = folders.get(name) ?? work();
  folders.set(name, promise);
  return promise;
}

/** A string as a word of a shell's. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The path of a shell script `name` that ends with `exec command "$@"`. It is written anew each time,
 * since the script that writes it may have changed.
 */
export async function script(group, name, before, command) {
  const path = join(folder, 'scripts', group, name);
  await mkdir(dirname(path), { recursive: true });
  const lines = ['#!/bin/sh', ...before, `exec ${command.map(quoted).join(' ')} "$@"`];
  const begun = `${path}.${randomUUID()}`;
  await writeFile(begun, `${lines.join('\n')}\n`);
  await chmod(begun, 0o755);
  await rename(begun, path);
  return path;
}

/** What Python runs as pip: its own, or Debian's wheel of it where it was installed without. */
async function pip() {
  const own = ['-m', 'pip'];
  try {
    await fetch('python3', [...own, '--version']);
    return own;
  } catch {
    const base = await debian('pip', 'trixie', 'amd64', ['python3-pip-whl']);
    const wheels = join(base, 'usr', 'share', 'python-wheels');
    const names = await readdir(wheels);
    return names.filter((name) => name.startsWith('pip-')).map((name) => join(wheels, name, 'pip'));
  }
}

/** A folder with packages of PyPI; `more` are options of `pip install`. */
export function python(name, packages, ...more) {
  return once(name, async (target) => {
    const quiet = ['--quiet', '--no-compile', '--disable-pip-version-check', '--no-deps'];
    const install = ['install', ...quiet, '--target', target, ...more, ...packages];
    await fetch('python3', [...(await pip()), ...install]);
  });
}

/** A folder with a package of npm, which may be one for another system. */
export function npm(name, wanted) {
  return once(name, async (target) => {
    const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    const install = [
      'install',
      '--force',
      '--ignore-scripts',
      '--prefix',
      target,
      ...quiet,
      wanted,
    ];
    await fetch('npm', install, { env: npmEnvironment() });
  });
}

/** The addresses of the archives that this machine's Debian is installed from. */
async function archives() {
  const release = existsSync('/etc/os-release') ? await readFile('/etc/os-release', 'utf8') : '';
  if (!/^ID=debian$/m.test(release)) throw new Unavailable('Debian packages need a Debian');
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1];
  const format = ['--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages'];
  const lines = (await fetch('apt-get', ['indextargets', ...format])).split('\n');
  const uris = lines.flatMap((line) => {
    const [suite, uri] = line.split(' ');
    return suite === codename && uri !== undefined ? [uri] : [];
  });
  return [...new Set(uris)];
}

/** Options that give apt a state of its own, so that it reads another suite than the system's. */
async function apt(suite, architecture) {
  const base = await once(`apt-${suite}-${architecture}`, async (target) => {
    for (const name of ['lists/partial', 'cache/archives/partial']) {
      await mkdir(join(target, name), { recursive: true });
    }
    // What is installed: nothing.
    await writeFile(join(target, 'status'), '');
  });
  const sources = join(base, 'sources.list');
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const options = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(base, 'lists'),
    'Dir::State::status': join(base, 'status'),
    'Dir::Cache': join(base, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  if (existsSync(join(base, 'updated'))) return words;
  let reason = new Unavailable('apt knows no Debian archive');
  for (const uri of await archives()) {
    const source = `deb [arch=${architecture} signed-by=${keys}] ${uri} ${suite} main\n`;
    await writeFile(sources, source);
    try {
      await fetch('apt-get', [...words, '--error-on=any', 'update']);
      await writeFile(join(base, 'updated'), '');
      return words;
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}

/**
 * A folder with packages of a suite of Debian, unpacked as below `/`; with `needed`, also all those
 * that they need.
 */
export function debian(name, suite, architecture, packages, { needed = false } = {}) {
  return once(name, async (target) => {
    const options = await apt(suite, architecture);
    // What /lib and /bin are since Debian 12.
    for (const part of ['lib', 'bin']) {
      await mkdir(join(target, 'usr', part), { recursive: true });
      await symlink(join('usr', part), join(target, part));
    }
    const download = join(target, 'packages');
    await mkdir(download);
    const how = ['--download-only', '--no-install-recommends', '--yes', 'install'];
    const archives = ['-o', `Dir::Cache::archives=${download}`, '-o', 'Debug::NoLocking=1'];
    const words = needed ? [...archives, ...how] : ['download'];
    await fetch('apt-get', [...options, ...words, ...packages], { cwd: download });
    const unpack = 'for package in *.deb; do dpkg-deb --fsys-tarfile "$package" | tar -xC ..; done';
    await fetch('sh', ['-ec', unpack], { cwd: download });
    await rm(download, { recursive: true });
  });
}

/** A C compiler for another target: what it makes is loaded into a runtime for that. */
export async function compiler(target) {
  const { zig: program } = await zig();
  // A hazard is to end by the processor's own signal.
  return script(`cc-${target}`, 'cc', [], [program, 'cc', '-target', target, '-fno-sanitize=all']);
}

/** The compiler and linker for other platforms: zig, and cargo-zigbuild, which gives it to cargo. */
export async function zig() {
  // Of both only programs are used, whatever Python they are for.
  const base = await python('zig', ['ziglang==0.15.2', 'cargo-zigbuild==0.24.1']);
  return { zig: join(base, 'ziglang', 'zig'), cargo: join(base, 'bin', 'cargo-zigbuild') };
}
