/**
 * Reads the source of a JavaScript regular expression as far as is needed to write it down for the
 * native engine: its structure, and for each single character or class the set of bytes it matches.
 *
 * Which bytes those are is not worked out here, but asked of JavaScript's own engine, byte by byte:
 * so case folding, `\p{...}`, `\w`, the set operations of the `v` flag and the oddities of old
 * syntax are right by construction. A byte stands for the character with its number (latin1).
 */
import { MmapError } from '../base/errors';

/** Which bytes a character or class matches: 256 times 0 or 1. */
export type ByteSet = Uint8Array;

/** A part of a regular expression. */
export type Node =
  | { type: 'set'; bytes: ByteSet }
  | { type: 'assertion'; kind: '^' | '$' | '\\b' | '\\B' }
  | { type: 'group'; capturing: boolean; body: Node }
  | { type: 'repeat'; body: Node; min: number; max: number; lazy: boolean }
  | { type: 'sequence'; items: Node[] }
  | { type: 'choice'; options: Node[] };

/** The parts directly inside a part. */
export function children(node: Node): Node[] {
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

/** A regular expression that was read. */
export interface Parsed {
  root: Node;
  /** The number of each named group. A name may belong to several, of which one takes part. */
  names: ReadonlyArray<readonly [name: string, group: number]>;
}

/** The error for what JavaScript's engine understands and ours does not in the same way. */
export function refused(source: string, what: string, instead: string): MmapError {
  return new MmapError(
    'ERR_MMAP_UNSUPPORTED',
    `the pattern /${source}/ cannot be searched for exactly as JavaScript does: ${what}. ${instead}`,
  );
}

/** How deep groups may lie in groups. `NEST_LIMIT` in `src/search/pattern.rs` leaves room for that. */
const MAX_DEPTH = 100;

const SETS = new Map<string, ByteSet>();
const MAX_SETS = 1000;

/** The characters that bytes stand for, in order. */
const CHARACTERS = String.fromCharCode(...Array(256).keys());

/** The bytes that one character or class of the given source matches. */
function bytesOf(atom: string, flags: string): ByteSet {
  const key = `${flags}/${atom}`;
  const known = SETS.get(key);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(256);
  // An atom matches one of these characters at a time, so that one pass asks about all of them.
  for (const { index } of CHARACTERS.matchAll(new RegExp(atom, `${flags}g`))) bytes[index] = 1;
  if (SETS.size >= MAX_SETS) SETS.clear();
  SETS.set(key, bytes);
  return bytes;
}

const QUANTIFIER = /(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})(\??)/y;
const GROUP_NAME = /([^>]+)>/y;
/** One escape that stands for a character or a class, if `\` was read before. */
const ESCAPE = /[dDwWsSfnrtv]|c[A-Za-z]|0(?!\d)|x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}/y;
const UNICODE_ESCAPE =
  /[dDwWsSfnrtv]|c[A-Za-z]|0(?!\d)|x[\dA-Fa-f]{2}|u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|u\{[\dA-Fa-f]+\}|[pP]\{[^}]*\}/y;

/** The name of a group, in which characters may be written as escapes. */
function cookedName(raw: string): string {
  return raw
    .replace(/\\u\{([\dA-Fa-f]+)\}/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/\\u([\dA-Fa-f]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}

class Parser {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #sets: boolean;
  /** The flags that change what a single character or class matches. */
  readonly #atomFlags: string;
  readonly #names: Array<readonly [string, number]> = [];
  #at = 0;
  #groups = 0;
  #depth = 0;

  constructor({ source, flags }: RegExp) {
    this.#source = source;
    this.#unicode = /[uv]/.test(flags);
    this.#sets = flags.includes('v');
    this.#atomFlags = flags.replace(/[^isuv]/g, '');
  }

  parse(): Parsed {
    const root = this.#choice();
    return { root, names: this.#names };
  }

  /** Moves behind what `pattern` matches here. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #takeText(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #refuse(what: string, instead: string): never {
    throw refused(this.#source, what, instead);
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#takeText('|')) options.push(this.#sequence());
    return options.length === 1 && options[0] ? options[0] : { type: 'choice', options };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source.charAt(this.#at))) {
      items.push(this.#quantified(this.#term()));
    }
    return { type: 'sequence', items };
  }

  #quantified(body: Node): Node {
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === null) return body;
    const [whole, least, comma, most, lazy] = quantifier;
    let min = whole.startsWith('+') ? 1 : 0;
    let max = whole.startsWith('?') ? 1 : Number.POSITIVE_INFINITY;
    if (least !== undefined) {
      min = Number(least);
      if (comma === undefined) max = min;
      else if (most) max = Number(most);
    }
    return { type: 'repeat', body, min, max, lazy: lazy === '?' };
  }

  #term(): Node {
    if (this.#takeText('^')) return { type: 'assertion', kind: '^' };
    if (this.#takeText('$')) return { type: 'assertion', kind: '$' };
    if (this.#takeText('(')) return this.#group();
    if (this.#takeText('[')) return this.#class();
    if (this.#takeText('\\')) return this.#escape();
    const character = this.#unicode
      ? String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)
      : this.#source.charAt(this.#at);
    this.#at += character.length;
    return this.#set(character);
  }

  #set(atom: string): Node {
    return { type: 'set', bytes: bytesOf(atom, this.#atomFlags) };
  }

  #group(): Node {
    let capturing = true;
    if (this.#takeText('?')) {
      capturing = false;
      if (this.#takeText('=') || this.#takeText('!')) {
        this.#refuse(
          'it has a lookahead',
          'Match what follows too, and put what you want in a group',
        );
      }
      if (this.#takeText('<=') || this.#takeText('<!')) {
        this.#refuse(
          'it has a lookbehind',
          'Match what precedes too, and put what you want in a group',
        );
      }
      if (this.#takeText('<')) {
        const name = this.#take(GROUP_NAME)?.[1] ?? '';
        this.#names.push([cookedName(name), this.#groups + 1]);
        capturing = true;
      } else if (!this.#takeText(':')) {
        this.#refuse('it changes flags inside the pattern', 'Give flags to the whole RegExp');
      }
    }
    if (capturing) this.#groups++;
    if (++this.#depth > MAX_DEPTH) {
      this.#refuse(`it has groups more than ${MAX_DEPTH} deep`, 'Leave out groups');
    }
    const body = this.#choice();
    this.#depth--;
    this.#takeText(')');
    return { type: 'group', capturing, body };
  }

  /** A class, behind its `[`. With the `v` flag classes may hold classes. */
  #class(): Node {
    const start = this.#at - 1;
    for (let depth = 1; depth > 0; this.#at++) {
      const character = this.#source.charAt(this.#at);
      if (character === '\\') {
        this.#at++;
        if (this.#sets && this.#source.charAt(this.#at) === 'q') {
          this.#refuse('it has strings in a class (\\q)', 'Use a group of alternatives');
        }
      } else if (character === ']') depth--;
      else if (character === '[' && this.#sets) depth++;
    }
    return this.#set(this.#source.slice(start, this.#at));
  }

  /** An escape, behind its `\`. */
  #escape(): Node {
    const start = this.#at - 1;
    if (this.#takeText('b')) return { type: 'assertion', kind: '\\b' };
    if (this.#takeText('B')) return { type: 'assertion', kind: '\\B' };
    if (/[1-9k]/.test(this.#source.charAt(this.#at))) {
      this.#refuse(
        `it has a backreference (\\${this.#source.charAt(this.#at)})`,
        'Search for what both places may be, and compare the groups yourself',
      );
    }
    if (!this.#take(this.#unicode ? UNICODE_ESCAPE : ESCAPE)) {
      const character = this.#source.charAt(this.#at);
      if (character === '0' || character === 'c') {
        this.#refuse(`it has an escape of old syntax (\\${character})`, 'Use \\x and two digits');
      }
      // An escape of a character that needs none, or of one of the syntax's own.
      this.#at += this.#unicode
        ? String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0).length
        : 1;
    }
    return this.#set(this.#source.slice(start, this.#at));
  }
}

/** Reads a regular expression. Throws `ERR_MMAP_UNSUPPORTED` for constructs no one can translate. */
export function parseRegExp(pattern: RegExp): Parsed {
  return new Parser(pattern).parse();
}
