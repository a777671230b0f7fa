/** Faults and signals that the guard must leave to others. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Mmap } from 'memmap';
import { coreFile } from '../helpers/native';
import { CC } from '../helpers/programs';
import { newFile, newPath } from '../helpers/scratch';
import { play } from './tools';
import { trap } from './wasm';

/** Truncates a file under a map of it and reads past its end. */
function touchHole(open: (path: string) => { buffer: Buffer }): void {
  const path = newFile(1 << 20, 1);
  const { buffer } = open(path);
  truncateSync(path, 0);
  assert.strictEqual(buffer[1 << 19], 0);
}

const root = dirname(dirname(require.resolve('memmap')));

/** An addon that does no more than `body` when it is loaded. */
function brokenAddon(body: string, before = ''): string {
  const path = newPath();
  writeFileSync(
    `${path}.c`,
    `#include <fcntl.h>\n#include <signal.h>\n#include <stdlib.h>\n#include <sys/mman.h>\n#include <unistd.h>\n` +
      `${before}\nvoid *napi_register_module_v1(void *env, void *exports) { ${body}; return exports; }\n`,
  );
  // The C library is the runtime's, which may be musl where this compiler's is glibc.
  const library = process.platform === 'linux' && CC === 'cc' ? ['-nostdlib'] : [];
  const options = ['-shared', '-fPIC', '-O0', ...library, '-o', `${path}.node`, `${path}.c`];
  execFileSync(CC, options);
  return `${path}.node`;
}

const scenarios: Record<string, () => unknown> = {
  'wasm traps': () => {
    trap();
    touchHole((path) => Mmap.open(path));
    trap();
  },

  'null pointer': () => {
    touchHole((path) => Mmap.open(path));
    require(brokenAddon('*(volatile int *)8 = 1'));
  },

  'bus error': () => {
    // A hole in a map that is not ours.
    touchHole((path) => Mmap.open(path));
    const path = newFile(4096, 1);
    const open = `int file = open("${path}", O_RDWR); ftruncate(file, 0)`;
    const map = 'mmap(0, 4096, PROT_READ, MAP_SHARED, file, 0)';
    require(brokenAddon(`${open}; exit(*(volatile char *)${map})`));
  },

  'one-shot handler': () => {
    // A crash reporter: it says what it has to say, and returns to die of the default action.
    const handler = 'static void report(int signal) { write(2, "called\\n", 7); }';
    const action = 'struct sigaction action = { .sa_handler = report, .sa_flags = SA_RESETHAND }';
    require(brokenAddon(`${action}; sigaction(SIGSEGV, &action, 0)`, handler));
    touchHole((path) => Mmap.open(path));
    require(brokenAddon('*(volatile int *)8 = 1'));
  },

  'listener before': () => {
    process.on('SIGBUS', () => assert.fail('SIGBUS was for the guard'));
    touchHole((path) => Mmap.open(path));
  },

  'listener removed': () => {
    // Node.js then puts the default action in place, not what was there before.
    touchHole((path) => Mmap.open(path));
    const listener = () => {};
    process.on('SIGBUS', listener).off('SIGBUS', listener);
    touchHole((path) => Mmap.open(path));
  },

  'SIGSEGV by kill': () => {
    touchHole((path) => Mmap.open(path));
    execFileSync('kill', ['-s', 'SEGV', String(process.pid)]);
    setInterval(() => {}, 1000);
  },

  'SIGBUS by kill': () => {
    touchHole((path) => Mmap.open(path));
    execFileSync('kill', ['-s', 'BUS', String(process.pid)]);
    setInterval(() => {}, 1000);
  },

  copies: () => {
    // Several loaded copies of the addon, each with handlers that call the ones before.
    for (let count = 0; count < 3; count++) {
      const copy = `${newPath()}.node`;
      copyFileSync(join(root, coreFile), copy);
      const { Mmap: Native } = require(copy) as {
        Mmap: new (
          path: string,
          offset: number,
          length: undefined,
          reserve: number,
          guarded: boolean,
          keepDescriptor: boolean,
        ) => { length: number; externalArrayBuffer(start: number, end: number): ArrayBuffer };
      };
      touchHole((path) => {
        const map = new Native(path, 0, undefined, 0, true, true);
        return { buffer: Buffer.from(map.externalArrayBuffer(0, map.length)) };
      });
      touchHole((path) => Mmap.open(path));
      trap();
    }
  },
};

play(scenarios);
