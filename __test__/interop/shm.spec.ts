/** Shared memory with the real Python and with C's shm_open. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { SharedMemory } from 'memmap/shm';
import { needs } from '../helpers/gates';
import { isSharedLength } from '../helpers/shared-memory';
import { temporaryFolder } from '../helpers/temporary';

function run(t: ExecutionContext, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  t.is(error, undefined);
  t.is(status, 0, stderr);
  return stdout.trim();
}

/** Python before 3.13 unlinks every object it has ever attached to when it exits (bpo-38119). */
const ATTACH = `
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
shared = SharedMemory(name=sys.argv[1])
resource_tracker.unregister(shared._name, 'shared_memory')
`;

const withPython = needs('python3');
const withC = needs('cc');

withPython('Python attaches to what memmap created (needs python3)', (t) => {
  const name = `memmap-py-${process.pid}`;
  using shared = SharedMemory.create(name, 10_000, { unlinkOnExit: true });
  t.teardown(() => SharedMemory.unlink(name));
  shared.write('from JavaScript', 9_000);
  const seen = run(
    t,
    'python3',
    '-c',
    `${ATTACH}
print(shared.size, bytes(shared.buf[9000:9015]).decode())
shared.buf[0:11] = b'from Python'
shared.close()`,
    name,
  );
  const [size = '', ...text] = seen.split(' ');
  t.true(isSharedLength(Number(size), 10_000), size);
  t.deepEqual(text, ['from', 'JavaScript']);
  t.is(shared.subarray(0, 11).toString(), 'from Python');
  t.true(SharedMemory.exists(name), "Python's exit left it alone");
});

withPython('memmap attaches to what Python created (needs python3)', (t) => {
  const name = `memmap-py2-${process.pid}`;
  run(
    t,
    'python3',
    '-c',
    `
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
shared = SharedMemory(name=sys.argv[1], create=True, size=5000)
resource_tracker.unregister(shared._name, 'shared_memory')
shared.buf[4990:5000] = b'0123456789'
shared.close()`,
    name,
  );
  t.teardown(() => SharedMemory.unlink(name));
  using shared = SharedMemory.open(name);
  t.true(isSharedLength(shared.length, 5000), `${shared.length}`);
  t.is(shared.subarray(4990, 5000).toString(), '0123456789');
});

withC("C's shm_open sees the same object (needs cc)", (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'shm.c');
  const program = join(folder, 'shm');
  writeFileSync(
    source,
    `#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
int main(int argc, char **argv) {
  int fd = shm_open(argv[1], O_RDWR, 0);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) < 0) return 1;
  char *memory = mmap(0, facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 2;
  printf("%ld %s", (long)facts.st_size, memory);
  memory[0] = 'C';
  return 0;
}
`,
  );
  run(t, 'cc', source, '-o', program, ...(process.platform === 'linux' ? ['-lrt'] : []));
  const name = `memmap-c-${process.pid}`;
  using shared = SharedMemory.create(name, 4096);
  t.teardown(() => SharedMemory.unlink(name));
  shared.write('hello');
  const [size = '', text] = run(t, program, `/${name}`).split(' ');
  t.true(isSharedLength(Number(size), 4096), size);
  t.is(text, 'hello');
  t.is(shared.subarray(0, 5).toString(), 'Cello');
});
