/** Folders and files that a test leaves no trace of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** The folder of this package. A child process started here finds it by its name. */
export const root = dirname(require.resolve('memmap/package.json'));

/** A new folder (in the system's folder for such, unless given), removed after the test. */
export function temporaryFolder(t: ExecutionContext, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'memmap-'));
  t.teardown(() => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch (error) {
      // Windows deletes no file that is mapped, as that of a flush that still ends.
      if (process.platform !== 'win32') throw error;
    }
  });
  return folder;
}

/** A new file with the given bytes, removed after the test. */
export function temporaryFile(t: ExecutionContext, content: string | Uint8Array): string {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, content);
  return path;
}

/** The path of a file to be made on a disk: the system's temporary folder may be in memory. */
export function diskPath(t: ExecutionContext, name = 'file'): string {
  return join(temporaryFolder(t, join(root, 'build')), name);
}

/** A new file on a disk: a text, or so many bytes, each of them a 7. */
export function diskFile(t: ExecutionContext, content: string | number): string {
  const path = diskPath(t);
  writeFileSync(path, typeof content === 'string' ? content : Buffer.alloc(content, 7));
  return path;
}

/** `length` bytes that differ from their neighbours and from those a page further on. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16)) & 0xff;
  return bytes;
}
