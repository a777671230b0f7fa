/** What commands print: for people on a terminal, plain in a pipe, JSON where that is asked for. */
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';

/** A wrong call: reported with how to call it right. */
export class UsageError extends Error {}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** The codes that begin each style (ECMA-48, SGR). */
const STYLES: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A size with its unit, such as `1.5 GiB`. */
export function size(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // 1023.95 would be printed as 1024.0.
  for (; value >= 1023.95 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A number with separators between its thousands. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** A part of a whole in percent. An empty whole is there completely. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === whole) return '100 %';
  // 99.96 % is not all of it.
  return `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)} %`;
}

export class Output {
  /** Whether a person reads it: then there are colours, bars and lines that change. */
  readonly isTerminal: boolean;
  json = false;
  readonly #out: NodeJS.WritableStream;
  readonly #error: NodeJS.WritableStream;
  readonly #colours: boolean;
  #live = false;

  constructor(out: NodeJS.WriteStream | NodeJS.WritableStream, error: NodeJS.WritableStream) {
    this.#out = out;
    this.#error = error;
    this.isTerminal = (out as Partial<WriteStream>).isTTY === true;
    // https://no-color.org
    this.#colours = this.isTerminal && !process.env.NO_COLOR;
    // `memmap find x file | head` ends with head.
    out.on('error', (failure: NodeJS.ErrnoException) => {
      if (failure.code !== 'EPIPE') throw failure;
      process.exit(0);
    });
  }

  style(style: Style, text: string): string {
    return this.#colours ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  /** Writes, and waits where the reader is slower. */
  async write(text: string | Uint8Array): Promise<void> {
    this.endLive();
    if (!this.#out.write(text)) await once(this.#out, 'drain');
  }

  async line(text = ''): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** One JSON value, on a line of its own. */
  async value(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }

  /** Names and values under each other. */
  async rows(rows: [name: string, value: string][]): Promise<void> {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) {
      await this.line(`  ${this.style('dim', name.padEnd(width))}  ${value}`);
    }
  }

  /** A line that replaces itself; on a terminal only. */
  live(text: string): void {
    if (!this.isTerminal || this.json) return;
    this.#live = true;
    this.#out.write(`\r\x1b[K${text}`);
  }

  endLive(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#out.write('\r\x1b[K');
  }

  error(text: string): void {
    this.endLive();
    this.#error.write(`memmap: ${text}\n`);
  }
}

/** Eighths of a cell: nothing, some, half, most, all. */
const SHADES = [' ', '░', '▒', '▓', '█'];

/** How full each part of something is, in as many cells. */
export function bar(parts: readonly number[]): string {
  const shade = (part: number) =>
    SHADES[part === 0 ? 0 : part === 1 ? 4 : 1 + Math.min(2, Math.floor(part * 3))];
  return `[${parts.map(shade).join('')}]`;
}
