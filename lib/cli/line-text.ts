/** The bytes of a map as lines: where they begin and end, for many positions in order. */
import type { Mmap } from '../index';
import { memoryOf } from '../map/memory-map';
import type { Output } from './output';

const LINE_FEED = 10;

/** The bytes that are looked at through one Buffer, and how far the next one begins behind its start. */
const WINDOW = 8 * 2 ** 20;
const STRIDE = WINDOW / 2;

/** Up to so many bytes are looked at one by one: that is faster than the way to the native code. */
const NEAR = 96;

export class LineText {
  readonly length: number;
  readonly #map: Mmap;
  #window: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  constructor(map: Mmap) {
    this.#map = map;
    this.length = map.length;
  }

  /** Makes the window one that has the byte at `position`. */
  #show(position: number): void {
    if (position >= this.#from && position < this.#to) return;
    this.#from = Math.floor(position / STRIDE) * STRIDE;
    this.#to = Math.min(this.#from + WINDOW, this.length);
    this.#window = this.#map.subarray(this.#from, this.#to);
  }

  /** Whether a line ends with the byte before `position`, or the first one begins there. */
  isStart(position: number): boolean {
    if (position === 0) return true;
    this.#show(position - 1);
    return this.#window[position - 1 - this.#from] === LINE_FEED;
  }

  /** Where the line of `position` begins, which is not before `least`. */
  start(position: number, least: number): number {
    if (position === least) return position;
    this.#show(position - 1);
    const window = this.#window;
    const first = Math.max(least - this.#from, 0);
    let at = position - 1 - this.#from;
    for (const near = Math.max(first, at - NEAR); at >= near; at--) {
      if (window[at] === LINE_FEED) return this.#from + at + 1;
    }
    if (at >= first) {
      const found = window.lastIndexOf(LINE_FEED, at);
      if (found >= first) return this.#from + found + 1;
    }
    if (least >= this.#from) return least;
    const found = this.#map.lastIndexOf(LINE_FEED, { start: least, end: this.#from });
    return found === -1 ? least : found + 1;
  }

  /** Where the first line feed from `position` on is; the end where there is none. */
  end(position: number): number {
    if (position >= this.length) return this.length;
    this.#show(position);
    const window = this.#window;
    let at = position - this.#from;
    for (const near = Math.min(at + NEAR, window.length); at < near; at++) {
      if (window[at] === LINE_FEED) return this.#from + at;
    }
    const found = at < window.length ? window.indexOf(LINE_FEED, at) : -1;
    if (found !== -1) return this.#from + found;
    const beyond = this.#map.indexOf(LINE_FEED, { start: this.#to, end: this.length });
    return beyond === -1 ? this.length : beyond;
  }

  /** How many lines end between two positions. */
  count(from: number, to: number): number {
    if (from === to) return 0;
    this.#show(from);
    if (to - from > NEAR || to > this.#to) {
      return this.#map.countSync('\n', { start: from, end: to });
    }
    const window = this.#window;
    let lines = 0;
    for (let at = from - this.#from; at < to - this.#from; at++) {
      if (window[at] === LINE_FEED) lines++;
    }
    return lines;
  }

  /** The text between two positions. */
  read(start: number, end: number): string {
    if (start >= this.#from && end <= this.#to) {
      return this.#window.toString('utf8', start - this.#from, end - this.#from);
    }
    return memoryOf(this.#map).text(start, end, undefined);
  }

  /**
   * Throws where the file has lost bytes since: zeros have been given in their place, which must not be
   * printed.
   */
  check(): void {
    memoryOf(this.#map).assertUsable();
  }

  /** Gives bytes to the output, as far as it has room. Returns where to go on. */
  give(output: Output, start: number, end: number): number {
    let at = start;
    for (let taken = 1; at < end && taken > 0; at += taken) {
      this.#show(at);
      const to = Math.min(end, this.#to);
      taken = output.take(this.#window, at - this.#from, to - this.#from);
    }
    return at;
  }
}
