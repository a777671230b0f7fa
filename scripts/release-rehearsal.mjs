/**
 * Publishes memmap to a registry on this machine, installs it from there as users do, and runs the
 * README's first example.
 *
 *     npm run release:rehearsal                        all platforms
 *     npm run release:rehearsal -- linux-x64-musl      installs only there
 *     npm run release:rehearsal -- --cores artifacts   takes the cores from a folder, builds none
 *     npm run release:rehearsal -- --quick             builds with less optimization
 *     npm run release:rehearsal -- --strict            what cannot be run is a failure, too
 *
 * Tools are fetched into .platforms/. The checkout is not changed: all happens in a folder of the
 * system's for temporary files, which `--keep` leaves there.
 */
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { start, Unavailable } from './platforms/tools.mjs';
import { copyCheckout, publish, publishedProblems } from './rehearsal/checkout.mjs';
import { collectCores } from './rehearsal/cores.mjs';
import { END, firstExample } from './rehearsal/example.mjs';
import { installation, installers } from './rehearsal/installers.mjs';
import { leave, places, startOnce } from './rehearsal/places.mjs';
import { registryEnvironment, startRegistry } from './rehearsal/registry.mjs';
import { Report } from './rehearsal/report.mjs';
import { readJson } from './release/json.mjs';
import { platformPackages } from './release/platform-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = readJson(join(root, 'package.json'));
const WITHIN = 180_000;

const { values: options, positionals: wanted } = parseArgs({
  options: {
    cores: { type: 'string' },
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const unknown = wanted.filter((name) => !places.some((place) => place.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(', ')}; there are ${places.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(1);
}

const work = mkdtempSync(join(tmpdir(), 'memmap-release-'));
const report = new Report();

/** Runs a program with its output in a file: Windows programs under Wine cannot write to a pipe. */
async function run(command, folder, env) {
  const output = join(folder, 'output.txt');
  const { status, signal } = await start(command[0], command.slice(1), {
    cwd: folder,
    env,
    stdio: ['ignore', openSync(output, 'w'), openSync(output, 'a')],
    timeout: WITHIN,
  });
  return { clean: status === 0, ended: signal ?? status, output: readFileSync(output, 'utf8') };
}

/** Installs memmap with a package manager, and runs the example with every runtime of the place. */
async function visit(place, installer, example, env) {
  const folder = join(work, 'users', `${place.name}-${installer.name.replace(' ', '')}`);
  const titles = [place.name, installer.name];
  const command = await installation(installer, place.platform, folder);
  const installed = await run(command, folder, env);
  if (!installed.clean) {
    const failed = `ended with ${installed.ended}: ${installed.output}`;
    report.result([...titles, 'install'], { failed });
    return;
  }
  writeFileSync(join(folder, 'example.mjs'), example.code);
  example.prepare(folder);
  for (const runtime of place.runtimes) {
    await report.add([...titles, runtime.label], async () => {
      const { command, env } = await startOnce(runtime);
      const { clean, ended, output } = await run([...command, 'example.mjs'], folder, env);
      if (!clean || !output.trim().endsWith(END)) {
        throw new Error(`ended with ${ended}, and printed: ${output}`);
      }
      return 'the example works';
    });
  }
}

async function rehearse() {
  const example = firstExample();
  const packages = await collectCores(
    platformPackages(root),
    { from: options.cores, quick: options.quick, cores: join(work, 'cores') },
    ({ folder }, result) => report.result([folder, '', 'core'], result),
  );
  const registry = await startRegistry(join(work, 'registry'));
  try {
    const env = registryEnvironment(registry, join(work, 'home'));
    const checkout = join(work, 'checkout');
    mkdirSync(checkout);
    copyCheckout(root, checkout);
    console.error('memmap: publishing');
    const names = ['memmap', ...packages.map(({ name }) => name)];
    const published = await report.add(['all', 'npm', 'publish'], async () => {
      publish(checkout, join(work, 'cores'), packages, env);
      const problems = publishedProblems(names, version, env, work);
      if (problems.length > 0) throw new Error(problems.join('; '));
      return `${names.length} packages`;
    });
    if (!published) return;
    for (const place of places) {
      if (wanted.length > 0 && !wanted.includes(place.name)) continue;
      console.error(`memmap: installing for ${place.name}`);
      for (const installer of installers) {
        if (place.platform !== undefined && !installer.foreign) continue;
        if (!packages.some(({ folder }) => folder === place.name)) {
          report.result([place.name, installer.name, ''], { missing: 'there is no core' });
          continue;
        }
        try {
          await visit(place, installer, example, env);
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error;
          report.result([place.name, installer.name, ''], { missing: error.message });
        }
      }
    }
  } finally {
    await registry.stop();
    await leave();
  }
}

process.once('exit', () => {
  if (options.keep) console.error(`memmap: everything is in ${work}`);
  else rmSync(work, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

await rehearse();
report.print();
process.exitCode = report.failures + (options.strict ? report.missing : 0) === 0 ? 0 : 1;
