/**
 * What must stay right whatever the fuzzer does elsewhere: a file without writers, memory that has
 * nothing to do with maps, and a file of which it is known what every byte must be.
 */
import assert from 'node:assert';
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import type { Random } from '../../helpers/random';

/** Byte `at` of the control file. */
function pattern(at: number): number {
  return (at * 7 + (at >> 12)) & 0xff;
}

function patternOf(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => pattern(at)));
}

/**
 * A file with a pattern. Read-only and copy-on-write maps of it may be scribbled on; the
 * file keeps its bytes, and so does a map of it whose Buffer is private to this class.
 */
export class ControlFile {
  readonly #bytes = patternOf(200_000);
  readonly #map: Mmap;
  readonly #copy: MmapCow;

  constructor(readonly path: string) {
    writeFileSync(path, this.#bytes);
    this.#map = Mmap.open(path);
    this.#copy = MmapCow.open(path, { offset: 4097 });
    this.#copy.buffer[0] = 0;
  }

  check(): void {
    assert(readFileSync(this.path).equals(this.#bytes), 'the control file has changed');
    assert(this.#map.buffer.equals(this.#bytes), 'the map of the control file has changed');
    const copy = this.#copy.buffer;
    assert.strictEqual(copy[0], 0);
    assert(copy.subarray(1).equals(this.#bytes.subarray(4098)), 'the private map has changed');
  }

  close(): void {
    this.#map.close();
    this.#copy.close();
  }
}

/**
 * Memory of the engine's own, of the sizes that it gets where maps were before: a late write to a
 * map that is gone would show there.
 */
export class Canaries {
  readonly #kept: { bytes: Uint8Array; value: number }[] = [];

  constructor(readonly random: Random) {}

  add(): void {
    const { random } = this;
    const value = random.below(256);
    const bytes = new Uint8Array(random.pick([4096, 65_536, 300_000, 1 << 20])).fill(value);
    const at = random.below(16);
    const old = this.#kept[at];
    this.#kept[at] = { bytes, value };
    if (old) Canaries.#check(old);
  }

  static #check({ bytes, value }: { bytes: Uint8Array; value: number }): void {
    const same = Buffer.compare(bytes, Buffer.alloc(bytes.length, value)) === 0;
    assert(same, 'memory that belongs to no map has changed');
  }

  check(): void {
    for (const canary of this.#kept) if (canary) Canaries.#check(canary);
  }
}

/** A file of which every byte is known, and that is changed in every way there is. */
export class ModelFile {
  /** What the bytes from `#offset` to the end of the file must be. */
  #bytes = Buffer.alloc(10_000);
  #map: MmapMut;
  #reader: Mmap;
  readonly #file: number;

  constructor(
    readonly random: Random,
    readonly path: string,
    /** Where the maps begin. The file before it is a hole. */
    readonly offset: number,
  ) {
    writeFileSync(path, '');
    this.#file = openSync(path, 'r+');
    writeSync(this.#file, this.#bytes, 0, this.#bytes.length, offset);
    this.#map = MmapMut.open(path, { offset });
    this.#reader = Mmap.open(path, { offset });
  }

  #range(): [start: number, end: number] {
    const places = [
      this.random.below(this.#bytes.length + 1),
      this.random.below(this.#bytes.length + 1),
    ];
    const [start = 0, end = 0] = places.sort((a, b) => a - b);
    return [start, end];
  }

  /** Changes file and model alike, in one of the ways there are. */
  change(): void {
    const { random } = this;
    const [start, end] = this.#range();
    const value = random.below(256);
    random.pick([
      () => {
        const bytes = Buffer.alloc(end - start, value);
        this.#map.write(bytes, start);
        this.#bytes.set(bytes, start);
      },
      () => {
        this.#map.fill(value, start, end);
        this.#bytes.fill(value, start, end);
      },
      () => {
        const [target] = this.#range();
        const stop = Math.min(end, start + this.#bytes.length - target);
        this.#map.copyWithin(target, start, stop);
        this.#bytes.copyWithin(target, start, stop);
      },
      () => {
        this.#map.subarray(start, end).fill(value);
        this.#bytes.fill(value, start, end);
      },
      () => {
        if (start === end) return;
        this.#map.dataView().setUint8(start, value);
        this.#bytes[start] = value;
      },
      () => {
        const bytes = Buffer.alloc(end - start, value);
        writeSync(this.#file, bytes, 0, bytes.length, this.offset + start);
        this.#bytes.set(bytes, start);
      },
      () => this.#resize(),
      () => this.#reopen(),
    ])();
  }

  #resize(): void {
    const length = this.random.pick([0, 1, 4096, this.random.below(200_000)]);
    this.#map.resize(length, { allocate: this.random.below(2) > 0 });
    const resized = Buffer.alloc(length);
    this.#bytes.copy(resized);
    this.#bytes = resized;
    this.#reader.refresh();
  }

  #reopen(): void {
    const { path, offset, random } = this;
    this.#map.close();
    this.#map = MmapMut.open(random.below(2) > 0 ? path : this.#file, { offset });
    this.#reader.close();
    this.#reader = Mmap.open(path, { offset });
  }

  /** Compares what both maps and the file show. */
  check(): void {
    const read = Buffer.alloc(this.#bytes.length);
    if (read.length > 0) readSync(this.#file, read, 0, read.length, this.offset);
    assert(read.equals(this.#bytes), 'the file is not what was written');
    assert(this.#map.buffer.equals(this.#bytes), 'the map is not what was written');
    assert(this.#reader.buffer.equals(this.#bytes), 'the read-only map is not what was written');
    assert.strictEqual(this.#map.faults.truncated, false);
  }

  close(): void {
    this.#map.close();
    this.#reader.close();
    closeSync(this.#file);
  }
}
