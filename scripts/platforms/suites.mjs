/** Runs the tests under a runtime, and compares what fails with what is known of the emulator. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { speaksOf } from './known.mjs';
import { folder, root } from './tools.mjs';

const AVA = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
const AVA_ELSEWHERE = join(root, 'scripts', 'platforms', 'ava.mjs');
const SMOKE = join(root, 'build', '__test__', 'smoke', 'smoke.js');

/** After this long, in ms, a suite is ended. */
const LIMIT = 40 * 60_000;

/** What runs, so that it ends with this process. */
const running = new Set();

function end(child) {
  try {
    // Its group, with all that the tests have started.
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

process.once('exit', () => running.forEach(end));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Runs a command to its end with its output in files, since Wine takes no pipes. */
async function logged(name, command, env) {
  await mkdir(join(folder, 'logs'), { recursive: true });
  const paths = ['out', 'err'].map((end) => join(folder, 'logs', `${name}.${end}`));
  const files = paths.map((path) => openSync(path, 'w'));
  const [program, ...args] = command;
  const ended = await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...env, NO_COLOR: '1' },
      stdio: ['ignore', ...files],
      detached: true,
    });
    running.add(child);
    const timer = setTimeout(() => end(child), LIMIT);
    const ended = () => {
      running.delete(child);
      clearTimeout(timer);
    };
    child.once('error', (error) => {
      ended();
      reject(error);
    });
    child.once('close', (status, signal) => {
      ended();
      resolve({ status, signal });
    });
  }).finally(() => {
    for (const file of files) closeSync(file);
  });
  const [stdout, stderr] = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return { ...ended, stdout: stdout.replaceAll('\r', ''), stderr: stderr.replaceAll('\r', '') };
}

/** The cases of a run of ava, in TAP, and whether it went on to its end. */
function casesOfTap(text) {
  const cases = [];
  for (const part of text.split(/^(?=(?:not )?ok \d)/m)) {
    const [, not, title, mark] =
      /^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO).*)?$/m.exec(part.split('\n')[0]) ?? [];
    if (title === undefined) continue;
    cases.push({ title, state: mark ? 'skipped' : not ? 'failed' : 'passed', detail: part });
  }
  return { cases, complete: /^1\.\.[1-9]\d*$/m.test(text) };
}

/** The cases of the smoke suite. */
function casesOfSmoke(text) {
  const states = { 'ok     ': 'passed', 'FAILED ': 'failed', 'left out:': 'skipped' };
  const cases = text.split(/^(?=ok {6}|FAILED {2}|left out:)/m).flatMap((part) => {
    const [, state, title] =
      /^(ok {5}|FAILED |left out:) (.*?)(?: \([^()]*\))?$/m.exec(part.split('\n')[0]) ?? [];
    return title === undefined
      ? []
      : [{ title: `smoke › ${title}`, state: states[state], detail: part }];
  });
  return { cases, complete: /^\d+ passed, \d+ failed$/m.test(text) };
}

/** Whether a suite leaves out the spec of a case. */
function leavesOut({ without = [] }, title) {
  const spec = title.split(' › ').slice(0, -1).join('/');
  return without.includes(spec);
}

/** The titles of cases of a suite that must not run. */
const forbidden = (suite, known) =>
  known
    .filter(({ never }) => never)
    .flatMap(({ titles }) => titles)
    .filter((title) => title.startsWith('smoke › ') === Boolean(suite.smoke))
    .filter((title) => !leavesOut(suite, title));

/** What runs below names a case by: its title without the name of its file. */
const leftOut = (suite, known) =>
  forbidden(suite, known).map((title) => title.slice(title.lastIndexOf('›') + 2));

/** The files that ava is to run; none where it finds all of them by itself. */
function specsOf({ specs = [], without }) {
  const path = (name) => `build/__test__/${name}.spec.js`;
  if (without === undefined) return specs.map(path);
  const compiled = readdirSync(join(root, 'build', '__test__'), { recursive: true });
  return compiled
    .filter((name) => name.endsWith('.spec.js'))
    .map((name) => name.slice(0, -'.spec.js'.length))
    .filter((name) => !without.includes(name))
    .map(path)
    .sort();
}

/** The command of a suite under a runtime, and what to add to its environment. */
function commandOf(runtime, suite, known) {
  const titles = leftOut(suite, known);
  if (suite.smoke) {
    const more = { MEMMAP_LEAVE_OUT: JSON.stringify(titles) };
    return { command: [...runtime.command, SMOKE], more };
  }
  const not = titles.map((title) => `--match=!${title}`);
  const options = ['--tap', '--timeout=15m', '--concurrency=1', ...not, ...specsOf(suite)];
  // Under Wine ava itself, too, because a pipe does not lead out of it.
  if (runtime.inside) return { command: [...runtime.command, AVA, ...options], more: {} };
  const command = [process.execPath, AVA_ELSEWHERE, '--no-worker-threads', ...options];
  return { command, more: { MEMMAP_RUNTIME: runtime.command[0] } };
}

/**
 * What a run comes to, by how it ended and what it printed: how many cases passed, were skipped, and
 * failed as it is known; those that failed otherwise; and the titles of those that passed though
 * they are listed.
 */
export function judge(suite, known, { status, signal, stdout, stderr }) {
  const { cases, complete } = (suite.smoke ? casesOfSmoke : casesOfTap)(stdout);
  const of = (state) => cases.filter((one) => one.state === state);
  const isKnown = ({ title }) => known.some((entry) => speaksOf(entry, title));
  const failed = of('failed').filter((one) => !isKnown(one));
  // Whatever the runtime says at its end: a run that breaks off has failed.
  if (!complete || cases.length === 0) {
    const how = `the run broke off and ended with ${signal ?? status}`;
    failed.push({ title: how, detail: `${how}\n${stderr.slice(-4000)}` });
  }
  const passed = of('passed');
  return {
    passed: passed.length,
    skipped: of('skipped').length,
    known: of('failed').filter(isKnown).length + (suite.specs ? 0 : forbidden(suite, known).length),
    failed,
    cured: passed.filter(isKnown).map(({ title }) => title),
  };
}

/** Runs a suite, and judges it by the known cases. */
export async function run(runtime, suite, known) {
  const { command, more } = commandOf(runtime, suite, known);
  const name = `${runtime.name}-${suite.name}`;
  return judge(
    suite,
    known,
    await logged(name, command, { ...process.env, ...runtime.env, ...more }),
  );
}
