/** How the steps of the demo show what they do. */
const { isDeepStrictEqual } = require('node:util');

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const colour = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, red, green, cyan] = [1, 31, 32, 36].map(colour);

/** Prints what a step did, such as the call that it made. */
function did(text) {
  console.log(`   ${cyan(text)}`);
}

/** Prints what a step saw, and throws if that is not what it expected. */
function saw(what, seen, expected) {
  const good = isDeepStrictEqual(seen, expected);
  console.log(`     ${good ? green('✓') : red('✗')} ${`${what} `.padEnd(44, '.')} ${show(seen)}`);
  if (!good) throw new Error(`${what}: expected ${show(expected)}, saw ${show(seen)}`);
}

function show(value) {
  if (Buffer.isBuffer(value)) return value.toString('hex').replace(/..(?=.)/g, '$& ');
  return typeof value === 'number' ? value.toLocaleString('en') : JSON.stringify(value);
}

/** Prints rows of texts in columns: the first to the left, the figures to the right. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const [first, ...figures] of rows) {
    const cells = figures.map((text, column) => text.padStart(widths[column + 1] + 3));
    console.log(`       ${first.padEnd(widths[0])}${cells.join('')}`);
  }
}

module.exports = { bold, did, green, saw, table };
