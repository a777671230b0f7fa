/**
 * Lists the tensors of a model in the safetensors format, each a typed array over the file:
 * `node examples/tensors.mjs <path>`. All processes that open the model share its pages.
 */
import { Mmap } from 'memmap';

const TYPES = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  I32: Int32Array,
  U8: Uint8Array,
};

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.log('usage: node examples/tensors.mjs <path>');
  process.exit();
}
const map = Mmap.open(path);
const headerLength = Number(map.dataView(0, 8).getBigUint64(0, true));
const header = JSON.parse(map.subarray(8, 8 + headerLength).toString());
delete header.__metadata__;

for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
  const [start, end] = offsets.map((offset) => 8 + headerLength + offset);
  // F16 and BF16 are shown as 16-bit words.
  const Type = TYPES[dtype] ?? Uint16Array;
  const count = (end - start) / Type.BYTES_PER_ELEMENT;
  const aligned = start % Type.BYTES_PER_ELEMENT === 0;
  const values = aligned ? map.view(Type, start, count) : new Type(map.arrayBuffer(start, end));
  console.log(`${name}  ${dtype} ${shape.join('x')}  ${values.subarray(0, 3).join(', ')} ...`);
}
map.close();
