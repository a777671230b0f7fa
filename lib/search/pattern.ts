/**
 * What can be searched for, from a user's argument to the native pattern.
 */
import { types } from 'node:util';
import { checkEncoding, checkInteger, viewedBytes } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, fromNative, invalidType, invalidValue } from '../base/errors';
import { native } from '../base/native';
import { translate } from './regexp';

/** Bytes to look for: a string (UTF-8, or as the encoding says), any view of bytes, or one byte. */
export type Needle = string | NodeJS.ArrayBufferView | number;

/** What can be searched for: a needle, any of several, or a regular expression. */
export type Pattern = Needle | readonly Needle[] | RegExp;

/** A pattern ready to be searched for. */
export interface Prepared {
  pattern: Binding.Pattern;
  /** The lengths of the needles in bytes; none for a regular expression. */
  lengths: ArrayLike<number>;
  /** The numbers of the named groups. */
  names: ReadonlyArray<readonly [name: string, group: number]>;
}

/** Whether it is a regular expression. */
export function isExpression({ lengths }: Prepared): boolean {
  return lengths.length === 0;
}

/** A needle as bytes of its own, or as a string that is still to be encoded. */
function readNeedle(needle: unknown, name: string): string | Uint8Array {
  if (typeof needle === 'string') return needle;
  if (typeof needle === 'number') return Uint8Array.of(checkInteger(needle, name, 0, 255));
  const bytes = viewedBytes(needle);
  // A copy: the caller may change its bytes before they are compiled.
  if (bytes !== undefined) return new Uint8Array(bytes);
  throw invalidType(name, 'a string, TypedArray, Buffer, DataView or byte', needle);
}

/** The bytes of a needle. */
export function needleBytes(needle: unknown, encoding: unknown, name: string): Uint8Array {
  const characters = checkEncoding(encoding);
  const read = viewedBytes(needle) ?? readNeedle(needle, name);
  return typeof read === 'string' ? Buffer.from(read, characters) : read;
}

/** A pattern whose argument was read and checked, and that is still to be compiled. */
export interface Uncompiled {
  /** Compiles it. Blocks: a large pattern takes a while. */
  compileSync(): Prepared;
  /** Compiles it, off the main thread where that may take longer than going there. */
  compile(): Promise<Prepared>;
}

/** Translating and compiling takes a while: a RegExp that is used again is found here. */
const compiled = new WeakMap<RegExp, { source: string; flags: string; prepared: Prepared }>();

function readRegExp(regexp: RegExp, path: string | null): Uncompiled {
  // A new RegExp: the caller may have redefined what its own one answers.
  const { source, flags } = new RegExp(regexp);
  const known = compiled.get(regexp);
  // RegExp.prototype.compile() can give an object another source.
  if (known?.source === source && known.flags === flags) return ready(known.prepared);
  const { source: translated, lineTerminator, names } = translate(new RegExp(source, flags));
  const keep = (pattern: Binding.Pattern): Prepared => {
    const prepared = { pattern, lengths: [], names };
    compiled.set(regexp, { source, flags, prepared });
    return prepared;
  };
  return {
    compileSync: () =>
      keep(attempt(() => native.Pattern.regexSync(translated, lineTerminator), path)),
    compile: () => native.Pattern.regex(translated, lineTerminator).then(keep, fail(path)),
  };
}

function ready(prepared: Prepared): Uncompiled {
  return { compileSync: () => prepared, compile: () => Promise.resolve(prepared) };
}

/** Converts what a native promise is rejected with. */
function fail(path: string | null): (error: unknown) => never {
  return (error) => {
    throw fromNative(error, path);
  };
}

/** A regular expression, or the source of one. */
export function prepareExpression(expression: unknown, path: string | null): Prepared {
  if (typeof expression === 'string') return readRegExp(new RegExp(expression), path).compileSync();
  if (types.isRegExp(expression)) return readRegExp(expression, path).compileSync();
  throw invalidType('pattern', 'a RegExp or a string', expression);
}

/** Needles as the core takes them: one after the other, and the length of each. */
interface Encoded {
  bytes: Uint8Array;
  lengths: Float64Array;
}

/** How many needles are encoded between two turns of the event loop. */
const SLICE = 4096;

/** Encodes needles, stopping now and then. */
function* encode(
  needles: ReadonlyArray<string | Uint8Array>,
  encoding: BufferEncoding,
): Generator<void, Encoded, undefined> {
  const lengths = new Float64Array(needles.length);
  const slices: Uint8Array[] = [];
  for (let from = 0; from < needles.length; from += SLICE) {
    if (from > 0) yield;
    const slice = needles
      .slice(from, from + SLICE)
      .map((needle) => (typeof needle === 'string' ? Buffer.from(needle, encoding) : needle));
    for (const [index, { length }] of slice.entries()) {
      if (length === 0 && needles.length > 1) throw emptyNeedle(needles);
      lengths[from + index] = length;
    }
    slices.push(Buffer.concat(slice));
  }
  return { bytes: Buffer.concat(slices), lengths };
}

function emptyNeedle(needles: unknown): Error {
  return invalidValue('needles', 'must not have an empty needle among several', needles);
}

/** A single needle of up to so many bytes or characters is compiled sooner than a thread is woken. */
const SHORT_NEEDLE = 65536;

function uncompiledNeedles(
  needles: ReadonlyArray<string | Uint8Array>,
  encoding: BufferEncoding,
  path: string | null,
): Uncompiled {
  const keep = (pattern: Binding.Pattern, { lengths }: Encoded): Prepared => {
    return { pattern, lengths, names: [] };
  };
  const compileSync = () => {
    const steps = encode(needles, encoding);
    let step = steps.next();
    while (!step.done) step = steps.next();
    const { value } = step;
    return keep(
      attempt(() => native.Pattern.literalsSync(value.bytes, value.lengths), path),
      value,
    );
  };
  const compile = async () => {
    const steps = encode(needles, encoding);
    let step = steps.next();
    for (; !step.done; step = steps.next()) await new Promise((go) => setImmediate(go));
    const { value } = step;
    const pattern = await native.Pattern.literals(value.bytes, value.lengths).catch(fail(path));
    return keep(pattern, value);
  };
  const [first] = needles;
  const isShort = needles.length === 1 && first !== undefined && first.length <= SHORT_NEEDLE;
  return isShort ? ready(compileSync()) : { compileSync, compile };
}

/** Anything that can be searched for; strings are literals. Reads and checks, without compiling. */
export function readPattern(what: unknown, encoding: unknown, path: string | null): Uncompiled {
  if (types.isRegExp(what)) {
    checkEncoding(encoding);
    return readRegExp(what, path);
  }
  const characters = checkEncoding(encoding);
  if (!Array.isArray(what))
    return uncompiledNeedles([readNeedle(what, 'needle')], characters, path);
  const needles = what.map((needle, index) => {
    const read = readNeedle(needle, `needles[${index}]`);
    if (read.length === 0 && what.length > 1) throw emptyNeedle(what);
    return read;
  });
  if (needles.length === 0) {
    throw invalidValue('needles', 'must have at least one needle', what);
  }
  return uncompiledNeedles(needles, characters, path);
}
