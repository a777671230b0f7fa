/**
 * Writes a JavaScript regular expression down for the native engine, or refuses it. What is
 * accepted has the same matches and the same groups as in JavaScript over the same bytes read as
 * latin1; `docs/search.md` says why each refused construct has not.
 */
import { type ByteSet, type Node, parseRegExp, refused } from './regexp-parser';

/** A regular expression as the native engine reads it. */
export interface Translation {
  source: string;
  /** What the engine's multi-line assertions are to look for, besides its `\r\n` ones. */
  lineTerminator: number;
  names: ReadonlyArray<readonly [name: string, group: number]>;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Whether something can match without taking a byte. */
function isNullable(node: Node): boolean {
  switch (node.type) {
    case 'set':
      return false;
    case 'assertion':
      return true;
    case 'group':
      return isNullable(node.body);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
    case 'sequence':
      return node.items.every(isNullable);
    case 'choice':
      return node.options.some(isNullable);
  }
}

function children(node: Node): Node[] {
  switch (node.type) {
    case 'group':
    case 'repeat':
      return [node.body];
    case 'sequence':
      return node.items;
    case 'choice':
      return node.options;
    default:
      return [];
  }
}

function hasGroup(node: Node): boolean {
  return (node.type === 'group' && node.capturing) || children(node).some(hasGroup);
}

/** Whether there is a group in it that a match can leave out. */
function hasOptionalGroup(node: Node): boolean {
  const optional = node.type === 'choice' || (node.type === 'repeat' && node.min === 0);
  return optional ? hasGroup(node) : children(node).some(hasOptionalGroup);
}

function has(node: Node, kind: '^' | '$'): boolean {
  return (
    (node.type === 'assertion' && node.kind === kind) || children(node).some((c) => has(c, kind))
  );
}

/** Refuses the repetitions that JavaScript has rules of its own for. */
function checkRepeats(node: Node, source: string): void {
  for (const child of children(node)) checkRepeats(child, source);
  if (node.type !== 'repeat') return;
  if (node.max > node.min && isNullable(node.body)) {
    throw refused(
      source,
      'it repeats something that can match nothing, and JavaScript takes back repetitions of nothing',
      'Write the part that is repeated such that it takes at least one byte',
    );
  }
  if (node.max > 1 && hasOptionalGroup(node.body)) {
    throw refused(
      source,
      'it has a capturing group inside alternatives or options that are repeated, and JavaScript ' +
        'empties such groups at each repetition',
      'Use a non-capturing group (?:...) there, or capture around the repetition',
    );
  }
  if (node.max === 0 && hasGroup(node.body)) {
    throw refused(source, 'it repeats a capturing group zero times', 'Leave the group out');
  }
  if (node.min > 0xffff_ffff || (Number.isFinite(node.max) && node.max > 0xffff_ffff)) {
    throw refused(source, 'it repeats something more than 4294967295 times', 'Use + or *');
  }
}

/** The bytes that may come next to a place in a match, and whether there may be none. */
interface Beside {
  bytes: ByteSet;
  none: boolean;
}

function either(a: Beside, b: Beside): Beside {
  return { bytes: a.bytes.map((bit, byte) => bit | (b.bytes[byte] ?? 0)), none: a.none || b.none };
}

/**
 * What comes first in `node` followed by `then`; backwards, what comes last in it after `then`.
 * Calls `see` with what comes after (before) each assertion of the kind.
 */
function beside(node: Node, then: Beside, kind: '^' | '$', see: (found: Beside) => void): Beside {
  switch (node.type) {
    case 'set':
      return { bytes: node.bytes, none: false };
    case 'assertion':
      if (node.kind === kind) see(then);
      return then;
    case 'group':
      return beside(node.body, then, kind, see);
    case 'repeat': {
      if (node.max === 0) return then;
      const again = either(beside(node.body, then, kind, see), then);
      const once = beside(node.body, again, kind, see);
      return node.min === 0 ? either(once, then) : once;
    }
    case 'sequence': {
      const items = kind === '^' ? [...node.items].reverse() : node.items;
      return items.reduce((next, item) => beside(item, next, kind, see), then);
    }
    case 'choice':
      return node.options
        .map((option) => beside(option, then, kind, see))
        .reduce((a, b) => either(a, b));
  }
}

/** Whether each such assertion has a byte at its inner side that is not `byte`. */
function neverAt(root: Node, kind: '^' | '$', byte: number): boolean {
  let never = true;
  beside(root, { bytes: new Uint8Array(256), none: true }, kind, ({ bytes, none }) => {
    if (none || bytes[byte] === 1) never = false;
  });
  return never;
}

/**
 * Which line terminator makes the engine's assertions the same as JavaScript's with the `m` flag,
 * where a line ends at every `\n` and at every `\r`, also between the two of `\r\n`.
 *
 * The engine knows `^` behind one terminator of choice, and `^` behind `\n` or behind a `\r` that no
 * `\n` follows. With `\r` chosen both together are JavaScript's `^`. Likewise for `$` with `\n`
 * chosen. With the wrong choice the place between `\r` and `\n` is missed, which matters only to a
 * `^` that `\n` may follow, or a `$` that `\r` may precede.
 */
function lineTerminatorFor(root: Node, source: string): number {
  if (!has(root, '^')) return LINE_FEED;
  if (!has(root, '$')) return CARRIAGE_RETURN;
  if (neverAt(root, '^', LINE_FEED)) return LINE_FEED;
  if (neverAt(root, '$', CARRIAGE_RETURN)) return CARRIAGE_RETURN;
  throw refused(
    source,
    'with the m flag it has both a ^ that nothing or a line feed may follow and a $ that nothing ' +
      'or a carriage return may precede, and JavaScript sees an empty line inside each \\r\\n',
    'Write what the line has to contain, or use lines()',
  );
}

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;

/** A class of the bytes of a set. */
function writeSet(bytes: ByteSet): string {
  let ranges = '';
  for (let first = 0; first < 256; first++) {
    if (bytes[first] === 0) continue;
    let last = first;
    while (last < 255 && bytes[last + 1] === 1) last++;
    ranges += first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
    first = last;
  }
  return ranges === '' ? '[^\\x00-\\xff]' : `[${ranges}]`;
}

function writeQuantifier(min: number, max: number, lazy: boolean): string {
  const count = max === Number.POSITIVE_INFINITY ? `{${min},}` : `{${min},${max}}`;
  return lazy ? `${count}?` : count;
}

function write(node: Node, multiline: boolean): string {
  switch (node.type) {
    case 'set':
      return writeSet(node.bytes);
    case 'assertion':
      if (node.kind === '^') return multiline ? '(?:(?m:^)|(?mR:^))' : '\\A';
      if (node.kind === '$') return multiline ? '(?:(?m:$)|(?mR:$))' : '\\z';
      return node.kind;
    case 'group':
      return `(${node.capturing ? '' : '?:'}${write(node.body, multiline)})`;
    case 'repeat':
      return `(?:${write(node.body, multiline)})${writeQuantifier(node.min, node.max, node.lazy)}`;
    case 'sequence':
      return node.items.map((item) => write(item, multiline)).join('');
    case 'choice':
      return node.options.map((option) => write(option, multiline)).join('|');
  }
}

/**
 * The native engine's form of a regular expression. The flags `g` and `d` make no difference.
 *
 * @throws MmapError `ERR_MMAP_UNSUPPORTED` where JavaScript could answer differently.
 */
export function translate(pattern: RegExp): Translation {
  const { source, multiline, sticky } = pattern;
  if (sticky) throw refused(source, 'it has the y flag', 'Give the place to start at to exec()');
  const { root, names } = parseRegExp(pattern);
  checkRepeats(root, source);
  const lineTerminator = multiline ? lineTerminatorFor(root, source) : LINE_FEED;
  return { source: write(root, multiline), lineTerminator, names };
}
