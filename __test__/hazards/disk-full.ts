/**
 * A disk without room: a small file system of its own in memory, given as last argument. Sparse files
 * take their room when a page is written, and there is none.
 */
import assert from 'node:assert';
import {
  closeSync,
  existsSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Faults, Mmap, MmapMut } from 'memmap';
import { kernelMaps } from '../helpers/kernel';
import { until } from '../helpers/until';
import { consistsOf, play } from './tools';

const PAGE = 4096;
const LENGTH = 4 << 20;

/** Takes all the room that is left. */
function fillUp(disk: string): void {
  const file = openSync(join(disk, 'rest'), 'w');
  try {
    while (writeSync(file, Buffer.alloc(PAGE)) === PAGE);
  } catch (error) {
    assert.strictEqual(Reflect.get(error as object, 'code'), 'ENOSPC');
  }
  closeSync(file);
}

async function written(disk: string): Promise<void> {
  const full = join(disk, 'full');
  assert.throws(() => MmapMut.create(full, LENGTH), { code: 'ENOSPC', syscall: 'fallocate' });
  assert(!existsSync(full), 'what could not be created was left behind');

  const path = join(disk, 'sparse');
  const told: Faults[] = [];
  const map = MmapMut.create(path, LENGTH, {
    allocate: false,
    onFault: (faults) => told.push(faults),
  });
  const { buffer } = map;
  // More than the disk holds: the first pages are kept, the others are not.
  buffer.fill(1);
  assert.strictEqual(buffer[0], 1);
  const { io, truncated } = map.faults;
  assert(io !== null && io.start > 0 && io.end === LENGTH, JSON.stringify(io));
  assert.strictEqual(truncated, false);
  assert.throws(() => map.write('x'), { code: 'ERR_MMAP_IO', message: /\d+ to 4194304/ });
  assert.throws(() => map.flushSync(), { code: 'ERR_MMAP_IO' });
  await assert.rejects(map.flush(), { code: 'ERR_MMAP_IO' });
  await until(() => told.length > 0, 'the listener is called');
  assert(statSync(path).blocks * 512 < LENGTH);
  assert.strictEqual(map.refresh(), true);
  assert.strictEqual(map.buffer[0], 1);
  // Not the last byte: a C library may write the end of a range first (musl does).
  assert.strictEqual(map.buffer[io.start], 0);
  map.close();
  rmSync(path);

  // Every second page of much more than there is: each could cost a kernel map, of which there are
  // few (65,530 by default).
  const large = MmapMut.create(path, 1 << 30, { allocate: false });
  const bytes = large.buffer;
  for (let at = 0; at < bytes.length; at += 2 * 4096) bytes[at] = 1;
  assert(large.faults.io !== null);
  const grown = kernelMaps().length;
  assert(grown < 5000, `${grown} kernel maps`);
  large.close();
}

function read(disk: string): void {
  const path = join(disk, 'sparse');
  writeFileSync(path, 'begin');
  truncateSync(path, LENGTH);
  const map = Mmap.open(path);
  const { buffer } = map;
  fillUp(disk);
  assert.strictEqual(buffer.toString('latin1', 0, 5), 'begin');
  assert(consistsOf(buffer.subarray(PAGE), 0));
  // Whether the file system needs room to show a hole is its affair.
  if (map.faults.io !== null) assert.throws(() => map.buffer, { code: 'ERR_MMAP_IO' });
}

const scenarios: Record<string, (disk: string) => unknown> = {
  written,
  read,
};

play(scenarios);
