/** A map as one of the web's streams. */
import type { UnderlyingByteSource, UnderlyingSource } from 'node:stream/web';
import { checkInteger, checkOptions, type Integer } from '../base/arguments';
import { invalidType, invalidValue } from '../base/errors';
import type { Memory } from '../memory/memory';
import { copy } from '../memory/views';
import type { RangeOptions } from '../search/find';
import { ReadAhead } from './read-ahead';

/** How to make a web stream of a map. */
export interface ReadableOptions extends RangeOptions {
  /**
   * The bytes of each chunk, 1 to 2^30. A reader that brings its own view of a byte stream gets as
   * many as fit there. Default 1 MiB; of a byte stream 64 KiB.
   */
  chunkSize?: Integer | undefined;
  /** `'bytes'` for a byte stream, whose chunks are copies. Default: a stream of Buffers. */
  type?: 'bytes' | undefined;
}

function checkType(type: unknown): void {
  if (type === undefined || type === 'bytes') return;
  if (typeof type !== 'string') throw invalidType('options.type', 'a string', type);
  throw invalidValue('options.type', "must be 'bytes', or be left out", type);
}

/** Gives Buffers over the map. */
function bufferSource(
  memory: Memory,
  pieces: ReadAhead,
  size: number,
): UnderlyingSource<Buffer<ArrayBuffer>> {
  let cancelled = false;
  return {
    async pull(controller) {
      const piece = await pieces.next(size);
      if (cancelled) return;
      // The stream ends only when it is asked once more after the last chunk: by then the consumer
      // has looked at its bytes, and it is known whether they were lost.
      if (piece === null) controller.close();
      else controller.enqueue(memory.ownBytes(...piece));
    },
    cancel() {
      cancelled = true;
    },
  };
}

/**
 * Copies into the views of readers, or into those that the stream makes for them: a byte stream
 * takes away the memory of what is enqueued to it.
 */
function byteSource(memory: Memory, pieces: ReadAhead, size: number): UnderlyingByteSource {
  let cancelled = false;
  return {
    type: 'bytes',
    autoAllocateChunkSize: size,
    async pull(controller) {
      const view = controller.byobRequest?.view;
      if (view == null) return;
      const piece = await pieces.next(view.byteLength);
      if (cancelled) return;
      if (piece === null) controller.close();
      const target = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      controller.byobRequest?.respond(piece === null ? 0 : copy(memory, target, 0, ...piece));
    },
    cancel() {
      cancelled = true;
    },
  };
}

export function readable(
  memory: Memory,
  options: ReadableOptions | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { start, end, chunkSize, type } = checkOptions(options);
  checkType(type);
  const size =
    chunkSize === undefined ? undefined : checkInteger(chunkSize, 'options.chunkSize', 1, 2 ** 30);
  const pieces = new ReadAhead(memory, memory.range(start, end, 'options.'));
  // Neither reads before it is asked to.
  const strategy = { highWaterMark: 0 };
  if (type === undefined) {
    return new ReadableStream(bufferSource(memory, pieces, size ?? 2 ** 20), strategy);
  }
  const stream: ReadableStream = new ReadableStream(
    byteSource(memory, pieces, size ?? 2 ** 16),
    strategy,
  );
  return stream;
}
