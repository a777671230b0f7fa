/** What several specs share: maps with given bytes, and the codes of errors. */
import { MmapMut } from 'memmap';

/** A map of the given bytes, or of a string's. */
export function mapOf(bytes: Uint8Array | string, encoding: BufferEncoding = 'utf8'): MmapMut {
  const data = typeof bytes === 'string' ? Buffer.from(bytes, encoding) : bytes;
  const map = MmapMut.anonymous(data.length);
  map.write(data);
  return map;
}

/** The code of what `call` throws; undefined if it does not throw. */
export function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return undefined;
}
