/** flush and flushSync on a disk that takes everything; lost-writes.spec.ts has one that does not. */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MmapMut } from 'memmap';
import { onUnix } from './helpers/gates';
import { temporaryFile, temporaryFolder } from './helpers/temporary';

test('any range of bytes can be flushed, at any offset of the map', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(20_000));
  for (const offset of [0, 1, 4096, 4097]) {
    using map = MmapMut.open(path, { offset });
    map.fill(offset % 251);
    const ranges = [[], [0, 0], [5], [1, 2], [4095, 4097], [map.length, map.length], [0n, 10n]];
    for (const [start, end] of ranges) {
      t.is(map.flushSync(start, end), undefined);
      t.is(await map.flush(start, end), undefined);
    }
    t.true(readFileSync(path).subarray(offset).equals(map.buffer));
  }
});

test('a range that the map does not have is refused, by a rejected promise too', async (t) => {
  using map = MmapMut.open(temporaryFile(t, Buffer.alloc(100)));
  for (const [start, end] of [[0, 101], [101], [5, 4], [-1], [2 ** 32], [0, 2n ** 64n]]) {
    const refusal = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
    t.throws(() => map.flushSync(start, end), refusal);
    await t.throwsAsync(map.flush(start, end), refusal);
  }
});

test('flush writes in chunks, tells how far it is, and lets the event loop turn in between', async (t) => {
  const length = 200 * 2 ** 20;
  using map = MmapMut.create(join(temporaryFolder(t), 'file'), length, { allocate: false });
  // One page in every MiB: that is quickly written.
  for (let at = 0; at < length; at += 2 ** 20) map.buffer[at] = 1;
  const progress: [number, number][] = [];
  const turns: number[] = [];
  let turn = 0;
  let counting = setImmediate(function count() {
    turn++;
    counting = setImmediate(count);
  });
  await map.flush(10, length - 10, {
    onProgress: (done, total) => {
      progress.push([done, total]);
      turns.push(turn);
    },
  });
  clearImmediate(counting);
  t.true(progress.length > 1, 'it works in chunks');
  t.deepEqual(progress.at(-1), [length - 20, length - 20]);
  for (const [index, [done, total]] of progress.entries()) {
    t.true(done > (progress[index - 1]?.[0] ?? 0) && total === length - 20);
    t.true((turns[index] ?? 0) > (turns[index - 1] ?? 0), 'the event loop turns within each chunk');
  }
});

test('an aborted flush rejects with an AbortError that has the reason as its cause', async (t) => {
  using map = MmapMut.open(temporaryFile(t, Buffer.alloc(100)));
  const reason = new Error('enough');
  await t.throwsAsync(map.flush(0, 100, { signal: AbortSignal.abort(reason) }), {
    name: 'AbortError',
    code: 'ABORT_ERR',
  });
  const control = new AbortController();
  const flushing = map.flush(undefined, undefined, { signal: control.signal });
  control.abort(reason);
  const error = await t.throwsAsync(flushing, { name: 'AbortError' });
  t.is(error.cause, reason);
  await map.flush();
});

/** Starts a flush of a map of a file, does something to the map, and expects an error of the flush. */
async function ends(t: ExecutionContext, path: string, end: (map: MmapMut) => void): Promise<void> {
  using map = MmapMut.open(path);
  const flushing = t.throwsAsync(map.flush());
  end(map);
  const code = map.closed ? 'ERR_MMAP_CLOSED' : 'ERR_MMAP_CHANGED';
  t.like(await flushing, { name: 'MmapError', code });
}

test('a flush ends when its map is closed or resized, and with its caller’s error', async (t) => {
  const path = temporaryFile(t, Buffer.alloc(100));
  await ends(t, path, (map) => map.close());
  await ends(t, path, (map) => map.resize(90));
  using map = MmapMut.open(path);
  const broken = new Error('broken callback');
  const onProgress = () => {
    throw broken;
  };
  t.is(await t.throwsAsync(map.flush(0, 10, { onProgress })), broken);
  await map.flush();
});

onUnix(
  'a flush ends when its map follows a shorter file (Unix: a mapped file is truncated)',
  (t) => {
    const path = temporaryFile(t, Buffer.alloc(100));
    return ends(t, path, (map) => {
      truncateSync(path, 80);
      map.refresh();
    });
  },
);
