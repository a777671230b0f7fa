/** Workers alone load the addon, meet faults and end; what they leave behind must do no harm. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { survived } from './tools';
import { trap } from './wasm';

const script = `
  const { truncateSync, writeFileSync, rmSync } = require('node:fs');
  const { join } = require('node:path');
  const { tmpdir } = require('node:os');
  const { threadId, workerData } = require('node:worker_threads');
  const { Mmap } = require(workerData);
  const path = join(tmpdir(), 'memmap-' + process.pid + '-' + threadId);
  writeFileSync(path, Buffer.alloc(1 << 20, 1));
  const map = Mmap.open(path);
  const { buffer } = map;
  truncateSync(path, 0);
  rmSync(path);
  process.exitCode = buffer[1 << 19] === 0 && map.faults.truncated ? 0 : 3;`;

async function main(): Promise<void> {
  const memmap = createRequire(__filename).resolve('memmap');
  for (let round = 0; round < 3; round++) {
    const codes = [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(script, { eval: true, workerData: memmap });
          worker.on('error', reject).on('exit', resolve);
        }),
    );
    assert.deepStrictEqual(await Promise.all(codes), [0, 0, 0]);
    trap();
  }
  survived();
  if (process.argv[2] === 'kill') execFileSync('kill', ['-s', 'SEGV', String(process.pid)]);
  setTimeout(() => {}, process.argv[2] === 'kill' ? 60_000 : 0);
}

main();
