/** Runs the tests under a runtime, and compares what fails with what is known of the emulator. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
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

/** The titles of cases that must not run. */
const forbidden = (known) => known.filter(({ never }) => never).flatMap(({ titles }) => titles);

/** The arguments that make ava leave cases out, by titles without the names of their files. */
const leftOut = (known) =>
  forbidden(known).map((title) => `--match=!${title.slice(title.indexOf('›') + 2)}`);

/** The command of a suite under a runtime, and what to add to its environment. */
function commandOf(runtime, suite, known) {
  if (suite.smoke) return { command: [...runtime.command, SMOKE], more: {} };
  const files = (suite.specs ?? []).map((name) => `build/__test__/${name}.spec.js`);
  const options = ['--tap', '--timeout=15m', '--concurrency=1', ...leftOut(known), ...files];
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
    known:
      of('failed').filter(isKnown).length +
      (suite.smoke || suite.specs ? 0 : forbidden(known).length),
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
