import { BufferClass } from '../memory/buffers';
import type { CheckedCodec } from './codec';
import type { LaneReader } from './lane-reader';
import { type ChannelMemory, UNIT } from './layout';

/** A message that was received. */
export interface Message<T = Buffer> {
  /** What was sent: its bytes, or what the codec has made of them. */
  readonly data: T;
  /** The number that the sender gave, 0 to 65,535. */
  readonly type: number;
  /** The lane of its sender. */
  readonly sender: number;
  /** Counts the senders that the lane has had: with {@link sender} it tells them apart. */
  readonly epoch: number;
}

class Received<T> implements Message<T> {
  readonly data: T;
  readonly type: number;
  readonly sender: number;
  readonly epoch: number;

  constructor(data: T, type: number, sender: number, epoch: number) {
    this.data = data;
    this.type = type;
    this.sender = sender;
    this.epoch = epoch;
  }
}

/** Up to this many bytes a loop over words is faster than a call of the engine. */
const LOOP = 256;

/** What small messages are copied into, one behind the other: as large as Buffer's own pool. */
const POOL = 8192;
let pool = new Int32Array(0);
let used = 0;

/** A copy of `length` bytes from the word `from` on. */
function copy(shared: ChannelMemory, from: number, length: number): Buffer {
  if (length > LOOP) {
    const data = Buffer.allocUnsafe(length);
    data.set(new BufferClass(shared.bytes.buffer, shared.bytes.byteOffset + 4 * from, length));
    return data;
  }
  // Whole units: where records end, so do they.
  const end = used + 2 * Math.ceil(length / UNIT);
  if (end > pool.length) {
    pool = new Int32Array(POOL / 4);
    used = 0;
    return copy(shared, from, length);
  }
  const data = new BufferClass(pool.buffer, 4 * used, length);
  const { words } = shared;
  for (let at = from; used < end; at++, used++) pool[used] = words[at] as number;
  return data;
}

/** The bytes of the message that a lane has read: a view of the ring where that is allowed. */
function bytesOf(lane: LaneReader, shared: ChannelMemory, lend: boolean): Buffer {
  const { start, length, joined } = lane;
  if (joined !== undefined) return joined;
  return lend ? shared.bytes.subarray(start, start + length) : copy(shared, start / 4, length);
}

/** The message that a lane has read. */
export function take<T>(
  lane: LaneReader,
  shared: ChannelMemory,
  codec: CheckedCodec<T> | undefined,
  lend: boolean,
): Message<T> {
  const bytes = bytesOf(lane, shared, lend || codec?.refers === false);
  const data = codec === undefined ? bytes : codec.decode(bytes);
  if (shared.faults[0] !== 0) shared.verify();
  return new Received(data as T, lane.type, lane.lane, lane.epoch);
}
