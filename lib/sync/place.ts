import { checkInteger, type Integer } from '../base/arguments';
import { invalidType, MmapError, outOfRange } from '../base/errors';
import type { NativeMutableMap } from '../base/native';
import { MemoryMap, memoryOf } from '../map/memory-map';
import { MmapMut } from '../map/mmap-mut';
import type { Memory } from '../memory/memory';
import { view } from '../memory/views';

/** A few 32-bit words at a fixed offset of a map, for Atomics. */
export class Place {
  readonly memory: Memory<NativeMutableMap>;
  /** Where the first word begins in the map, in bytes. */
  readonly offset: number;
  readonly #count: number;
  readonly #prepare: (words: Int32Array) => void;
  #words: Int32Array;
  #generation = 0;

  /**
   * @param prepare - Called with the words before anything else is done with them, and again
   * whenever the map has moved.
   */
  constructor(
    map: MmapMut,
    offset: Integer,
    count: number,
    prepare: (words: Int32Array) => void = () => {},
  ) {
    if (!(map instanceof MmapMut)) {
      const given: unknown = map;
      if (!(given instanceof MemoryMap)) throw invalidType('map', 'a MmapMut', given);
      throw new MmapError(
        'ERR_MMAP_READ_ONLY',
        'other processes do not see what is written to this map; locks need a MmapMut or a ' +
          'SharedMemory',
      );
    }
    this.memory = memoryOf(map) as Memory<NativeMutableMap>;
    const most = Math.max(0, map.length - 4 * count);
    this.offset = checkInteger(offset, 'offset', 0);
    this.memory.usable();
    if (this.offset > most || map.length < 4 * count) {
      throw outOfRange(
        'offset',
        `such that ${4 * count} bytes fit before the map's end at ${map.length}`,
        offset,
      );
    }
    this.#count = count;
    this.#prepare = prepare;
    this.#words = this.#take();
  }

  /** The words. They are taken anew once the map has moved, or JavaScript has moved its Buffer. */
  get words(): Int32Array {
    const words = this.#words;
    // A map over a SharedArrayBuffer is not detached when it closes, so the length says too little.
    if (words.length !== 0 && this.memory.generation === this.#generation) return words;
    return this.#take();
  }

  #take(): Int32Array {
    this.memory.usable();
    const words = view(this.memory, Int32Array, this.offset, this.#count);
    this.#prepare(words);
    this.#words = words;
    this.#generation = this.memory.generation;
    return words;
  }

  /** Where a word begins in the map, in bytes. */
  offsetOf(index: number): number {
    return this.offset + 4 * index;
  }
}
