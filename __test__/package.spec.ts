import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import * as memmap from 'memmap';
import { coreFile } from './helpers/native';
import { packed } from './helpers/npm';
import { node } from './helpers/processes';
import { root } from './helpers/temporary';

const PUBLIC = ['Mmap', 'MmapCow', 'MmapError', 'MmapMut'];

test('import and require give the same classes', (t) => {
  const script = `
    import * as namespace from 'memmap';
    import whole, { Mmap, MmapCow, MmapError, MmapMut } from 'memmap';
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('memmap');
    const same = Object.entries({ Mmap, MmapCow, MmapError, MmapMut }).every(([name, value]) =>
      value === required[name] && value === namespace[name] && value === whole[name]);
    console.log(same, Object.keys(required).sort().join());`;
  const child = node(['--input-type=module', '-e', script]);
  t.is(child.stderr, '');
  t.is(child.stdout, `true ${PUBLIC.join()}\n`);
});

test('nothing but the public names can be reached', (t) => {
  t.deepEqual(
    Object.keys(memmap)
      .filter((name) => name !== 'default')
      .sort(),
    PUBLIC,
  );
  const manifest = JSON.parse(readFileSync(require.resolve('memmap/package.json'), 'utf8'));
  t.is(manifest.name, 'memmap');
  t.is(manifest.dependencies, undefined, 'no run-time dependencies');
  for (const inside of [
    'memmap/dist/base/native.js',
    'memmap/dist/index.js',
    'memmap/lib/index.ts',
  ]) {
    t.throws(() => require(inside), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  }
  for (const { types, default: file } of Object.values<{ types?: string; default?: string }>(
    manifest.exports,
  )) {
    for (const path of [types, file]) if (path) t.true(statSync(join(root, path)).isFile(), path);
  }
});

test('npm pack ships what a user needs, and nothing else', (t) => {
  const { paths, unpackedSize } = packed();
  const wanted =
    /^(dist\/.+\.js|(index|sync|shm|channel)\.d\.ts|package\.json|(README|CHANGELOG)\.md|LICENSE[-\w]*)$/;
  t.deepEqual(
    paths.filter((path) => !wanted.test(path)),
    [],
  );
  for (const path of ['dist/index.js', 'index.d.ts', 'sync.d.ts', 'shm.d.ts', 'channel.d.ts']) {
    t.true(paths.includes(path), path);
  }
  // Every source file has its compiled file, and no compiled file is left of a source that is gone.
  const sources = readdirSync(join(root, 'lib'), { recursive: true }).map(String);
  const modules = sources
    .filter((name) => /(?<!\.d)\.ts$/.test(name))
    .map((name) => name.slice(0, -3));
  const shipped = paths
    .filter((path) => /^dist\/.*\.js$/.test(path))
    .map((path) => path.slice(5, -3));
  t.deepEqual(shipped.sort(), modules.map((name) => name.replaceAll('\\', '/')).sort());
  t.true(unpackedSize < 700 * 1024, `${unpackedSize} bytes`);
});

/** The native core that was built here. */
const addon = join(root, coreFile);

test('the native core is stripped and small', (t) => {
  t.true(statSync(addon).size < 2.5 * 2 ** 20, `${statSync(addon).size} bytes`);
});

test('lib/base/binding.d.ts declares exactly what the native core exports', (t) => {
  const native: Record<string, string | { prototype?: object }> = require(addon);
  const exported = Object.entries(native).flatMap(([name, value]) => {
    if (typeof value === 'string') return [name];
    if (
      !/^class /.test(Function.prototype.toString.call(value)) &&
      !Object.hasOwn(value, 'prototype')
    ) {
      return [name];
    }
    const members = (object: object | undefined) =>
      Reflect.ownKeys(object ?? {}).map((member) => `${name}.${String(member)}`);
    return [name, ...members(value), ...members(value.prototype)];
  });
  const declared: string[] = [];
  let inside = '';
  for (const line of readFileSync(join(root, 'lib', 'base', 'binding.d.ts'), 'utf8').split('\n')) {
    const top = /^export declare (?:class|function|const) (\w+)/.exec(line)?.[1];
    const member = /^ {2}(?:static )?(?:get |set |readonly )?(\w+)(?:\(|: )/.exec(line)?.[1];
    if (line === '}') inside = '';
    if (top) declared.push(top);
    if (top && line.includes('class')) inside = top;
    // What is inside nothing else belongs to an interface.
    if (member && inside) declared.push(`${inside}.${member}`);
  }
  const own = /\.(name|length|prototype|constructor|caller|arguments|toString)$/;
  const clean = (names: string[]) => [...new Set(names)].filter((name) => !own.test(name)).sort();
  t.true(declared.length > 20);
  t.deepEqual(clean(exported), clean(declared));
});
