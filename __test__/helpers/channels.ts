/** What the specs of channels share. */
import type { ExecutionContext } from 'ava';
import { MmapMut } from 'memmap';
import { Channel, type ChannelOptions, type Receiver, type Sender } from 'memmap/channel';

export const SMALL = { lanes: 2, capacity: 4096 };

/** A channel in memory of its own. */
export function make(t: ExecutionContext, options: ChannelOptions = SMALL) {
  const map = MmapMut.anonymous(Channel.bytes(options));
  t.teardown(() => map.close());
  return { map, channel: new Channel(map, 0, options) };
}

/** All that can be received now. */
export function drain(receiver: Receiver): string[] {
  const texts: string[] = [];
  for (let message = receiver.tryReceive(); message; message = receiver.tryReceive()) {
    texts.push(message.data.toString());
  }
  return texts;
}

/** Fills the ring. Returns how many messages it took. */
export function fill(sender: Sender, data = Buffer.alloc(500)): number {
  let count = 0;
  while (sender.trySend(data)) count++;
  return count;
}
