/**
 * JavaScript moves a map's memory to another ArrayBuffer, which closing the map cannot detach.
 */
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { MmapMut } from 'memmap';
import { collect } from '../helpers/garbage';
import { newFile } from '../helpers/scratch';
import { consistsOf, survived, transfer } from './tools';

const LENGTH = 64 << 10;

/** How memory can be moved. Each returns the ArrayBuffer that has it, or null where it cannot. */
const ways: Record<string, (arrayBuffer: ArrayBuffer) => Promise<ArrayBuffer | null>> = {
  transfer: async (arrayBuffer) => transfer(arrayBuffer),
  'transfer-shorter': async (arrayBuffer) => transfer(arrayBuffer, LENGTH / 2),
  'transfer-longer': async (arrayBuffer) => transfer(arrayBuffer, LENGTH * 2),
  clone: async (arrayBuffer) => {
    try {
      return structuredClone(arrayBuffer, { transfer: [arrayBuffer] });
    } catch (error) {
      assert(error instanceof DOMException && error.name === 'DataCloneError', String(error));
      return null;
    }
  },
  message: async (arrayBuffer) => {
    const { port1, port2 } = new MessageChannel();
    const received = new Promise<ArrayBuffer>((resolve) => {
      port2.once('message', resolve);
    });
    try {
      port1.postMessage(arrayBuffer, [arrayBuffer]);
      return await received;
    } catch (error) {
      assert(error instanceof DOMException && error.name === 'DataCloneError', String(error));
      return null;
    } finally {
      port1.close();
      port2.close();
    }
  },
};

async function main(how: string): Promise<void> {
  const path = newFile(LENGTH);
  const map = MmapMut.open(path);
  const { buffer } = map;
  const stolen = await ways[how]?.(buffer.buffer as ArrayBuffer);
  assert(stolen !== undefined);
  // The map goes on, whatever became of its first Buffer.
  assert.strictEqual(map.length, LENGTH);
  assert(consistsOf(map.buffer, 0x61));
  map.buffer[0] = 0x63;
  assert.strictEqual(readFileSync(path)[0], 0x63);
  map.close();
  assert.strictEqual(buffer.length, 0);

  if (stolen !== null) {
    const bytes = new Uint8Array(stolen);
    // What was moved shows zeros now; what was copied keeps what it had.
    const shows = new Set(bytes);
    console.log(`${stolen.byteLength} bytes of ${[...shows].sort().join(' and ')}`);
    assert(!shows.has(0x63) || !shows.has(0));
    bytes.fill(0x7a);
    assert(consistsOf(bytes, 0x7a));
    await collect();
    // Whatever was reused meanwhile, no map shares these bytes.
    const others = Array.from({ length: 32 }, () => MmapMut.anonymous(LENGTH).buffer);
    bytes.fill(0x79);
    for (const other of others) assert(consistsOf(other, 0));
    assert(consistsOf(bytes, 0x79));
  }
  const file = readFileSync(path);
  assert.strictEqual(file[0], 0x63);
  assert(consistsOf(file.subarray(1), 0x61), 'the file was reached after close');
  survived();
}

main(process.argv[2] ?? 'transfer');
