/**
 * `npm run demo`: files mapped, changed, shared, searched, truncated and closed. Each step prints what
 * it did and what it saw; the demo ends with exit code 1 if a step saw something unexpected.
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { bold, did, green, saw, table } = require('./demo/print');

const steps = [
  'classic',
  'copy-on-write',
  'two-processes',
  'node-binary',
  'huge-file',
  'truncated',
  'killed-owner',
  'errors',
];

// A fault that was survived is a process warning, too; the demo shows it itself.
process.removeAllListeners('warning');

async function main() {
  console.log(`memmap on ${process.platform} ${process.arch}, Node.js ${process.version}`);
  const folder = mkdtempSync(join(tmpdir(), 'memmap-demo-'));
  try {
    for (const [index, name] of steps.entries()) {
      const step = require(`./demo/${name}`);
      console.log(`\n${bold(`${index + 1}. ${step.title}`)}`);
      await step.run({ folder, did, saw, table });
    }
    console.log(`\n${green('Everything was as it should be.')}`);
  } catch (error) {
    console.error('\nThe demo FAILED:', error);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main();
