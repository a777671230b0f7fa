/**
 * `npm run demo`: files mapped, changed, shared and closed. Each step prints what it did and what it
 * saw; the demo ends with exit code 1 if a step saw something unexpected.
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { isDeepStrictEqual } = require('node:util');

const steps = ['classic', 'copy-on-write', 'two-processes', 'node-binary', 'huge-file', 'errors'];

/** Prints what a step did, such as the call that it made. */
function did(text) {
  console.log(`   ${text}`);
}

/** Prints what a step saw, and throws if that is not what it expected. */
function saw(what, seen, expected) {
  const good = isDeepStrictEqual(seen, expected);
  console.log(`     ${good ? '✓' : '✗'} ${what}: ${show(seen)}`);
  if (!good) throw new Error(`${what}: expected ${show(expected)}, saw ${show(seen)}`);
}

function show(value) {
  if (Buffer.isBuffer(value)) return value.toString('hex').replace(/..(?=.)/g, '$& ');
  return typeof value === 'number' ? value.toLocaleString('en') : JSON.stringify(value);
}

console.log(`memmap on ${process.platform} ${process.arch}, Node.js ${process.version}`);
const folder = mkdtempSync(join(tmpdir(), 'memmap-demo-'));
try {
  for (const [index, name] of steps.entries()) {
    const step = require(`./demo/${name}`);
    console.log(`\n${index + 1}. ${step.title}`);
    step.run({ folder, did, saw });
  }
  console.log('\nEverything was as it should be.');
} catch (error) {
  console.error('\nThe demo FAILED:', error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
