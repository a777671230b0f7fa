import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { root, temporaryFolder } from './helpers/temporary';

/** What a program printed, which must have ended well. */
function run(t: ExecutionContext, cwd: string, program: string, ...args: string[]): string {
  const child = spawnSync(process.execPath, [program, ...args], { cwd, encoding: 'utf8' });
  t.is(child.signal, null);
  t.is(child.status, 0, child.stderr);
  return child.stdout;
}

test('the demo sees what it should see', (t) => {
  const printed = run(t, temporaryFolder(t), join(root, 'examples', 'demo.js'));
  t.regex(printed, /^8\. /m);
  t.regex(printed, /Everything was as it should be\.\n$/);
});

/** What each example prints at its end. */
const examples: Record<string, RegExp> = {
  'arrow.mjs': /^1000000 rows, price adds up to 12375000; without a copy: true\n$/,
  'flush-progress.js': /256 of 256 MiB\non the disk; meanwhile a timer ran \d+ times\n$/,
  // Without arguments; see follow.spec.ts.
  'follow.js': /^usage/,
  // Without arguments; see grep.spec.ts.
  'grep.js': /^$/,
  'hexdump.mjs': /^0000000000 {2}2f 2a 2a 0a .* \/\*\*\. \* Prints a \n/,
  'patch.js': /patched, the file: 00000008fffffff7\n$/,
  // Without arguments; see libraries/web.spec.ts.
  'range-server.mjs': /^usage/,
  // Without arguments; see libraries/tensors.spec.ts.
  'tensors.mjs': /^usage/,
  'work-queue.js': /^a worker was killed; another one takes its place\n100 jobs are done\n$/,
  'metrics.js': /^requests_total 30\nnot_found_total 10\nbytes_total 340\n$/,
  'worker-pool.js': /^\n17984 primes below 200000\n$/,
  // Without arguments; see lines.spec.ts.
  'sorted-lines.js': /^$/,
  'samples.js': /^wrote 1000000 samples to samples\n$/,
};

test('each example is tried here', (t) => {
  const files = readdirSync(join(root, 'examples')).filter((name) => /\.m?js$/.test(name));
  t.deepEqual(files.sort(), ['demo.js', ...Object.keys(examples)].sort());
});

for (const [name, printed] of Object.entries(examples)) {
  test(`the example ${name} runs`, (t) => {
    const args = { 'samples.js': ['samples'], 'arrow.mjs': ['table.arrow'] }[name] ?? [];
    t.regex(run(t, temporaryFolder(t), join(root, 'examples', name), ...args), printed);
  });
}

test('a second run of the example samples.js finds what the first one has written', (t) => {
  const here = temporaryFolder(t);
  const program = join(root, 'examples', 'samples.js');
  run(t, here, program, 'samples');
  t.regex(run(t, here, program, 'samples'), /^the largest of 1000000 samples in samples is 0\.9/);
});
