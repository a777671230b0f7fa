/**
 * Builds the core that is published for a target: `memmap.<platform>.node`, in this folder.
 *
 *     npm run build:target -- aarch64-unknown-linux-gnu
 *
 * For Linux, zig links it, to C libraries as old as the packages promise; macOS and Windows build on
 * themselves.
 */
import { build, platform } from '../platforms/builds.mjs';
import { glibcProblem } from './glibc.mjs';
import { napi } from './napi.mjs';
import { packageFor } from './platform-packages.mjs';

const [target = ''] = process.argv.slice(2);
if (target.includes('-linux-')) {
  const problem = glibcProblem(await build(target), platform(target).glibc);
  if (problem !== undefined) throw new Error(problem);
} else {
  const typings = ['--no-js', '--dts', 'lib/base/binding.d.ts'];
  const options = ['--platform', '--release', ...typings, '--target', target, '--', '--locked'];
  napi(['build', ...options], { stdio: 'inherit' });
}
console.log(`${packageFor(target).file} is built`);
