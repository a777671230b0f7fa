import type { CheckedCodec } from './codec';
import type { LaneReader } from './lane-reader';
import type { ChannelMemory } from './layout';

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

/** Below this many bytes a loop is faster than making a view to copy from. */
const LOOP = 100;

function copy(source: Buffer, start: number, length: number): Buffer {
  const data = Buffer.allocUnsafe(length);
  if (length > LOOP) source.copy(data, 0, start, start + length);
  else for (let i = 0; i < length; i++) data[i] = source[start + i] as number;
  return data;
}

/** The bytes of the message that a lane has read: a view of the ring where that is allowed. */
function bytesOf(lane: LaneReader, shared: ChannelMemory, lend: boolean): Buffer {
  const { start, length, joined } = lane;
  if (joined !== undefined) return joined;
  return lend ? shared.bytes.subarray(start, start + length) : copy(shared.bytes, start, length);
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
