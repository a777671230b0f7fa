/** All methods by all bad values: see the table in helpers/methods.ts. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import * as memmap from 'memmap';
import {
  CLASSES,
  CLOSED,
  LENGTH,
  MEMBERS,
  member,
  membersOf,
  type Parameter,
  refusalOf,
  statics,
  use,
  validArguments,
  WRONG_TYPE,
} from './helpers/methods';
import { pattern, temporaryFolder } from './helpers/temporary';

/** Values that would be taken if anything were coerced; that they were asked is counted. */
let coerced = 0;
const coercible = {
  valueOf: () => ++coerced,
  toString: () => String(++coerced),
  [Symbol.toPrimitive]: () => ++coerced,
};

const BAD_VALUES: unknown[] = [
  ...[Number.NaN, 0.5, 7.999, -0.5, -1, -LENGTH - 1, 1e300, 5e-324, Infinity, -Infinity],
  ...[2 ** 32, 2 ** 53, 2 ** 64, -(2 ** 53), -(2 ** 63)],
  ...[-1n, 2n ** 53n, 2n ** 63n, 2n ** 64n, 2n ** 64n + 1n, -(2n ** 64n)],
  ...['', '1', 'no such thing', true, false, null, Symbol('1'), () => 1, class {}],
  ...[[], [1], {}, { length: 1 }, Object(1), Object(1n), Object('1'), new Date(1), new Map()],
  ...[coercible, new ArrayBuffer(1), Uint8Array.of(1), Promise.resolve(1), Object.create(null)],
];

/** Every way to call with one bad value, and how it must be refused. */
function* badCalls(parameters: Parameter[]): Generator<[values: unknown[], refusal: string]> {
  const valid = validArguments(parameters);
  for (const [index, { refuses, required, options = {} }] of parameters.entries()) {
    for (const value of BAD_VALUES) {
      const refusal = refuses(value);
      if (refusal !== null) yield [valid.with(index, value), refusal];
    }
    if (required) yield [valid.with(index, undefined), WRONG_TYPE];
    for (const [name, option] of Object.entries(options)) {
      for (const value of BAD_VALUES) {
        const refusal = option.refuses(value);
        if (refusal !== null) yield [valid.with(index, { [name]: value }), refusal];
      }
    }
  }
}

/** Options with getters that report each read. */
function watched(options: Record<string, Parameter>, onRead: (name: string) => void): object {
  const object = {};
  for (const [name, { valid }] of Object.entries(options)) {
    Object.defineProperty(object, name, {
      get() {
        onRead(name);
        return valid;
      },
    });
  }
  return object;
}

const content = pattern(LENGTH);

function folderWithFile(t: ExecutionContext): { folder: string; path: string; fresh: string } {
  const folder = temporaryFolder(t);
  const path = join(folder, 'file');
  writeFileSync(path, content);
  return { folder, path, fresh: join(folder, 'fresh') };
}

test('every public member has its row in the table, and every row its member', (t) => {
  const { path } = folderWithFile(t);
  const exported = Object.entries(memmap).filter(([name]) => name !== 'MmapError');
  t.deepEqual(exported.map(([name]) => name).sort(), Object.keys(CLASSES).sort());

  const found: string[] = [];
  for (const [className, open] of Object.entries(CLASSES)) {
    using subject = open(path);
    const { object } = subject;
    for (const [defining, name] of membersOf(object)) {
      found.push(`${defining}#${String(name)}`);
      t.true(Reflect.has(MEMBERS[defining] ?? {}, name), `${defining}#${String(name)}`);
    }
    const members = Reflect.ownKeys(Reflect.get(memmap, className));
    for (const name of members.filter(
      (name) => !['length', 'name', 'prototype'].includes(String(name)),
    )) {
      found.push(`${className}.${String(name)}`);
      t.true(`${className}.${String(name)}` in statics('', ''), `${className}.${String(name)}`);
    }
  }
  const rows = Object.entries(MEMBERS).flatMap(([className, members]) =>
    Reflect.ownKeys(members).map((name) => `${className}#${String(name)}`),
  );
  t.deepEqual([...new Set(found)].sort(), [...rows, ...Object.keys(statics('', ''))].sort());
});

for (const [name, parameters] of Object.entries(statics('', ''))) {
  test(`${name} refuses every bad argument and leaves nothing behind`, async (t) => {
    const { folder, path, fresh } = folderWithFile(t);
    const [className = '', method = ''] = name.split('.');
    const real = statics(path, fresh)[name] ?? parameters;
    for (const [values, refusal] of badCalls(real)) {
      const call = () => use(Reflect.get(memmap, className), method, values);
      t.is(await refusalOf(call), refusal, inspect(values));
    }
    t.is(coerced, 0);
    t.deepEqual(readFileSync(path), content);
    t.deepEqual(readdirSync(folder), ['file']);
  });

  test(`${name} takes valid arguments, and reads each option once`, async (t) => {
    const { path, fresh } = folderWithFile(t);
    const [className = '', method = ''] = name.split('.');
    const reads: string[] = [];
    const real = statics(path, fresh)[name] ?? parameters;
    const values = real.map(({ valid, options }) =>
      options === undefined ? valid : watched(options, (option) => reads.push(option)),
    );
    using map = (await use(Reflect.get(memmap, className), method, values)) as memmap.MemoryMap;
    t.is(map.length, 8);
    t.deepEqual(reads.sort(), real.flatMap(({ options = {} }) => Object.keys(options)).sort());
  });
}

for (const [className, open] of Object.entries(CLASSES)) {
  test(`no method of ${className} takes a bad argument`, async (t) => {
    const { path } = folderWithFile(t);
    using subject = open(path);
    const { object, map } = subject;
    const before = Buffer.from(map.buffer);
    for (const [defining, name] of membersOf(object)) {
      const { parameters = [] } = MEMBERS[defining]?.[name] ?? {};
      for (const [values, refusal] of badCalls(parameters)) {
        const what = `${String(name)} ${inspect(values)}`;
        t.is(await refusalOf(() => use(object, name, values)), refusal, what);
        t.true(map.buffer.equals(before), what);
      }
    }
    t.is(coerced, 0);
    t.is(map.length, LENGTH);
    t.deepEqual(readFileSync(path), content);
  });

  test(`every method of ${className} takes valid arguments, and says so when closed`, async (t) => {
    const { path } = folderWithFile(t);
    using example = open(path);
    for (const [defining, name] of membersOf(example.object)) {
      using subject = open(path);
      const { object, map } = subject;
      const { worksClosed, unsupportedBy, call } = member(object, defining, name);
      const answer = unsupportedBy?.(className) ? 'MmapError ERR_MMAP_UNSUPPORTED' : null;
      t.is(await refusalOf(call), answer, String(name));
      map.close();
      t.is(await refusalOf(call), worksClosed ? null : CLOSED, String(name));
    }
  });

  test(`options of ${className} that close the map are read before its state is looked at`, async (t) => {
    const { path } = folderWithFile(t);
    using example = open(path);
    for (const [defining, name] of membersOf(example.object)) {
      const { parameters = [] } = MEMBERS[defining]?.[name] ?? {};
      for (const [index, { options }] of parameters.entries()) {
        for (const option of Object.keys(options ?? {})) {
          using subject = open(path);
          const { object, map } = subject;
          const reads: string[] = [];
          const closing = watched(options ?? {}, (read) => {
            reads.push(read);
            if (read === option) map.close();
          });
          const values = validArguments(parameters).with(index, closing);
          t.is(
            await refusalOf(() => use(object, name, values)),
            CLOSED,
            `${String(name)} ${option}`,
          );
          t.deepEqual(reads.sort(), Object.keys(options ?? {}).sort(), String(name));
        }
      }
    }
    t.deepEqual(readFileSync(path), content);
  });

  test(`the methods of ${className} refuse a receiver that is no map`, async (t) => {
    const { path } = folderWithFile(t);
    using subject = open(path);
    const { object } = subject;
    for (const [defining, name] of membersOf(object)) {
      if (name === inspect.custom) continue;
      const { parameters } = MEMBERS[defining]?.[name] ?? {};
      for (const receiver of [{}, [], Object.create(object), new Proxy(object, {})]) {
        const call = () => {
          const descriptor = Object.getOwnPropertyDescriptor(prototypeWith(object, name), name);
          const method: unknown = descriptor?.get ?? descriptor?.value;
          return Reflect.apply(method as () => unknown, receiver, validArguments(parameters));
        };
        t.regex(String(await refusalOf(call)), /^TypeError /, String(name));
      }
    }
    t.deepEqual(readFileSync(path), content);
  });
}

/** The prototype that defines a member. */
function prototypeWith(object: object, name: string | symbol): object {
  let prototype: object = Object.getPrototypeOf(object);
  while (!Object.hasOwn(prototype, name)) prototype = Object.getPrototypeOf(prototype);
  return prototype;
}

test('the classes cannot be constructed', (t) => {
  for (const mapClass of [memmap.Mmap, memmap.MmapMut, memmap.MmapCow]) {
    for (const values of [[], [Symbol('construct')], ['path'], [{}, {}, {}]]) {
      t.throws(() => Reflect.construct(mapClass, values), {
        instanceOf: TypeError,
        code: 'ERR_ILLEGAL_CONSTRUCTOR',
        message: `${mapClass.name} has no public constructor; call a static method such as ${mapClass.name}.open()`,
      });
    }
  }
});

test('an error says what was given and what is allowed', (t) => {
  const { path } = folderWithFile(t);
  using map = memmap.MmapMut.open(path);
  t.throws(() => map.write('text', 2 ** 53), {
    message:
      'The value of "offset" is out of range. It must be an integer >= 0 and <= ' +
      '9007199254740991. Received 9007199254740992',
  });
  t.throws(() => map.write('text', 61), {
    message:
      'The value of "offset" is out of range. It must be such that 4 bytes fit before the map\'s ' +
      'end at 64. Received 61',
  });
  t.throws(() => map.dataView('1' as never), {
    message:
      'The "offset" argument must be an integer (number or bigint). Received type string ("1")',
  });
  t.throws(() => map.fill(-1n as never), {
    message: /^The "value" argument must be a byte, .* Received type bigint \(-1\)$/,
  });
});
