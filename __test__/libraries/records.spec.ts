/** Records one after the other: pbf, msgpackr. */
import test from 'ava';
import { Mmap, MmapMut } from 'memmap';
import { pack, unpackMultiple } from 'msgpackr';
import { PbfReader, PbfWriter } from 'pbf';
import { temporaryFile } from '../helpers/temporary';

test('pbf reads messages, and bytes in them without a copy', (t) => {
  const writer = new PbfWriter();
  for (let id = 0; id < 1000; id++) {
    writer.writeMessage(
      1,
      (record: { id: number }, message: PbfWriter) => {
        message.writeVarintField(1, record.id);
        message.writeStringField(2, `name ${record.id}`);
        message.writeBytesField(3, Buffer.from(`bytes ${record.id}`));
      },
      { id },
    );
  }
  using map = Mmap.open(temporaryFile(t, writer.finish()));
  const reader = new PbfReader(map.buffer);
  const records: { id: number; name: string; bytes: Uint8Array }[] = [];
  const readField = (tag: number, record: (typeof records)[0], field: PbfReader) => {
    if (tag === 1) record.id = field.readVarint();
    if (tag === 2) record.name = field.readString();
    if (tag === 3) record.bytes = field.readBytes();
  };
  reader.readFields((tag: number, list: typeof records, message: PbfReader) => {
    if (tag === 1) {
      list.push(message.readMessage(readField, { id: -1, name: '', bytes: new Uint8Array() }));
    }
  }, records);
  t.is(records.length, 1000);
  const record = records[777];
  t.is(record?.id, 777);
  t.is(record?.name, 'name 777');
  t.is(Buffer.from(record?.bytes ?? []).toString(), 'bytes 777');
  t.true(record?.bytes.buffer === map.buffer.buffer);
});

test('msgpackr reads values, and binary data in them without a copy', (t) => {
  const values = Array.from({ length: 1000 }, (_, id) => ({
    id,
    name: `name ${id}`,
    bytes: Buffer.from(`bytes ${id}`),
  }));
  const path = temporaryFile(t, Buffer.concat(values.map((value) => pack(value))));
  using map = Mmap.open(path);
  const read = unpackMultiple(map.buffer) as typeof values;
  t.deepEqual(read, values);
  const bytes = read[777]?.bytes;
  t.true(bytes?.buffer === map.buffer.buffer);

  // So it changes with the file, and is gone with the map.
  using file = MmapMut.open(path);
  file.write('BYTES', file.indexOf('bytes 777'));
  t.is(bytes?.toString(), 'BYTES 777');
  map.close();
  t.is(bytes?.length, 0);
});
