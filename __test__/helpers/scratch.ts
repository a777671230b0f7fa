/** Files of a script that runs without a test runner; they are removed when the process exits. */
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Made for the first file: a script that must crash, and uses none, leaves none behind. */
let folder: string | null = null;
let files = 0;

/** The path of a new file of `length` bytes, all of them `byte`. */
export function newFile(length: number, byte = 0x61): string {
  const path = newPath();
  writeFileSync(path, Buffer.alloc(length, byte));
  return path;
}

/** A path where no file is yet. */
export function newPath(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'memmap-scratch-'));
    process.on('exit', () => {
      try {
        rmSync(made, { recursive: true, force: true });
      } catch (error) {
        // Windows deletes no file that is mapped, as many a scenario leaves it on purpose.
        if (process.platform !== 'win32') throw error;
      }
    });
    folder = made;
  }
  return join(folder, `file${files++}`);
}

/** Truncates or lengthens a file in another process. */
export function truncateElsewhere(path: string, length: number): void {
  const script = `require('node:fs').truncateSync(${JSON.stringify(path)}, ${length})`;
  const deno = process.versions.deno ? ['eval', '--quiet'] : ['-e'];
  const { status, stderr } = spawnSync(process.execPath, [...deno, script], { encoding: 'utf8' });
  assert.strictEqual(status, 0, stderr);
}
