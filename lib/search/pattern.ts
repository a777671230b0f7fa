/**
 * What can be searched for, from a user's argument to the native pattern.
 */
import { types } from 'node:util';
import { checkEncoding, checkInteger, viewedBytes } from '../base/arguments';
import type * as Binding from '../base/binding';
import { attempt, invalidType, invalidValue } from '../base/errors';
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
  lengths: readonly number[];
  /** The numbers of the named groups. */
  names: ReadonlyArray<readonly [name: string, group: number]>;
}

/** The bytes of a needle. */
export function needleBytes(needle: unknown, encoding: unknown, name: string): Uint8Array {
  const characters = checkEncoding(encoding);
  if (typeof needle === 'string') return Buffer.from(needle, characters);
  if (typeof needle === 'number') return Uint8Array.of(checkInteger(needle, name, 0, 255));
  const bytes = viewedBytes(needle);
  if (bytes === undefined) {
    throw invalidType(name, 'a string, TypedArray, Buffer, DataView or byte', needle);
  }
  return bytes;
}

/** Translating and compiling takes a while: a RegExp that is used again is found here. */
const compiled = new WeakMap<RegExp, { source: string; flags: string; prepared: Prepared }>();

function prepareRegExp(regexp: RegExp, path: string | null): Prepared {
  // A RegExp of our own: nobody can have redefined what it says of itself.
  const { source, flags } = new RegExp(regexp);
  const known = compiled.get(regexp);
  // RegExp.prototype.compile() can give an object another source.
  if (known?.source === source && known.flags === flags) return known.prepared;
  const translation = translate(new RegExp(source, flags));
  const pattern = attempt(
    () => native.Pattern.regex(translation.source, translation.lineTerminator),
    path,
  );
  const prepared = { pattern, lengths: [], names: translation.names };
  compiled.set(regexp, { source, flags, prepared });
  return prepared;
}

/** A regular expression, or the source of one. */
export function prepareExpression(expression: unknown, path: string | null): Prepared {
  if (typeof expression === 'string') return prepareRegExp(new RegExp(expression), path);
  if (types.isRegExp(expression)) return prepareRegExp(expression, path);
  throw invalidType('pattern', 'a RegExp or a string', expression);
}

/** Anything that can be searched for; strings are literals. */
export function preparePattern(what: unknown, encoding: unknown, path: string | null): Prepared {
  if (types.isRegExp(what)) {
    checkEncoding(encoding);
    return prepareRegExp(what, path);
  }
  const needles = Array.isArray(what)
    ? what.map((needle, index) => needleBytes(needle, encoding, `needles[${index}]`))
    : [needleBytes(what, encoding, 'needle')];
  if (needles.length === 0) {
    throw invalidValue('needles', 'must have at least one needle', what);
  }
  if (needles.length > 1 && needles.some(({ length }) => length === 0)) {
    throw invalidValue('needles', 'must not have an empty needle among several', what);
  }
  const pattern = attempt(() => native.Pattern.literals(needles), path);
  return { pattern, lengths: needles.map(({ length }) => length), names: [] };
}
