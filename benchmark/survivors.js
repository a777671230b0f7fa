/**
 * `npm run survivors`: which packages survive a truncated file, a full disk and a write into a
 * read-only map; memmap, Python's mmap, Bun.mmap and mmap-io (npm, compiled here), each in a child process.
 */
const { spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const runtimes = require('../scripts/runtimes');
const { MMAP_IO, mmapIo } = require('./peers');

const LENGTH = 4 << 20;

/** A small disk with a sparse file larger than it, visible only to the command that it starts. */
function onSmallDisk(file) {
  const mount = 'mount -t tmpfs -o size=1m none /mnt';
  return [
    'unshare',
    '--mount',
    ...(process.getuid?.() === 0 ? [] : ['-Ur']),
    ...['sh', '-c', `${mount} && truncate -s ${LENGTH} ${file} && exec "$0" "$@"`],
  ];
}

/** Starts a contestant. Returns how it ended, and what it reported. */
async function play(scenario, command, folder) {
  const small = scenario === 'disk full';
  const path = small ? '/mnt/file' : join(folder, 'file');
  if (!small) writeFileSync(path, Buffer.alloc(LENGTH, 1));
  const [program, script, ...rest] = command;
  const words = [...(small ? onSmallDisk(path) : []), program, script, scenario, path, ...rest];
  const child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    if (said === '' && text.startsWith('mapped')) {
      if (scenario === 'truncated') truncateSync(path, 0);
      child.stdin.write('now\n');
    }
    said += text;
  });
  const [code, signal] = await new Promise((resolve) => {
    child.once('close', (...how) => resolve(how));
  });
  if (!said.startsWith('mapped')) return 'did not start';
  if (signal !== null) return `dies of ${signal}`;
  const told = said.trim().split('\n').at(-1);
  const changed = scenario === 'stray write' && readFileSync(path)[0] !== 1;
  return `lives: ${told}${code === 0 ? '' : `, exits with ${code}`}${changed ? ', file changed' : ''}`;
}

async function main() {
  const peers = join(__dirname, 'peers', 'survive');
  const peer = mmapIo();
  const bun = runtimes.program(runtimes.bun());
  const contestants = {
    memmap: [process.execPath, join(peers, 'memmap.js')],
    "Python's mmap": ['python3', join(peers, 'python.py')],
    'Bun.mmap': bun && [bun, join(peers, 'bun.js')],
    [MMAP_IO]: peer && [process.execPath, join(peers, 'mmap-io.js'), peer],
  };
  const folder = mkdtempSync(join(tmpdir(), 'memmap-survivors-'));
  const rows = {};
  try {
    for (const scenario of ['truncated', 'disk full', 'stray write']) {
      rows[scenario] = {};
      for (const [name, command] of Object.entries(contestants)) {
        rows[scenario][name] = command
          ? await play(scenario, command, folder)
          : 'does not load here';
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${process.platform} ${process.arch}, Node.js ${process.version}`);
  console.table(rows);
}

main();
