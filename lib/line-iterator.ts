import { closedError } from './errors';
import { CARRIAGE_RETURN, type LineIndexSettings } from './line-index';
import type { Memory } from './memory';
import { type MemoryMap, memoryOf } from './memory-map';
import type { NativeMap } from './native';

/** How many line feeds one call of the native core looks for: first few, then more. */
const FIRST_FETCH = 16;
const MAX_FETCH = 1024;

/** The most bytes that are looked at through one Buffer: no runtime's limit for one is smaller. */
const MAX_PART = 2 ** 30;

/**
 * The class of Buffers, which Buffer names as the one to make parts of Buffers with: calling it
 * takes half as long as `Buffer.from`.
 */
const BufferClass = Reflect.get(Buffer, Symbol.species) as new (
  arrayBuffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => Buffer;

/**
 * Goes through lines. Written by hand since a generator takes half as long again for each of them.
 * All positions are in bytes from the start of the map.
 */
export class LineIterator implements IterableIterator<Buffer | string> {
  readonly #map: MemoryMap;
  readonly #memory: Memory<NativeMap>;
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
  /** What to add to a position to have one in the ArrayBuffer. */
  #shift = 0;
  #first = 0;
  #stop: number;
  /** Where the line feeds are that end the lines of the part, but for the last line of all. */
  #feeds = new Float64Array(FIRST_FETCH);
  /** How many there are, and how many were passed. */
  #count = 0;
  #index = 0;

  constructor(
    map: MemoryMap,
    start: number,
    end: number,
    { encoding, keepEnds }: LineIndexSettings,
  ) {
    this.#map = map;
    this.#memory = memoryOf(map);
    this.#generation = this.#memory.generation;
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
    if (begin === this.#stop && !this.#fetch()) return { done: true, value: undefined };
    if (this.#memory.generation !== this.#generation) {
      this.return();
      throw closedError(this.#memory.path);
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
    return {
      done: false,
      value: this.#part.toString(this.#encoding, begin - first, last - first),
    };
  }

  /** Ends the iteration: there is nothing to let go of. */
  return(): IteratorResult<Buffer | string, undefined> {
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
    this.#count = this.#memory.run((open) => open.lineFeeds(from, end, feeds));
    const far = (feeds[this.#count - 1] ?? 0) + 1;
    // Where fewer were found than there is room for, the rest is the last line.
    this.#stop = this.#count === feeds.length ? far : end;
    if (this.#count > 1 && this.#stop - from > MAX_PART) {
      this.#count = 1;
      this.#stop = (feeds[0] ?? 0) + 1;
    }
    this.#index = 0;
    this.#first = from;
    this.#part = this.#map.subarray(from, this.#stop);
    this.#arrayBuffer = this.#part.buffer;
    this.#shift = this.#part.byteOffset - from;
    return true;
  }
}

// What iterators of the language have, such as map() and filter() where the runtime knows them.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
Object.setPrototypeOf(LineIterator.prototype, iterators);
