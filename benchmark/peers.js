/**
 * What memmap is compared with. Nothing of it is a dependency of the package: programs are those of
 * this machine, other runtimes and packages are fetched from npm on first use (Linux on x64).
 */
const { spawn, spawnSync } = require('node:child_process');
const { dirname, join } = require('node:path');
const { createInterface } = require('node:readline');
const runtimes = require('../scripts/runtimes');

const MMAP_IO = '@riaskov/mmap-io';

/** What Debian calls the packages of programs. */
const PACKAGES = {
  cc: 'gcc',
  fio: 'fio',
  grep: 'grep',
  python3: 'python3',
  rg: 'ripgrep',
  vmtouch: 'vmtouch',
  wc: 'coreutils',
};

/** The versions of the peers that have run since they were asked for last, by their names. */
let used = {};

/** Those versions. */
function versions() {
  const found = used;
  used = {};
  return found;
}

/** Notes the version of a program by what it prints of itself; some print it among their errors. */
function noteVersion(name, command) {
  if (used[name] !== undefined) return;
  const { stdout, stderr } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  const version = /\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0];
  if (version !== undefined) used[name] = version;
}

function source(name) {
  return join(__dirname, 'peers', name);
}

/**
 * A running peer in another language or process: a program that reads a count from a line, does its
 * work so many times, and answers with a line: the nanoseconds that it took and, where it computes
 * something, a number.
 */
class Peer {
  #child;
  #answers;

  constructor(program, ...args) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // If it dies, the answers end, and `run` reports that.
    this.#child.on('error', () => {});
    this.#child.stdin.on('error', () => {});
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The nanoseconds for one of `count` repetitions, and the answer. */
  async run(count) {
    this.#child.stdin.write(`${count}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the peer ${this.#child.spawnfile} ended early`);
    const [took, answer] = value.split(' ').map(Number);
    return { time: took / count, answer };
  }

  stop() {
    this.#child.stdin.end();
  }
}

/** What a contestant says of a program that is not there. */
function missing(command) {
  return `not installed: Debian's package ${PACKAGES[command]}`;
}

/** The peer in Python, or null without Python 3 or a module that it needs. */
function pythonPeer(name, ...args) {
  const programs = process.platform === 'win32' ? ['python', 'python3'] : ['python3', 'python'];
  const works = (program) => spawnSync(program, ['-c', 'import mmap']).status === 0;
  const python = programs.find(works);
  if (python === undefined) return null;
  noteVersion('Python', python);
  return new Peer(python, source(`${name}.py`), ...args);
}

/** The peer in C, compiled into `folder`, or null where there is no compiler for it. */
function cPeer(folder, name, ...args) {
  const program = join(folder, name);
  const compiled = spawnSync('cc', ['-O2', '-o', program, source(`${name}.c`)]);
  if (compiled.status !== 0) return null;
  noteVersion('C compiler', 'cc');
  return new Peer(program, ...args);
}

/** Another process of memmap itself. */
function memmapPeer(name, ...args) {
  return new Peer(process.execPath, source(`${name}.js`), ...args);
}

/** The peer that runs on Bun, or null where npm has no Bun for this platform. */
function bunPeer(name, ...args) {
  const bun = runtimes.program(runtimes.bun());
  if (bun === undefined) return null;
  noteVersion('Bun', bun);
  return new Peer(bun, source(`${name}.bun.js`), ...args);
}

/**
 * The `run` of a contestant that is a program, or null where it is not installed. Its answer is the
 * number that `pattern` finds in what it prints; its time includes starting it.
 */
function program(command, args, pattern = /(\d+)/) {
  if (spawnSync(command, ['--version']).error !== undefined) return null;
  noteVersion(PACKAGES[command], command);
  return () => {
    const start = process.hrtime.bigint();
    const { stdout, status, stderr } = spawnSync(command, args, {
      env: { ...process.env, LC_ALL: 'C' },
      encoding: 'utf8',
    });
    const time = Number(process.hrtime.bigint() - start);
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
    return { time, answer: Number(pattern.exec(stdout)?.[1]) };
  };
}

/**
 * The folder of the package mmap-io, fetched and compiled where it is not yet; null where it does not
 * load: it is bound to the version of Node.js whose headers it was compiled with.
 */
function mmapIo() {
  try {
    const file = `${MMAP_IO}/package.json`;
    const found = runtimes.program({ name: 'mmap-io', package: `${MMAP_IO}@1.4.3`, file });
    const folder = found && dirname(found);
    const loads = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(folder)})`]);
    if (loads.status !== 0) return null;
    used[MMAP_IO] = require(`${folder}/package.json`).version;
    return folder;
  } catch (error) {
    console.error(error.message);
    return null;
  }
}

module.exports = {
  MMAP_IO,
  bunPeer,
  cPeer,
  memmapPeer,
  missing,
  mmapIo,
  noteVersion,
  program,
  pythonPeer,
  versions,
};
