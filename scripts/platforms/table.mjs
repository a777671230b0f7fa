/** The tables of `npm run test:platforms`, in Markdown. */

/** A table whose columns are as wide as they must be. */
function table(head, rows) {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  const text = (line) => `| ${line.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  const [first, ...rest] = lines.map(text);
  return [first, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rest].join('\n');
}

/** How the core of a platform was made. */
function howBuilt({ platform, checked, notRun, error }) {
  if (notRun) return 'not run';
  if (error) return '**failed**';
  const { target, rust = target } = platform;
  if (rust === target) return 'linked';
  return `linked as \`${rust}\`${checked ? ', checked by clippy' : ''}`;
}

/** What was built. */
export function buildTable(cores) {
  const rows = cores.map((core) => [
    core.platform.name,
    `\`${core.platform.target}\``,
    howBuilt(core),
  ]);
  return table(['platform', 'target', 'core'], rows);
}

/** What was run. */
export function suiteTable(rows, { seconds }) {
  const head = ['platform', 'runtime', 'tests', 'passed', 'failed', 'known', 'skipped'];
  const cells = rows.map(({ runtime, suite, ...result }) => {
    const { passed, failed, known, skipped } = result;
    const failures = Array.isArray(failed) ? failed.length : failed;
    const done = result.error || result.notRun ? undefined : [passed, failures, known, skipped];
    const counts = done ?? [result.error ? 'broke off' : 'not run', '', '', ''];
    const time = seconds ? [result.seconds] : [];
    return [runtime.platform, runtime.label, suite.label, ...counts, ...time];
  });
  return table(seconds ? [...head, 'seconds'] : head, cells);
}

const BEGIN = '<!-- `npm run test:platforms` writes what is below -->\n';
const END = '<!-- and above -->\n';

/** A page with new tables between its marks. */
export function withTables(page, cores, rows) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin)
    throw new Error('docs/platforms.md has lost the marks of its table');
  const tables = `\n${buildTable(cores)}\n\n${suiteTable(rows, { seconds: false })}\n\n`;
  return page.slice(0, begin + BEGIN.length) + tables + page.slice(end);
}
