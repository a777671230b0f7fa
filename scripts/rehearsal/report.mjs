/** What was done, as a table. What could not be tried is not run: neither passed nor failed. */
import { Unavailable } from '../platforms/tools.mjs';

const COLUMNS = ['platform', 'installed by', 'with', 'result'];

/** The first line of a text, for a cell. */
function firstLine(text) {
  return text.trim().split('\n')[0];
}

export class Report {
  #rows = [];
  #details = [];
  failures = 0;
  missing = 0;

  /** Adds a row: what was done, and one of `passed`, `failed` and `missing` with a text. */
  result(cells, { passed, failed, missing }) {
    if (failed !== undefined) {
      this.failures++;
      this.#details.push(`${cells.filter(Boolean).join(', ')}: ${failed}`);
      this.#rows.push([...cells, `FAILED: ${firstLine(failed)}`]);
    } else if (missing !== undefined) {
      this.missing++;
      this.#rows.push([...cells, `not run: ${firstLine(missing)}`]);
    } else {
      this.#rows.push([...cells, passed]);
    }
  }

  /** Does some work and adds what comes of it: the text that it returns, or its error. True for a text. */
  async add(cells, work) {
    try {
      this.result(cells, { passed: await work() });
      return true;
    } catch (error) {
      const output = [error.message, error.stdout, error.stderr].filter(Boolean).join('\n');
      this.result(
        cells,
        error instanceof Unavailable ? { missing: error.message } : { failed: output },
      );
      return false;
    }
  }

  print() {
    const rows = [COLUMNS, ...this.#rows];
    const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at].length)));
    for (const row of rows) {
      console.log(row.map((cell, at) => cell.padEnd(at < 3 ? widths[at] : 0)).join('  '));
    }
    for (const detail of this.#details) console.log(`\n${detail}`);
    const passed = this.#rows.length - this.missing - this.failures;
    console.log(`\n${passed} passed, ${this.failures} failed, ${this.missing} not run`);
  }
}
