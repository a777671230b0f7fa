import { checkInteger, type Integer } from '../base/arguments';
import { invalidType, MmapError, outOfRange } from '../base/errors';
import type { NativeMutableMap } from '../base/native';
import { MemoryMap, memoryOf } from '../map/memory-map';
import { MmapMut } from '../map/mmap-mut';
import type { Memory } from '../memory/memory';
import { view } from '../memory/views';
import { Wait } from '../memory/waiting';
import { enterNamespace, WAITERS } from './owner';

/** What the words of a primitive mean, as far as every primitive has such words. */
export interface Layout {
  /** How many words it has. */
  words: number;
  /** The index of the word with the namespaces of its owners, where it has owners. */
  namespace?: number;
  /** A number that all its users have to agree on: what errors call it, and its word. */
  constant?: { name: string; index: number; value: number };
}

/**
 * What all primitives are made of: a few 32-bit words at a fixed offset of a map, for Atomics.
 *
 * Nothing read from the words is true while {@link faults} says that bytes of the map were lost: a
 * lost word is a private zero, which looks like a free lock. The access itself is what faults, so
 * the flags are looked at after it.
 */
export class SyncPrimitive {
  readonly memory: Memory<NativeMutableMap>;
  /** Where the first word begins in the map, in bytes. */
  readonly offset: number;
  /** One word, 0 while nothing was lost. Up to date once {@link words} were read. */
  faults: Uint32Array;
  readonly #layout: Layout;
  #words: Int32Array;
  #generation = 0;

  constructor(map: MmapMut, offset: Integer, layout: Layout) {
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
    const bytes = 4 * layout.words;
    this.offset = checkInteger(offset, 'offset', 0);
    this.memory.usable();
    if (this.offset + bytes > map.length) {
      throw outOfRange(
        'offset',
        `such that ${bytes} bytes fit before the map's end at ${map.length}`,
        offset,
      );
    }
    this.#layout = layout;
    this.faults = this.memory.faultFlags;
    this.#words = this.#take();
  }

  /** The path that errors name. */
  get path(): string | null {
    return this.memory.path;
  }

  /** Whether the map is closed. */
  get closed(): boolean {
    return this.memory.closed;
  }

  /** The words. They are taken anew once the map has moved, or JavaScript has moved its Buffer. */
  get words(): Int32Array {
    const words = this.#words;
    // A map over a SharedArrayBuffer is not detached when it closes, so the length says too little.
    if (words.length !== 0 && this.memory.generation === this.#generation) return words;
    return this.#take();
  }

  #take(): Int32Array {
    const { memory, offset } = this;
    const { words: count, namespace, constant } = this.#layout;
    memory.usable();
    if (offset + 4 * count > memory.length) {
      throw new MmapError(
        'ERR_MMAP_CHANGED',
        `the map was resized or refreshed to ${memory.length} bytes, and no longer has those at ` +
          `${offset}; make the map longer, or use another offset`,
        memory.path,
      );
    }
    const words = view(memory, Int32Array, offset, count);
    if (namespace !== undefined) enterNamespace(words, namespace);
    if (constant !== undefined) {
      const { name, index, value } = constant;
      const agreed = Atomics.compareExchange(words, index, 0, value) || value;
      if (agreed !== value) throw outOfRange(name, `${agreed}, as others use`, value);
    }
    this.#words = words;
    this.faults = memory.faultFlags;
    this.#generation = memory.generation;
    this.verify();
    return words;
  }

  /** Throws what the fault guard has survived; called after words were read. */
  verify(): void {
    if (this.faults[0] !== 0) this.memory.usable();
  }

  /** A word, checked for lost bytes. */
  load(index: number): number {
    const value = Atomics.load(this.words, index);
    this.verify();
    return value;
  }

  /** Where a word begins in the map, in bytes. */
  offsetOf(index: number): number {
    return this.offset + 4 * index;
  }

  /**
   * Sets the waiters bit of an owned word. Returns what to wait for, or undefined where the word is
   * free by now.
   */
  announceWaiter(index: number): Wait | undefined {
    const { words } = this;
    for (;;) {
      const found = Atomics.load(words, index);
      if (found === 0) return undefined;
      const announced = found | WAITERS;
      const isAnnounced = found === announced;
      if (isAnnounced || Atomics.compareExchange(words, index, found, announced) === found) {
        const offset = this.offsetOf(index);
        return new Wait(offset, announced, undefined, offset, 1);
      }
    }
  }
}
