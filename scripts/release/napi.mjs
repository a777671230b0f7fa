/** The command-line tool of napi-rs, which makes and publishes the packages of the platforms. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const manifest = createRequire(import.meta.url).resolve('@napi-rs/cli/package.json');
const program = join(dirname(manifest), 'dist', 'cli.js');

/** Runs `napi`, and throws with what it printed where it fails. */
export function napi(args, options = {}) {
  return execFileSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
    ...options,
  });
}
