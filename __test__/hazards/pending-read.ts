/**
 * A pending fs.read into a map's Buffer when the map goes: by close, by becoming shorter, or by having
 * been transferred away before. The memory at hand is then reused at once. The kernel's late write
 * must reach neither the file nor other memory. Where the map grows or is only dropped, the write
 * reaches the file.
 */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { constants, open, openSync, read, readFileSync, truncateSync, writeSync } from 'node:fs';
import { MmapMut } from 'memmap';
import { collect } from '../helpers/garbage';
import { reads } from '../helpers/kernel';
import { newFile, newPath } from '../helpers/scratch';
import { turns, until } from '../helpers/until';
import { consistsOf, survived, transfer } from './tools';

const LENGTH = 1 << 20;

/** Things of the map's size, which the system would put where the map was. */
function reuse(): Buffer[] {
  const others: Buffer[] = [];
  for (let count = 0; count < 16; count++) {
    others.push(Buffer.alloc(LENGTH, 0x62), MmapMut.anonymous(LENGTH).fill(0x62).buffer);
  }
  return others;
}

async function main(how: string): Promise<void> {
  const path = newFile(LENGTH);
  const pipe = newPath();
  execFileSync('mkfifo', [pipe]);
  // For reading and writing, so that neither opening nor the end of a writer ends the wait.
  const descriptor = await new Promise<number>((resolve, reject) => {
    open(pipe, constants.O_RDWR, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
  let map: MmapMut | null = MmapMut.open(path);
  let target: Uint8Array | null = map.buffer;
  if (how === 'transfer') target = new Uint8Array(transfer(map.buffer.buffer));
  const done = new Promise<number>((resolve, reject) => {
    read(descriptor, target as Uint8Array, 0, LENGTH, null, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
  // Other runtimes read in their own ways, and other systems do not tell: there the thread is in the
  // system call by now, or comes to it while the map is gone, which is as good.
  if (process.platform !== 'linux' || process.versions.bun || process.versions.deno)
    await turns(20);
  else await until(() => reads(descriptor), 'a thread is in read(2)');

  const keeps = how === 'drop' || how === 'grow';
  if (how === 'resize') map.resize(LENGTH / 2);
  else if (how === 'grow') map.resize(LENGTH * 2);
  else if (how === 'refresh') {
    truncateSync(path, LENGTH / 2);
    assert(map.refresh());
  } else if (how !== 'drop') map.close();
  if (how === 'grow') assert.strictEqual(target.length, LENGTH);
  else if (how !== 'drop' && how !== 'transfer') {
    // Bun leaves a Buffer attached that a pending operation uses: then it must show zeros.
    assert(target.length === 0 || (process.versions.bun && consistsOf(target, 0)));
  }
  if (how === 'close' || how === 'drop' || how === 'transfer') map = null;
  target = null;
  await collect();
  const others = reuse();
  await collect();

  writeSync(openSync(pipe, constants.O_WRONLY), Buffer.alloc(4096, 0x7a));
  assert.strictEqual(await done, 4096);
  for (const other of others) assert(consistsOf(other, 0x62), 'the read went into other memory');
  const file = readFileSync(path).subarray(0, LENGTH);
  assert(consistsOf(file.subarray(0, 4096), keeps ? 0x7a : 0x61));
  assert(consistsOf(file.subarray(4096), 0x61));
  if (map !== null) assert(consistsOf(map.subarray(0, 4096), keeps ? 0x7a : 0x61));
  survived();
}

main(process.argv[2] ?? 'close');
