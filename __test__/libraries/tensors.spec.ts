/** Models: safetensors and GGUF, whose tensors are views of the map. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type MemoryMap, Mmap } from 'memmap';
import { root, temporaryFile } from '../helpers/temporary';
import { gguf, safetensors } from './formats';

const weight = Float32Array.from({ length: 1000 }, (_, n) => n / 8);
const bias = Float32Array.of(1, -2, 3);

function expectView(t: ExecutionContext, map: MemoryMap, seen: Float32Array, values: Float32Array) {
  t.deepEqual(seen, values);
  t.is(seen.buffer, map.buffer.buffer);
}

test('the tensors of a safetensors file are views of the map', (t) => {
  using map = Mmap.open(temporaryFile(t, safetensors({ weight, bias })));
  const length = Number(map.dataView(0, 8).getBigUint64(0, true));
  const header = JSON.parse(map.subarray(8, 8 + length).toString());
  const tensor = (name: string) => {
    const [begin, end] = header[name].data_offsets;
    return map.view(Float32Array, 8 + length + begin, (end - begin) / 4);
  };
  expectView(t, map, tensor('weight'), weight);
  expectView(t, map, tensor('bias'), bias);
});

test('a tensor at an odd offset is copied by arrayBuffer, and refused by view', (t) => {
  const header = '{"bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}'.padEnd(61);
  const content = Buffer.concat([
    Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from(header),
    Buffer.from(bias.buffer),
  ]);
  using map = Mmap.open(temporaryFile(t, content));
  const start = 8 + header.length;
  t.throws(() => map.view(Float32Array, start, 3), { code: 'ERR_OUT_OF_RANGE' });
  t.deepEqual(new Float32Array(map.arrayBuffer(start, start + 12)), bias);
});

test('the tensors of a GGUF file are views of the map', (t) => {
  using map = Mmap.open(temporaryFile(t, gguf('test', { bias, weight })));
  const cursor = map.cursor();
  const u32 = () => cursor.read(4).readUInt32LE();
  const u64 = () => Number(cursor.read(8).readBigUInt64LE());
  const text = () => cursor.read(u64()).toString();
  t.is(cursor.read(4).toString(), 'GGUF');
  t.is(u32(), 3);
  const [tensors, values] = [u64(), u64()];
  t.is(values, 1);
  t.deepEqual([text(), u32(), text()], ['general.architecture', 8, 'test']);
  const infos = Array.from({ length: tensors }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64);
    return { name, shape, type: u32(), offset: u64() };
  });
  const data = Math.ceil(cursor.position / 32) * 32;
  const found = infos.map(({ name, shape: [count = 0], offset }) => {
    return [name, map.view(Float32Array, data + offset, count)] as const;
  });
  t.deepEqual(
    found.map(([name]) => name),
    ['bias', 'weight'],
  );
  for (const [name, view] of found) expectView(t, map, view, name === 'bias' ? bias : weight);
});

test('the example tensors.mjs lists the tensors of a model', (t) => {
  const path = temporaryFile(t, safetensors({ weight, bias }));
  const program = join(root, 'examples', 'tensors.mjs');
  t.is(
    execFileSync(process.execPath, [program, path], { encoding: 'utf8' }),
    'weight  F32 1000  0, 0.125, 0.25 ...\nbias  F32 3  1, -2, 3 ...\n',
  );
});
