/** Small files in the formats that libraries read, where the library itself writes none. */
import { deflateRawSync } from 'node:zlib';

/** Little-endian numbers of `size` bytes each. */
function numbers(size: 2 | 4 | 8, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  for (const [index, value] of values.entries()) {
    if (size === 8) bytes.writeBigUInt64LE(BigInt(value), index * 8);
    else bytes.writeUIntLE(value, index * size, size);
  }
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A zip archive of the given files: stored, or deflated. */
export function zip(files: { name: string; content: Buffer; deflate: boolean }[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate } of files) {
    const data = deflate ? deflateRawSync(content) : content;
    const common = Buffer.concat([
      numbers(2, 20, 0x800, deflate ? 8 : 0, 0, 0x21),
      numbers(4, crc32(content), data.length, content.length),
      numbers(2, name.length, 0),
    ]);
    const local = Buffer.concat([numbers(4, 0x04034b50), common, Buffer.from(name), data]);
    directory.push(
      Buffer.concat([
        numbers(4, 0x02014b50),
        numbers(2, 20),
        common,
        numbers(2, 0, 0, 0),
        numbers(4, 0, offset),
        Buffer.from(name),
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.concat([
    numbers(4, 0x06054b50),
    numbers(2, 0, 0, files.length, files.length),
    numbers(4, central.length, offset),
    numbers(2, 0),
  ]);
  return Buffer.concat([...parts, central, end]);
}

/** A value as MaxMind's format encodes it: an object, a list, a string, or a 32-bit number. */
function encoded(value: unknown): Buffer {
  const control = (type: number, size: number): Buffer => {
    const [low, more] = size < 29 ? [size, []] : [29, [size - 29]];
    return Buffer.from(type < 8 ? [(type << 5) | low, ...more] : [low, type - 7, ...more]);
  };
  if (typeof value === 'string')
    return Buffer.concat([control(2, value.length), Buffer.from(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([control(11, value.length), ...value.map(encoded)]);
  }
  const entries = Object.entries(value as object);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, item]) => [encoded(key), encoded(item)]),
  ]);
}

/** A MaxMind database of IPv4 networks, such as `['10.0.0.0/8', { country: 'Nowhere' }]`. */
export function mmdb(networks: [cidr: string, record: object][]): Buffer {
  const nodes: [number | null, number | null][] = [[null, null]];
  const data: Buffer[] = [];
  const leaves: { node: number; side: 0 | 1; offset: number }[] = [];
  let size = 0;
  for (const [cidr, record] of networks) {
    const [address = '', prefix = '32'] = cidr.split('/');
    const bits = address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
      .slice(0, Number(prefix));
    let node = 0;
    for (const [depth, bit] of [...bits].entries()) {
      const side = bit === '1' ? 1 : 0;
      if (depth === bits.length - 1) leaves.push({ node, side, offset: size });
      else {
        const pair = nodes[node] as [number | null, number | null];
        if (pair[side] === null) pair[side] = nodes.push([null, null]) - 1;
        node = pair[side] as number;
      }
    }
    data.push(encoded(record));
    size += data.at(-1)?.length ?? 0;
  }
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [index, pair] of nodes.entries()) {
    for (const side of [0, 1])
      tree.writeUIntBE(pair[side] ?? nodes.length, index * 6 + side * 3, 3);
  }
  for (const { node, side, offset } of leaves) {
    tree.writeUIntBE(nodes.length + 16 + offset, node * 6 + side * 3, 3);
  }
  const metadata = encoded({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    description: { en: 'networks of a test' },
    ip_version: 4,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

/** A PMTiles archive of uncompressed tiles, by their ascending numbers. */
export function pmtiles(tiles: [id: number, content: Buffer][]): Buffer {
  const ids = tiles.map(([id], index) => id - (tiles[index - 1]?.[0] ?? 0));
  const directory = Buffer.from([
    ...varint(tiles.length),
    ...ids.flatMap(varint),
    ...tiles.map(() => 1),
    ...tiles.flatMap(([, { length }]) => varint(length)),
    // Each tile lies behind the one before it.
    ...tiles.map((_, index) => (index === 0 ? 1 : 0)),
  ]);
  const metadata = Buffer.from('{}');
  const content = Buffer.concat(tiles.map(([, tile]) => tile));
  const [atMetadata, atTiles] = [127 + directory.length, 127 + directory.length + metadata.length];
  const degrees = Buffer.alloc(16);
  for (const [index, value] of [-180, -85, 180, 85].entries()) {
    degrees.writeInt32LE(value * 1e7, index * 4);
  }
  return Buffer.concat([
    Buffer.from('PMTiles\x03'),
    numbers(8, 127, directory.length, atMetadata, metadata.length, 0, 0, atTiles, content.length),
    numbers(8, tiles.length, tiles.length, tiles.length),
    Buffer.from([1, 1, 1, 2, 0, 3]),
    degrees,
    Buffer.alloc(9),
    directory,
    metadata,
    content,
  ]);
}

/** A safetensors file of 32-bit floats. */
export function safetensors(tensors: Record<string, Float32Array>): Buffer {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, values]) => {
    const begin = offset;
    offset += values.byteLength;
    return [name, { dtype: 'F32', shape: [values.length], data_offsets: [begin, offset] }];
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const header = json.padEnd(Math.ceil(json.length / 8) * 8);
  const data = Object.values(tensors).map((values) => Buffer.from(values.buffer));
  return Buffer.concat([numbers(8, header.length), Buffer.from(header), ...data]);
}

/** A GGUF file of 32-bit floats with one string of metadata; tensors begin at multiples of 32. */
export function gguf(architecture: string, tensors: Record<string, Float32Array>): Buffer {
  const text = (value: string) => [numbers(8, value.length), Buffer.from(value)];
  const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 31)]);
  const data = Object.values(tensors).map((values) => padded(Buffer.from(values.buffer)));
  let offset = 0;
  const infos = Object.entries(tensors).flatMap(([name, values], index) => {
    const at = offset;
    offset += data[index]?.length ?? 0;
    return [...text(name), numbers(4, 1), numbers(8, values.length), numbers(4, 0), numbers(8, at)];
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    numbers(4, 3),
    numbers(8, Object.keys(tensors).length, 1),
    ...text('general.architecture'),
    numbers(4, 8),
    ...text(architecture),
    ...infos,
  ]);
  return Buffer.concat([padded(header), ...data]);
}
