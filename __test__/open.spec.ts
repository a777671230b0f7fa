import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Mmap } from 'memmap';

test('a map shows the bytes of its file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, '0123456789');
  using map = Mmap.open(path, { offset: 3, length: 4n });
  t.is(map.length, 4);
  t.is(map.buffer.toString(), '3456');
});
