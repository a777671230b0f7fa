import { BufferClass } from '../memory/buffers';
import type { Memory } from '../memory/memory';
import { CARRIAGE_RETURN, type LineSettings } from './line-settings';

/** The number of line feeds that one call of the native core looks for: first few, then more. */
const FIRST_FETCH = 16;
const MAX_FETCH = 1024;

/** The most bytes that one Buffer spans: no runtime's limit for one is smaller. */
const MAX_PART = 2 ** 30;

/**
 * Iterates over lines. Written by hand, since a generator takes half as long again for each line.
 * All positions are in bytes from the start of the map.
 */
export class LineIterator implements IterableIterator<Buffer | string> {
  readonly #memory: Memory;
  readonly #generation: number;
  readonly #encoding: BufferEncoding | undefined;
  readonly #keepEnds: boolean;
  /** The end of the last line. */
  #end: number;
  /** Where the next line begins. */
  #from: number;
  /** The bytes of some lines, and where they begin and end. */
  #part: Buffer = Buffer.alloc(0);
  #arrayBuffer: ArrayBufferLike = this.#part.buffer;
  /** Added to a position, gives one in the ArrayBuffer. */
  #shift = 0;
  #first = 0;
  #isEnded = false;
  #stop: number;
  /** The positions of the line feeds that end the lines of the part, except for the last line. */
  #feeds = new Float64Array(FIRST_FETCH);
  /** The number of them, and of those that were passed. */
  #count = 0;
  #index = 0;

  constructor(memory: Memory, start: number, end: number, { encoding, keepEnds }: LineSettings) {
    this.#memory = memory;
    this.#generation = memory.generation;
    this.#encoding = encoding;
    this.#keepEnds = keepEnds;
    this.#from = start;
    this.#stop = start;
    this.#end = end;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Buffer | string, undefined> {
    const begin = this.#from;
    if (begin === this.#stop && !this.#fetch()) {
      // The end is an answer, too: of the lines that were given as Buffers, none may be lost.
      if (!this.#isEnded && this.#memory.generation === this.#generation) {
        this.#isEnded = true;
        this.#memory.assertUsable();
      }
      return { done: true, value: undefined };
    }
    if (this.#memory.generation !== this.#generation) {
      this.return();
      this.#memory.assertUnchanged(this.#generation);
    }
    let last = this.#stop;
    this.#from = last;
    if (this.#index < this.#count) {
      last = this.#feeds[this.#index++] ?? 0;
      this.#from = last + 1;
      if (this.#keepEnds) last++;
      else if (last > begin && this.#part[last - this.#first - 1] === CARRIAGE_RETURN) last--;
    }
    if (this.#encoding === undefined) {
      const line = new BufferClass(this.#arrayBuffer, begin + this.#shift, last - begin);
      return { done: false, value: line };
    }
    const first = this.#first;
    const line = this.#part.toString(this.#encoding, begin - first, last - first);
    // A string of lost bytes is none.
    this.#memory.assertUsable();
    return { done: false, value: line };
  }

  /** Ends the iteration: there is nothing to release. */
  return(): IteratorResult<Buffer | string, undefined> {
    this.#isEnded = true;
    this.#end = this.#from;
    this.#stop = this.#from;
    return { done: true, value: undefined };
  }

  /** Finds some more lines; false where there are none. */
  #fetch(): boolean {
    const from = this.#from;
    const end = this.#end;
    if (from >= end) return false;
    if (this.#memory.generation !== this.#generation) return true;
    if (this.#count === this.#feeds.length && this.#count < MAX_FETCH) {
      this.#feeds = new Float64Array(MAX_FETCH);
    }
    const feeds = this.#feeds;
    this.#count = this.#memory.call((open) => open.lineFeeds(from, end, feeds));
    const far = (feeds[this.#count - 1] ?? 0) + 1;
    // Where fewer were found than there is room for, the rest is the last line.
    this.#stop = this.#count === feeds.length ? far : end;
    if (this.#count > 1 && this.#stop - from > MAX_PART) {
      this.#count = 1;
      this.#stop = (feeds[0] ?? 0) + 1;
    }
    this.#index = 0;
    this.#first = from;
    this.#part =
      this.#encoding === undefined
        ? this.#memory.bytes(from, this.#stop)
        : this.#memory.transient(from, this.#stop);
    this.#arrayBuffer = this.#part.buffer;
    this.#shift = this.#part.byteOffset - from;
    return true;
  }
}

// Gives it the methods of the language's iterators, such as map() and filter() where they exist.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
Object.setPrototypeOf(LineIterator.prototype, iterators);
