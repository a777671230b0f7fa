/** The cores to publish: built on this machine, or taken from a folder. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, buildable, isCheckedOnly, platform } from '../platforms/builds.mjs';
import { Unavailable } from '../platforms/tools.mjs';
import { systemOf } from '../release/binary.mjs';
import { glibcProblem, newestGlibc } from '../release/glibc.mjs';

/** Copies the cores of a folder, at any depth, as the artifacts of a workflow come. */
function take(from, cores) {
  for (const path of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (/^memmap\..*\.node$/.test(basename(path)))
      cpSync(join(from, path), join(cores, basename(path)));
  }
}

/** Whether a core is what its package says, and loads on the systems that it is for. */
function judge({ target, folder }, path, taken) {
  const system = systemOf(path);
  if (system === undefined || !folder.startsWith(system)) {
    return { failed: `the core is for ${system ?? 'no known system'}` };
  }
  if (target.includes('-linux-')) {
    const problem = glibcProblem(path, platform(target).glibc);
    if (problem !== undefined) return { failed: problem };
    return { passed: target.endsWith('gnu') ? `needs glibc ${newestGlibc(path)}` : 'for musl' };
  }
  if (!taken && isCheckedOnly(folder)) return { passed: 'a MinGW build stands in for MSVC' };
  return { passed: taken ? 'taken' : 'linked' };
}

/**
 * Puts a core for each package into the folder `cores`; `from` is undefined where they are to be built.
 * Calls `report(package, { passed | failed | missing })`, each with a text, and returns the packages
 * that have one.
 */
export async function collectCores(packages, { from, quick, cores }, report) {
  mkdirSync(cores, { recursive: true });
  if (from !== undefined) take(from, cores);
  const found = [];
  for (const each of packages) {
    const path = join(cores, each.file);
    try {
      if (from === undefined) {
        console.error(`memmap: building ${each.folder}`);
        await buildable();
        await build(each.target, { quick, output: cores });
      } else if (!existsSync(path)) {
        throw new Unavailable(`${from} has no ${each.file}`);
      }
      const judged = judge(each, path, from !== undefined);
      report(each, judged);
      if (judged.passed !== undefined) found.push(each);
    } catch (error) {
      report(
        each,
        error instanceof Unavailable ? { missing: error.message } : { failed: error.message },
      );
    }
  }
  return found;
}
