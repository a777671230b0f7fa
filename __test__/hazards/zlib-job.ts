/**
 * A zlib job over a map's Buffer when the map closes. "one-chunk": the output fits into one chunk
 * of zlib's, so Node makes one job of it. "chunks map" and "chunks own": it does not, and Node
 * comes back to the detached Buffer for the next one, a map's or one of Node's own.
 */
import assert from 'node:assert';
import { deflate } from 'node:zlib';
import { MmapMut } from 'memmap';
import { collect } from '../helpers/garbage';
import { computes } from '../helpers/kernel';
import { turns, until } from '../helpers/until';
import { survived } from './tools';

const LENGTH = 32 << 20;

/** Bytes that compress, but not to nothing. */
function scatter(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += 512) bytes.writeInt32LE(Math.imul(at, 0x9e3779b1), at);
}

/** A Buffer and how to detach it. */
function source(own: boolean): { bytes: Buffer; detach: () => void } {
  if (own) {
    const { buffer } = new Uint8Array(LENGTH);
    const detach = () => {
      // Kept: where the memory itself is freed, Node reads it all the same.
      Reflect.set(globalThis, 'kept', structuredClone(buffer, { transfer: [buffer] }));
    };
    return { bytes: Buffer.from(buffer), detach };
  }
  const map = MmapMut.anonymous(LENGTH);
  return { bytes: map.buffer, detach: () => map.close() };
}

async function main(chunks: boolean, own: boolean): Promise<void> {
  const { bytes, detach } = source(own);
  scatter(bytes);
  const compressed = new Promise<Buffer>((resolve, reject) => {
    deflate(bytes, { chunkSize: chunks ? 1024 : LENGTH * 2 }, (error, result) =>
      error ? reject(error) : resolve(result),
    );
  });
  // Only where the job runs on a thread of the pool, and the system tells, is it known to have begun.
  if (process.platform !== 'linux' || process.versions.bun || process.versions.deno)
    await turns(20);
  else await until(computes, 'a thread compresses');
  detach();
  // Nothing is put where the memory was: had it been unmapped, the job would fault.
  await collect();
  assert((await compressed).length > 0);
  survived();
}

main(process.argv[2] === 'chunks', process.argv[3] === 'own');
