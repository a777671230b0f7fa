/**
 * Runs the tests under every supported runtime: the whole suite under Node.js, and a smoke suite of
 * the same promises under Node.js, Bun and Deno. Runtimes come from npm packages, are kept in
 * .runtimes/ and not fetched again; remove the folder for newer ones.
 *
 *     npm run test:matrix             all
 *     npm run test:matrix -- 24 bun   some
 */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import runtimesOfNpm from './runtimes.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ownMajor = process.versions.node.split('.')[0];

const SMOKE = 'build/__test__/smoke/smoke.js';
const AVA = 'node_modules/ava/entrypoints/cli.mjs';

/** A version of Node.js. The one that runs this script stands for its own major version. */
function node(major) {
  return {
    ...runtimesOfNpm.node(major),
    label: 'Node.js',
    binary: major === ownMajor ? process.execPath : undefined,
    suites: { suite: [AVA, '--tap'], smoke: [SMOKE] },
  };
}

const runtimes = [
  ...['20', '22', '24', '26'].map(node),
  { ...runtimesOfNpm.bun(), label: 'Bun', suites: { smoke: [SMOKE] } },
  {
    ...runtimesOfNpm.deno(),
    label: 'Deno',
    suites: { smoke: ['run', '-A', '--quiet', '--no-lock', SMOKE] },
  },
];

function fail(message) {
  console.error(message);
  process.exit(1);
}

function start(binary, args) {
  const env = { ...process.env, NO_COLOR: '1' };
  const started = spawnSync(binary, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (started.error) fail(`${binary} could not be started: ${started.error.message}`);
  return started;
}

/** The runtime's binary, fetched where it is not there yet; undefined where there is none. */
function binaryOf(runtime) {
  if (runtime.binary !== undefined) return runtime.binary;
  try {
    return runtimesOfNpm.program(runtime);
  } catch (error) {
    return fail(error.message);
  }
}

/** The first number that a pattern finds. */
function count(text, pattern) {
  return Number(text.match(pattern)?.[1] ?? 0);
}

/** Runs one suite under one runtime. */
function test(binary, args) {
  const began = performance.now();
  const { status, signal, stdout, stderr } = start(binary, args);
  const seconds = Math.round((performance.now() - began) / 1000);
  const tap = args.includes('--tap');
  const passed = count(stdout, tap ? /^# pass (\d+)$/m : /^(\d+) passed, \d+ failed$/m);
  let failed = count(stdout, tap ? /^# fail (\d+)$/m : /^\d+ passed, (\d+) failed$/m);
  const clean = status === 0 && signal === null && passed > 0;
  // A suite that dies before it can count has failed all the same.
  if (!clean && failed === 0) failed = 1;
  if (failed > 0) console.log(`${stdout}\n${stderr}\nended with ${signal ?? status}`);
  return { passed, failed, seconds };
}

const wanted = process.argv.slice(2);
const names = runtimes.map(({ name }) => name);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  fail(`There is no runtime ${unknown.join(', ')}; there are ${names.join(', ')}.`);
}

const rows = [];
for (const runtime of runtimes) {
  if (wanted.length > 0 && !wanted.includes(runtime.name)) continue;
  const binary = binaryOf(runtime);
  if (binary === undefined) {
    console.log(
      `${runtime.label} ${runtime.name} left out: runtimes are fetched for Linux x64 only, this is ` +
        `${process.platform} ${process.arch}, which tests the Node.js that runs it`,
    );
    continue;
  }
  const version = start(binary, ['--version']).stdout.match(/\d+\.\d+\.\d+/)?.[0] ?? '?';
  for (const [suite, args] of Object.entries(runtime.suites)) {
    console.error(`memmap: ${suite} under ${runtime.label} ${version}`);
    rows.push({ runtime: `${runtime.label} ${version}`, suite, ...test(binary, args) });
  }
}

const columns = ['runtime', 'suite', 'passed', 'failed', 'seconds'];
const widths = columns.map((column) =>
  Math.max(column.length, ...rows.map((row) => String(row[column]).length)),
);
const line = (cells) =>
  cells
    .map((cell, at) =>
      at < 2 ? String(cell).padEnd(widths[at]) : String(cell).padStart(widths[at]),
    )
    .join('  ');
console.log(line(columns));
for (const row of rows) console.log(line(columns.map((column) => row[column])));
const total = (column) => rows.reduce((sum, row) => sum + row[column], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') === 0 && rows.length > 0 ? 0 : 1;
