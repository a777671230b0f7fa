import { spawn } from 'node:child_process';
import {
  appendFileSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { onUnix } from './helpers/gates';
import { root, temporaryFolder } from './helpers/temporary';
import { until } from './helpers/until';

/** Follows a file by the example. */
function follow(t: ExecutionContext, path: string) {
  const child = spawn(process.execPath, [join(root, 'examples', 'follow.js'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const follower = {
    /** What it has printed. */
    text: '',
    /** Waits until exactly this has been printed since the last call. */
    printed: async (expected: string) => {
      const isThere = () => follower.text.length >= expected.length;
      await until(isThere, `'${expected.slice(0, 20)}' is printed`);
      t.is(follower.text, expected);
      follower.text = '';
    },
  };
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    follower.text += chunk;
  });
  return follower;
}

/** Appends lines until the follower, which begins at an unknown moment, has seen the last one. */
async function begun(path: string, follower: ReturnType<typeof follow>): Promise<void> {
  let line = '';
  await until(() => {
    if (follower.text === '') {
      line = `begun ${performance.now()}\n`;
      appendFileSync(path, line);
    }
    return follower.text.endsWith(line);
  }, 'it follows');
  follower.text = '';
}

onUnix(
  'the example follow.js goes on after truncation and rotation (Unix: of mapped files)',
  async (t) => {
    const path = join(temporaryFolder(t), 'log');
    writeFileSync(path, 'before\n');
    const follower = follow(t, path);
    await begun(path, follower);
    appendFileSync(path, 'one\ntwo\nhal');
    await follower.printed('one\ntwo\n');
    appendFileSync(path, 'f\n');
    await follower.printed('half\n');
    // Shorter than what was seen.
    truncateSync(path, 0);
    appendFileSync(path, 'new\n');
    await follower.printed('new\n');
    // Over many pages, and truncated in the middle of one.
    const long = 'x'.repeat(99).concat('\n').repeat(1000);
    appendFileSync(path, long);
    await follower.printed(long);
    ftruncateSync(openSync(path, 'r+'), 2);
    appendFileSync(path, '!\n');
    await follower.printed('ne!\n');
    // Rotated: lines of the old file still come, then those of the new one.
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, 'last of the old\n');
    writeFileSync(path, 'first of the new\n');
    await follower.printed('last of the old\nfirst of the new\n');
    appendFileSync(path, 'more\n');
    await follower.printed('more\n');
    // Gone for a while.
    rmSync(path);
    writeFileSync(`${path}.tmp`, 'back\n');
    renameSync(`${path}.tmp`, path);
    await follower.printed('back\n');
  },
);
