/** Flushing 256 MiB of changed pages. "free": the event loop goes on; "close": the map closes. */
import assert from 'node:assert';
import { openSync, readSync, statfsSync } from 'node:fs';
import { MmapMut } from 'memmap';
import { isEmulated } from '../helpers/patience';
import { newPath } from '../helpers/scratch';
import { survived } from './tools';

const LENGTH = 256 << 20;

/** Whether the file is on a tmpfs (linux/magic.h), where there is nothing to write. */
function inMemory(path: string): boolean {
  return process.platform === 'linux' && statfsSync(path).type === 0x0102_1994;
}

async function main(how: string): Promise<void> {
  const path = newPath();
  const map = MmapMut.create(path, LENGTH);
  map.buffer.fill(0x66);
  let settled = false;
  let turns = 0;
  const turn = () => {
    turns++;
    if (!settled) setImmediate(turn);
  };
  setImmediate(turn);
  let timers = 0;
  const ticking = setInterval(() => timers++, 0);
  const reports: number[] = [];
  const flushed = map
    .flush(0, LENGTH, {
      onProgress: (done, total) => {
        assert.strictEqual(total, LENGTH);
        reports.push(done);
      },
    })
    .finally(() => {
      settled = true;
      clearInterval(ticking);
    });
  if (how === 'close') {
    // A tmpfs would have ended by then.
    if (!inMemory(path)) await new Promise((resolve) => setImmediate(resolve));
    map.close();
    await assert.rejects(flushed, { name: 'MmapError', code: 'ERR_MMAP_CLOSED', path });
    assert(reports.length < 4, 'the whole map was flushed after it was closed');
  } else {
    await flushed;
    // The loop turns some hundred thousand times while the disk writes. Were it blocked during each
    // of the four chunks, there would be as many turns as chunks.
    const least = inMemory(path) ? 1 : isEmulated ? 20 : 50;
    assert(turns >= least, `the event loop turned ${turns} times while 256 MiB were written`);
    assert(inMemory(path) || timers > 0, 'no timer fired while 256 MiB were written');
    assert.deepStrictEqual(
      reports,
      [1, 2, 3, 4].map((chunk) => (chunk * LENGTH) / 4),
    );
  }
  const last = Buffer.alloc(1);
  readSync(openSync(path, 'r'), last, 0, 1, LENGTH - 1);
  assert.strictEqual(last[0], 0x66);
  survived();
}

main(process.argv[2] ?? 'free');
