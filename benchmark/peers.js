/**
 * Peers in other languages: programs that read a count from a line, do their work so many times,
 * and answer with the nanoseconds that it took.
 */
const { spawn, spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

function source(name) {
  return join(__dirname, 'peers', name);
}

/** A running peer. */
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

  /** The nanoseconds for one of `count` repetitions. */
  async run(count) {
    this.#child.stdin.write(`${count}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the peer ${this.#child.spawnfile} ended early`);
    return Number(value) / count;
  }

  stop() {
    this.#child.stdin.end();
  }
}

/** The peer in Python, or null without Python 3 or a module that it needs. */
function pythonPeer(name, ...args) {
  const programs = process.platform === 'win32' ? ['python', 'python3'] : ['python3', 'python'];
  const works = (program) => spawnSync(program, ['-c', 'import mmap']).status === 0;
  const python = programs.find(works);
  return python === undefined ? null : new Peer(python, source(`${name}.py`), ...args);
}

/** The peer in C, compiled into `folder`, or null where there is no compiler for it. */
function cPeer(folder, name, ...args) {
  const program = join(folder, name);
  const compiled = spawnSync('cc', ['-O2', '-o', program, source(`${name}.c`)]);
  return compiled.status === 0 ? new Peer(program, ...args) : null;
}

/** Another process of memmap itself. */
function memmapPeer(name, ...args) {
  return new Peer(process.execPath, source(`${name}.js`), ...args);
}

module.exports = { cPeer, memmapPeer, pythonPeer };
