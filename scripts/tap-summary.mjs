/**
 * Reads a test run in TAP from standard input, shows what failed or was skipped, and ends with the
 * line `N passed, N failed`, counted from the run. Exits with 1 where a test failed, where none ran,
 * and where the run broke off.
 */
import { createInterface } from 'node:readline';

let passed = 0;
let skipped = 0;
let failed = 0;
let planned = null;
let failing = false;

for await (const line of createInterface({ input: process.stdin })) {
  if (/^ok \d+.*# (skip|todo)\b/i.test(line)) {
    skipped++;
    console.log(line);
  } else if (/^ok \d+/.test(line)) {
    passed++;
    failing = false;
  } else if (/^not ok \d+/.test(line)) {
    failed++;
    failing = true;
  } else if (/^1\.\.\d+$/.test(line)) {
    planned = Number(line.slice(3));
    failing = false;
  }
  if (failing) console.log(line);
}

const seen = passed + skipped + failed;
if (planned === null)
  console.log('the test run broke off: it never said how many tests there were');
else if (planned !== seen) console.log(`${planned} tests were planned, ${seen} reported`);
if (planned !== seen || seen === 0) failed++;
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
