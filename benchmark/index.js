/**
 * `npm run bench [name ...]`: memmap beside its peers, in one run. Only the ratios mean something:
 * the times are this machine's, at this moment.
 */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { median, medianRatio } = require('./rounds');

const all = ['open-close', 'random-reads', 'guard', 'control', 'search', 'locks', 'channel'];

/** A row of the table; `times` and `peerTimes` are nanoseconds, and less of them is better. */
function row({ what, peer, times, peerTimes, atMost }) {
  if (peerTimes === undefined) {
    return { benchmark: what, peer: `${peer}: not on this machine`, memmap: show(median(times)) };
  }
  const ratio = medianRatio(times, peerTimes);
  return {
    benchmark: what,
    peer,
    memmap: show(median(times)),
    "peer's": show(median(peerTimes)),
    'time / peer': ratio.toFixed(2),
    target: atMost === undefined ? 'none' : `at most ${atMost.toFixed(2)}`,
    result: atMost === undefined ? '' : ratio <= atMost ? 'met' : 'MISSED',
  };
}

function show(nanoseconds) {
  return nanoseconds < 1000
    ? `${nanoseconds.toFixed(1)} ns`
    : `${(nanoseconds / 1000).toFixed(2)} us`;
}

async function main() {
  const names = process.argv.length > 2 ? process.argv.slice(2) : all;
  const folder = mkdtempSync(join(tmpdir(), 'memmap-benchmark-'));
  const rows = [];
  try {
    for (const name of names) {
      if (!all.includes(name)) throw new Error(`no benchmark "${name}"; there are: ${all}`);
      console.error(`${name} ...`);
      rows.push(...(await require(`./${name}`).run(folder)));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`memmap on ${process.platform} ${process.arch}, Node.js ${process.version}`);
  console.table(Object.fromEntries(rows.map((facts, index) => [index + 1, row(facts)])));
}

main();
