import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { root, temporaryFile } from './helpers/temporary';

test('the example finds lines as grep does', (t) => {
  const path = temporaryFile(t, 'one two\ntwo two\n\nthree\nfour two');
  const program = join(root, 'examples', 'grep.js');
  const run = (pattern: string) =>
    spawnSync(process.execPath, [program, pattern, path], { encoding: 'utf8' });
  const shows = (pattern: string, lines: string) => {
    const { stdout, stderr, status, signal } = run(pattern);
    t.deepEqual(
      { stdout, stderr, status, signal },
      { stdout: lines, stderr: '', status: 0, signal: null },
    );
  };
  shows('two$', 'one two\ntwo two\nfour two\n');
  shows('^one', 'one two\n');
  shows('none', '');
  shows('', 'one two\ntwo two\n\nthree\nfour two\n');
  t.regex(run('(?=a)').stderr, /ERR_MMAP_UNSUPPORTED/);
});
