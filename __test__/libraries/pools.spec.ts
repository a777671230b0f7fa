/** Pools of threads: piscina. */
import { join } from 'node:path';
import test from 'ava';
import { Mmap } from 'memmap';
import { Piscina } from 'piscina';
import { temporaryFile } from '../helpers/temporary';

test('threads of piscina map the parts of a file that they are told to', async (t) => {
  const path = temporaryFile(t, 'a line of text\n'.repeat(40_000));
  const pool = new Piscina({ filename: join(__dirname, 'count-lines.js'), maxThreads: 2 });
  const { length } = Mmap.open(path);
  const parts = [0, 1, 2, 3].map((part) => {
    using map = Mmap.open(path, { offset: (part * length) / 4, length: length / 4 });
    return pool.run({ descriptor: map.descriptor() });
  });
  t.deepEqual(await Promise.all(parts), [10_000, 10_000, 10_000, 10_000]);
  await pool.destroy();
});
