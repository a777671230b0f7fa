/** What commands print: for people on a terminal, plain in a pipe, JSON where that is asked for. */
import type { WriteStream } from 'node:tty';

/** A wrong call: reported with how to call it right. */
export class UsageError extends Error {}

/** Standard output takes no more: it ends the command, whatever it is doing. */
export class OutputError extends Error {
  /** Whether the reader has ended, as `head` does when it has enough. */
  readonly isReaderGone: boolean;

  constructor(cause: NodeJS.ErrnoException) {
    super(`cannot write to standard output: ${cause.message}`, { cause });
    // Windows calls a pipe without a reader EOF.
    this.isReaderGone = ['EPIPE', 'EOF', 'ERR_STREAM_DESTROYED'].includes(cause.code ?? '');
  }
}

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
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A part of a whole in percent. An empty whole is there completely. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === whole) return '100 %';
  // 99.96 % is not all of it.
  return `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)} %`;
}

/** The bytes that are gathered before they are written. */
const PIECE = 64 * 1024;

export class Output {
  /** Whether a person reads it: then there are colours, bars and lines that change. */
  readonly isTerminal: boolean;
  json = false;
  readonly #out: NodeJS.WritableStream;
  readonly #error: NodeJS.WritableStream;
  readonly #colours: boolean;
  #live = false;
  /** What is still to be written, up to {@link #used}. */
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #used = 0;
  #failure: OutputError | null = null;
  #onFailure: (error: Error) => void = () => {};

  constructor(out: NodeJS.WriteStream | NodeJS.WritableStream, error: NodeJS.WritableStream) {
    this.#out = out;
    this.#error = error;
    this.isTerminal = (out as Partial<WriteStream>).isTTY === true;
    // https://no-color.org
    this.#colours = this.isTerminal && !process.env.NO_COLOR;
    out.on('error', (cause) => this.#fail(cause));
    // There is nobody left to tell.
    error.on('error', () => {});
  }

  style(style: Style, text: string): string {
    return this.#colours ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  /**
   * Gathers bytes for the next {@link flush}, as many as there is room for. The caller goes on after a
   * flush where that is not all of them.
   *
   * @returns How many bytes were taken.
   */
  take(bytes: Buffer, start: number, end: number): number {
    const taken = Math.min(end - start, PIECE - this.#used);
    bytes.copy(this.#piece, this.#used, start, start + taken);
    this.#used += taken;
    return taken;
  }

  /**
   * As {@link take}, for text.
   *
   * @returns What is left of it.
   */
  takeText(text: string): string {
    // A UTF-16 unit takes three bytes at most.
    let taken = Math.min(text.length, Math.floor((PIECE - this.#used) / 3));
    // A pair of surrogates stays together.
    if (taken < text.length && /[\uD800-\uDBFF]/.test(text.charAt(taken - 1))) taken--;
    if (taken <= 0) return text;
    this.#used += this.#piece.write(text.slice(0, taken), this.#used);
    return text.slice(taken);
  }

  /** Writes what was gathered, and waits until the system has taken it. */
  async flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#used === 0) return;
    this.endLive();
    // A stream may keep what it is given.
    const bytes = Buffer.from(this.#piece.subarray(0, this.#used));
    this.#used = 0;
    await new Promise<void>((resolve, reject) => {
      this.#onFailure = reject;
      try {
        this.#out.write(bytes, (error) => (error ? this.#fail(error) : resolve()));
      } catch (error) {
        // Deno throws it.
        this.#fail(error as Error);
      }
    });
  }

  #fail(cause: Error): void {
    this.#failure ??= new OutputError(cause);
    this.#onFailure(this.#failure);
  }

  /** Gathers text; writes as soon as a piece is full, on a terminal at once. */
  async write(text: string): Promise<void> {
    for (let rest = this.takeText(text); rest !== ''; rest = this.takeText(rest))
      await this.flush();
    if (this.isTerminal) await this.flush();
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
