/** Archives: yauzl. */
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { Mmap } from 'memmap';
import { pattern, temporaryFile } from '../helpers/temporary';
import { zip } from './formats';

/** As far as the test uses it: the package has no types. */
interface Yauzl {
  fromBufferPromise(
    bytes: Uint8Array,
    options: { lazyEntries: true },
  ): Promise<{
    eachEntry(): AsyncIterable<{ fileName: string }>;
    openReadStreamPromise(entry: object): Promise<NodeJS.ReadableStream>;
  }>;
}
const yauzl: Yauzl = require('yauzl');

test('yauzl reads the files of an archive, stored and deflated', async (t) => {
  const files = [
    { name: 'stored.bin', content: pattern(100_000), deflate: false },
    { name: 'folder/deflated.txt', content: Buffer.from('text '.repeat(50_000)), deflate: true },
  ];
  using map = Mmap.open(temporaryFile(t, zip(files)));
  const archive = await yauzl.fromBufferPromise(map.buffer, { lazyEntries: true });
  const found: typeof files = [];
  for await (const entry of archive.eachEntry()) {
    const content = await buffer(await archive.openReadStreamPromise(entry));
    found.push({ name: entry.fileName, content, deflate: content.length > 200_000 });
  }
  t.deepEqual(found, files);
  t.is(map.faults.strayWrites, 0);
});
