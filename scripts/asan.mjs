/**
 * Runs the stress scenarios and the hazards of the fault guard with a core built for
 * AddressSanitizer, which watches its heap. Linux x64 with gcc's libasan only.
 *
 *     npm run stress:asan -- [--size=100] [what scripts/stress.mjs takes]
 *
 * The instrumented core and what uses it are kept in target/asan/, apart from the usual ones.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = 'x86_64-unknown-linux-gnu';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const copy = join(root, 'target', 'asan', 'package');

// In the process that runs under the sanitizer.
if (process.env.ASAN_OPTIONS !== undefined) {
  const require = createRequire(join(copy, 'package.json'));
  const { guardHazards } = require('./build/__test__/hazards/guard-list.js');
  const { face } = require('./build/__test__/hazards/list.js');
  for (const hazard of guardHazards) {
    if (hazard.impossible !== undefined) continue;
    await face(hazard);
    console.log(`  ${hazard.title}`);
  }
  process.exit();
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('AddressSanitizer is used on Linux x64 only');
  process.exit(1);
}

const target = join(root, 'target', 'asan');
execFileSync('cargo', ['build', '--locked', '--target', TARGET, '--target-dir', target], {
  cwd: root,
  stdio: 'inherit',
  // The sanitizer is an unstable option, which the stable compiler has, too.
  env: { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address' },
});
mkdirSync(copy, { recursive: true });
const core = join(target, TARGET, 'debug', 'libmemmap.so');
cpSync(core, join(copy, 'memmap.linux-x64-gnu.node'));
for (const name of ['dist', 'build/__test__', 'package.json', 'scripts/stress.mjs']) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}

const library = execFileSync('cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
const env = {
  ...process.env,
  LD_PRELOAD: library,
  // The guard must get the signals; what Node.js leaks at its end is its affair.
  ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1',
};
const stress = [join(copy, 'scripts', 'stress.mjs'), ...process.argv.slice(2)];
for (const args of [stress, [fileURLToPath(import.meta.url)]]) {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: copy,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`ended with ${signal ?? status}`);
    process.exit(1);
  }
}
