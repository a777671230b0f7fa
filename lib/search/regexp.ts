/**
 * Writes a JavaScript regular expression down for the native engine, or refuses it. What is
 * accepted has the same matches and the same groups as in JavaScript over the same bytes read as
 * latin1; `docs/search.md` says why each refused construct has not.
 */
import { type ByteSet, children, type Node, parseRegExp, refused } from './regexp-parser';

/** A regular expression as the native engine reads it. */
export interface Translation {
  source: string;
  /** What the engine's multi-line assertions are to look for, besides its `\r\n` ones. */
  lineTerminator: number;
  names: ReadonlyArray<readonly [name: string, group: number]>;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** What the rules about repetitions ask of a part, as bits. */
const NULLABLE = 1; // It can match without taking a byte.
const GROUP = 2; // There is a capturing group in it.
const OPTIONAL_GROUP = 4; // There is a capturing group in it that a match can leave out.

/**
 * Refuses the repetitions that JavaScript has rules of its own for, and returns the facts about a
 * part. Visits each part once, the parts inside it first: facts that each part worked out anew would
 * take quadratic time.
 */
function checkRepeats(node: Node, source: string): number {
  switch (node.type) {
    case 'set':
      return 0;
    case 'assertion':
      return NULLABLE;
    case 'group':
      return checkRepeats(node.body, source) | (node.capturing ? GROUP : 0);
    case 'sequence': {
      let [any, all] = [0, NULLABLE];
      for (const item of node.items) {
        const facts = checkRepeats(item, source);
        any |= facts;
        all &= facts;
      }
      return (any & ~NULLABLE) | all;
    }
    case 'choice': {
      let any = 0;
      for (const option of node.options) any |= checkRepeats(option, source);
      return withOptional(any);
    }
    case 'repeat': {
      const body = checkRepeats(node.body, source);
      checkRepeat(node, body, source);
      return node.min === 0 ? withOptional(body) | NULLABLE : body;
    }
  }
}

/** The facts about something that a match can leave out. */
function withOptional(facts: number): number {
  return facts & GROUP ? facts | OPTIONAL_GROUP : facts;
}

/** As {@link checkRepeats}, of one repetition with the given body. */
function checkRepeat(
  { min, max }: { min: number; max: number },
  body: number,
  source: string,
): void {
  if (max > min && body & NULLABLE) {
    throw refused(
      source,
      'it repeats something that can match nothing, and JavaScript takes back repetitions of nothing',
      'Write the part that is repeated such that it takes at least one byte',
    );
  }
  if (max > 1 && body & OPTIONAL_GROUP) {
    throw refused(
      source,
      'it has a capturing group inside alternatives or options that are repeated, and JavaScript ' +
        'empties such groups at each repetition',
      'Use a non-capturing group (?:...) there, or capture around the repetition',
    );
  }
  if (max === 0 && body & GROUP) {
    throw refused(source, 'it repeats a capturing group zero times', 'Leave the group out');
  }
  if (min > 0xffff_ffff || (Number.isFinite(max) && max > 0xffff_ffff)) {
    throw refused(source, 'it repeats something more than 4294967295 times', 'Use + or *');
  }
}

function has(node: Node, kind: '^' | '$'): boolean {
  return (
    (node.type === 'assertion' && node.kind === kind) || children(node).some((c) => has(c, kind))
  );
}

/** Whether a part may begin with a byte, or with nothing (seen from a `$`: end). */
interface Edge {
  byte: boolean;
  nothing: boolean;
}

/** The edge of `node` at the side that faces assertions of the kind, and of each part in it. */
function edges(node: Node, kind: '^' | '$', byte: number, all: Map<Node, Edge>): Edge {
  const edge: Edge = { byte: false, nothing: node.type !== 'choice' };
  switch (node.type) {
    case 'set':
      edge.byte = node.bytes[byte] === 1;
      edge.nothing = false;
      break;
    case 'assertion':
      break;
    case 'sequence':
      for (const item of kind === '^' ? node.items : node.items.toReversed()) {
        const inner = edges(item, kind, byte, all);
        if (edge.nothing) edge.byte ||= inner.byte;
        edge.nothing &&= inner.nothing;
      }
      break;
    case 'choice':
      for (const option of node.options) {
        const inner = edges(option, kind, byte, all);
        edge.byte ||= inner.byte;
        edge.nothing ||= inner.nothing;
      }
      break;
    case 'group':
    case 'repeat': {
      const inner = edges(node.body, kind, byte, all);
      const [min, max] = node.type === 'repeat' ? [node.min, node.max] : [1, 1];
      edge.byte = inner.byte && max > 0;
      edge.nothing = inner.nothing || min === 0;
      break;
    }
  }
  all.set(node, edge);
  return edge;
}

/**
 * Whether each such assertion has a byte at its inner side that is not `byte`.
 *
 * Visits each part twice: for what it begins with, and for what comes next to it, which includes
 * the part itself where it repeats. (Asking for both at once takes a visit for each repetition,
 * which doubles with each level of them.)
 */
function neverAt(root: Node, kind: '^' | '$', byte: number): boolean {
  const all = new Map<Node, Edge>();
  edges(root, kind, byte, all);
  /** `beside`: whether the byte, or nothing, may come next to the node. */
  const never = (node: Node, beside: boolean): boolean => {
    switch (node.type) {
      case 'set':
        return true;
      case 'assertion':
        return node.kind !== kind || !beside;
      case 'group':
        return never(node.body, beside);
      case 'repeat':
        if (node.max === 0) return true;
        return never(node.body, beside || (node.max > 1 && all.get(node)?.byte === true));
      case 'choice':
        return node.options.every((option) => never(option, beside));
      case 'sequence': {
        let next = beside;
        // From the far end: what comes next to an item is the items behind it.
        return (kind === '^' ? node.items.toReversed() : node.items).every((item) => {
          const answer = never(item, next);
          const edge = all.get(item);
          next = edge?.byte === true || (edge?.nothing === true && next);
          return answer;
        });
      }
    }
  };
  return never(root, true);
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

/** The classes written so far, for the sets that the parser keeps. */
const classes = new WeakMap<ByteSet, string>();

/** A class of the bytes of a set. */
function writeSet(bytes: ByteSet): string {
  const known = classes.get(bytes);
  if (known !== undefined) return known;
  let ranges = '';
  for (let first = 0; first < 256; first++) {
    if (bytes[first] === 0) continue;
    let last = first;
    while (last < 255 && bytes[last + 1] === 1) last++;
    ranges += first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
    first = last;
  }
  const written = ranges === '' ? '[^\\x00-\\xff]' : `[${ranges}]`;
  classes.set(bytes, written);
  return written;
}

function writeQuantifier(min: number, max: number, lazy: boolean): string {
  const count = max === Number.POSITIVE_INFINITY ? `{${min},}` : `{${min},${max}}`;
  return lazy ? `${count}?` : count;
}

/** What the engine calls the start and the end: of the whole, of a line of JavaScript's, or of a line. */
type Edges = Record<'^' | '$', string>;
const WHOLE: Edges = { '^': '\\A', $: '\\z' };
const MULTILINE: Edges = { '^': '(?:(?m:^)|(?mR:^))', $: '(?:(?m:$)|(?mR:$))' };
const LINE: Edges = { '^': '(?m:^)', $: '(?m:$)' };

/** A part as something that a quantifier may follow. */
function writeOne(node: Node, edges: Edges): string {
  const written = write(node, edges);
  return node.type === 'group' || node.type === 'set' ? written : `(?:${written})`;
}

function write(node: Node, edges: Edges): string {
  switch (node.type) {
    case 'set':
      return writeSet(node.bytes);
    case 'assertion':
      return node.kind === '^' || node.kind === '$' ? edges[node.kind] : node.kind;
    case 'group':
      return `(${node.capturing ? '' : '?:'}${write(node.body, edges)})`;
    case 'repeat':
      return `${writeOne(node.body, edges)}${writeQuantifier(node.min, node.max, node.lazy)}`;
    case 'sequence':
      return node.items.map((item) => write(item, edges)).join('');
    case 'choice':
      return node.options.map((option) => write(option, edges)).join('|');
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
  return { source: write(root, multiline ? MULTILINE : WHOLE), lineTerminator, names };
}

/** A part that takes no line feed, and whose groups nobody asks about. */
function withinLine(node: Node): Node {
  switch (node.type) {
    case 'set':
      return { ...node, bytes: node.bytes.with(LINE_FEED, 0) };
    case 'assertion':
      return node;
    case 'group':
      return { ...node, capturing: false, body: withinLine(node.body) };
    case 'repeat':
      return { ...node, body: withinLine(node.body) };
    case 'sequence':
      return { ...node, items: node.items.map(withinLine) };
    case 'choice':
      return { ...node, options: node.options.map(withinLine) };
  }
}

/**
 * As {@link translate}, for finding the lines that JavaScript's expression matches when it sees each by
 * itself, without its line feed: `^` and `$` are the start and the end of the line, and no match leaves
 * it. Flags other than `i`, `s`, `u` and `v` make no difference. The lines are right, the ends of the
 * matches in them need not be JavaScript's.
 *
 * @throws MmapError `ERR_MMAP_UNSUPPORTED` for lookaround, backreferences and old syntax.
 */
export function translateForLines(pattern: RegExp): Pick<Translation, 'source' | 'lineTerminator'> {
  const { root } = parseRegExp(pattern);
  return { source: write(withinLine(root), LINE), lineTerminator: LINE_FEED };
}
