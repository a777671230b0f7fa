/** `memmap hex`: bytes, or records of numbers. */
import { Mmap } from '../index';
import { readArguments } from './arguments';
import { type Output, UsageError } from './output';

/** The bytes of a line. */
const WIDTH = 16;

type Read = (bytes: DataView, at: number, little: boolean) => number | bigint;

const TYPES: Record<string, [bytes: number, read: Read]> = {
  u8: [1, (bytes, at) => bytes.getUint8(at)],
  i8: [1, (bytes, at) => bytes.getInt8(at)],
  u16: [2, (bytes, at, little) => bytes.getUint16(at, little)],
  i16: [2, (bytes, at, little) => bytes.getInt16(at, little)],
  u32: [4, (bytes, at, little) => bytes.getUint32(at, little)],
  i32: [4, (bytes, at, little) => bytes.getInt32(at, little)],
  u64: [8, (bytes, at, little) => bytes.getBigUint64(at, little)],
  i64: [8, (bytes, at, little) => bytes.getBigInt64(at, little)],
  f32: [4, (bytes, at, little) => bytes.getFloat32(at, little)],
  f64: [8, (bytes, at, little) => bytes.getFloat64(at, little)],
};

interface Field {
  name: string;
  bytes: number;
  read: Read;
}

/** The fields that `--as` names. */
function readFields(text: string): Field[] {
  const fields = text.split(',').map((part, index) => {
    const [type = '', name = `#${index + 1}`, ...rest] = part.trim().split(/\s+/);
    const [bytes, read] = (Object.hasOwn(TYPES, type) && TYPES[type]) || [];
    if (bytes === undefined || read === undefined || rest.length > 0) {
      throw new UsageError(
        `'${part.trim()}' is not a field; fields are such as 'u32 id, f64 price', of ` +
          Object.keys(TYPES).join(', '),
      );
    }
    return { name, bytes, read };
  });
  // The position of a record has this name in JSON.
  const names = new Set(['offset']);
  for (const { name } of fields) {
    if (names.has(name)) {
      throw new UsageError(
        name === 'offset'
          ? "no field can have the name 'offset', which is that of the record's position"
          : `two fields have the name '${name}'`,
      );
    }
    names.add(name);
  }
  return fields;
}

/** A number of the command line, decimal or 0x. */
function readNumber(text: string, what: string): number {
  const number = /^(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw new UsageError(
      `'${text}' is not ${what}, which is a whole number such as 4096 or 0x1000`,
    );
  }
  return number;
}

async function dump(map: Mmap, start: number, end: number, output: Output): Promise<void> {
  const digits = Math.max(8, end.toString(16).length);
  for (let at = start; at < end; at += WIDTH) {
    const bytes = [...map.subarray(at, Math.min(end, at + WIDTH))];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = [hex.slice(0, WIDTH / 2).join(' '), hex.slice(WIDTH / 2).join(' ')];
    const text = bytes
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    const offset = output.style('dim', at.toString(16).padStart(digits, '0'));
    await output.line(`${offset}  ${halves.join('  ').padEnd(3 * WIDTH)}  ${text}`);
  }
}

export async function hex(args: string[], output: Output): Promise<number> {
  const given = readArguments(args, output, {
    count: { type: 'string', short: 'n' },
    as: { type: 'string' },
    be: { type: 'boolean' },
  });
  const [path, at = '@0', ...rest] = given.positionals;
  if (path === undefined || rest.length > 0 || !at.startsWith('@')) {
    throw new UsageError('name one file, and an offset such as @4096 or @0x1000');
  }
  const [as, most] = [given.value('as'), given.value('count')];
  const isLittle = !given.has('be');
  const fields = as === undefined ? undefined : readFields(as);
  const start = readNumber(at.slice(1), 'an offset');
  const record = fields?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 1;
  const wanted =
    most === undefined ? Math.max(1, Math.floor(256 / record)) : readNumber(most, 'a count');
  using map = Mmap.open(path);
  if (start > map.length) {
    throw new UsageError(`the file has ${map.length} bytes, and no offset ${start}`);
  }
  const count = Math.min(wanted, Math.floor((map.length - start) / record));
  if (fields === undefined) {
    await (output.json
      ? output.value({
          path,
          offset: start,
          hex: map.subarray(start, start + count).toString('hex'),
        })
      : dump(map, start, start + count, output));
    return count > 0 ? 0 : 1;
  }
  for (let index = 0; index < count; index++) {
    const offset = start + index * record;
    const bytes = map.dataView(offset, record);
    let position = 0;
    // What JSON has no number for is a string: integers beyond those of doubles, NaN and the infinities.
    const entries = fields.map(({ name, bytes: width, read }): [string, string | number] => {
      const value = read(bytes, position, isLittle);
      position += width;
      return [name, Number.isFinite(value) ? (value as number) : String(value)];
    });
    await (output.json
      ? output.value({ offset, ...Object.fromEntries(entries) })
      : output.line(
          `${output.style('dim', String(offset))}  ` +
            entries.map(([name, value]) => `${output.style('dim', `${name}=`)}${value}`).join('  '),
        ));
  }
  return count > 0 ? 0 : 1;
}
