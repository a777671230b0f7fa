/** A runtime that takes no memory from outside its heap: the preloaded `no-external.c`. */
import assert from 'node:assert';
import { truncateSync, writeFileSync } from 'node:fs';
import { buffer as collected } from 'node:stream/consumers';
import { type MemoryMap, Mmap, MmapCow, MmapMut } from 'memmap';
import { FileLock, Mutex } from 'memmap/sync';
import { collect } from '../helpers/garbage';
import { native } from '../helpers/native';
import { newFile } from '../helpers/scratch';
import { until } from '../helpers/until';
import { play } from './tools';

const PAGE = 4096;
const LENGTH = 8 * PAGE;
const TRUNCATED = 1;

const LINES = Array.from({ length: 3000 }, (_, n) => `line ${n} \u00e9\u20ac`);
const TEXT = LINES.join('\r\n');

const unsupported = (call: () => unknown) =>
  assert.throws(call, {
    name: 'MmapError',
    code: 'ERR_MMAP_UNSUPPORTED',
    message: /map\.copy\(target\).*lines\(\{ encoding \}\)/,
  });

const truncated = (call: () => unknown) => assert.throws(call, { code: 'ERR_MMAP_TRUNCATED' });

/** A map of the text, whose end is lost once anything reads there. */
function losing(kind: { open(path: string): MemoryMap } = Mmap): MemoryMap {
  const path = newFile(0);
  writeFileSync(path, TEXT);
  const map = kind.open(path);
  truncateSync(path, PAGE);
  return map;
}

const scenarios: Record<string, () => unknown> = {
  'the core': async () => {
    assert.strictEqual(native.faultFlags(), null, 'the shim is not in place');
    assert.strictEqual(native.canShare(), false);
    const path = newFile(LENGTH);
    for (const kind of [native.Mmap, native.MmapMut, native.MmapCow]) {
      const map = new kind(path, 0, undefined, 0, true, true);
      for (let count = 0; count < 3; count++) {
        assert.throws(() => map.externalArrayBuffer(0, LENGTH), {
          message: /^memmap\|ERR_MMAP_UNSUPPORTED\|/,
        });
      }
      await collect();
      const bytes = Buffer.alloc(10);
      map.copyOut(bytes, 2, LENGTH - 5, LENGTH);
      assert.strictEqual(bytes.toString('latin1'), '\0\0aaaaa\0\0\0');
      map.close();
      assert.throws(() => map.copyOut(bytes, 0, 0, 1), { message: /ERR_MMAP_CLOSED/ });
    }
    // Lost bytes are reported without the flags.
    const map = new native.Mmap(path, 0, undefined, 0, true, true);
    const slot = map.slot ?? assert.fail('the guard is off');
    assert.strictEqual(native.raised(slot), 0);
    assert.deepStrictEqual(native.firstFaults(), []);
    truncateSync(path, PAGE);
    const bytes = Buffer.alloc(LENGTH, 1);
    map.copyOut(bytes, 0, 0, LENGTH);
    assert.strictEqual(bytes[LENGTH - 1], 0);
    assert.strictEqual(native.raised(slot), TRUNCATED);
    assert.deepStrictEqual(native.firstFaults(), [{ flag: TRUNCATED, path }]);
    assert.deepStrictEqual(native.firstFaults(), [], 'a process is warned once');
    map.close();
    assert.strictEqual(native.raised(slot), 0);
    assert.strictEqual(native.raised(2 ** 32 - 1), 0);
  },

  reading: async () => {
    const path = newFile(0);
    writeFileSync(path, TEXT);
    for (const kind of [Mmap, MmapMut, MmapCow]) {
      const map = kind.open(path);
      const whole = Buffer.alloc(map.length);
      assert.strictEqual(map.copy(whole), map.length);
      assert.strictEqual(whole.toString(), TEXT);
      assert.deepStrictEqual([...map.lines({ encoding: 'utf8' })], LINES);
      const index = map.lineIndexSync({ encoding: 'utf8' });
      assert.strictEqual(index.line(1234), LINES[1234]);
      assert.strictEqual((await map.lineIndex({ encoding: 'utf8' })).line(7), LINES[7]);
      assert.strictEqual(map.lineIndexSync().lineAt(0), 0);
      const cursor = map.cursor();
      assert.strictEqual(cursor.readLine({ encoding: 'utf8' }), LINES[0]);
      assert.strictEqual(cursor.readLine({ encoding: 'utf8' }), LINES[1]);
      assert.strictEqual(cursor.readByte(), 'l'.charCodeAt(0));
      const match = map.exec(/line (?<n>29\d\d)/);
      assert.strictEqual(match?.toString(), 'line 2900');
      assert.strictEqual([...map.matchAll(/line 1\d\b/)].length, 10);
      for await (const found of map.scan('line 2999'))
        assert.strictEqual(found.end, found.index + 9);
      assert.strictEqual(map.indexOf('line 1 '), whole.indexOf('line 1 '));
      assert.strictEqual(await map.count('line'), LINES.length);
      assert.strictEqual(map.lineCountSync(), LINES.length);
      assert.strictEqual((await collected(map.createReadStream())).toString(), TEXT);
      assert.strictEqual(await new Response(map.readable()).text(), TEXT);
      assert.strictEqual(await new Response(map.readable({ type: 'bytes' })).text(), TEXT);
      assert.strictEqual(Buffer.from(map.arrayBuffer()).toString(), TEXT);
      unsupported(() => map.arrayBuffer(0, 8, { copy: false }));
      assert.strictEqual(map.residency().pages > 0, true);
      await map.prefetch();
      map.descriptor();
      unsupported(() => map.buffer);
      unsupported(() => map.subarray(0, 10));
      unsupported(() => map.view(Uint8Array));
      unsupported(() => map.dataView());
      unsupported(() => [...map.lines()]);
      unsupported(() => map.lineIndexSync().line(0));
      unsupported(() => cursor.read(1));
      unsupported(() => cursor.readLine());
      unsupported(() => match?.bytes());
      map.close();
      assert.throws(() => map.copy(whole), { code: 'ERR_MMAP_CLOSED' });
    }
    const empty = Mmap.open(newFile(0));
    assert.strictEqual(empty.buffer.length, 0);
    assert.strictEqual(empty.copy(Buffer.alloc(1)), 0);
  },

  writing: async () => {
    const path = newFile(LENGTH);
    const map = MmapMut.open(path);
    map.write('needle', 100);
    map.fill('xyz', 200, 206);
    map.copyWithin(300, 100, 106);
    await map.fillAsync(7, 400, 410);
    await map.copyWithinAsync(500, 400, 410);
    map.cursor(600).write('end');
    await map.flush();
    map.flushSync();
    const bytes = Buffer.alloc(700);
    assert.strictEqual(map.copy(bytes, 0, 0, 700), 700);
    assert.strictEqual(bytes.toString('latin1', 100, 106), 'needle');
    assert.strictEqual(bytes.toString('latin1', 200, 206), 'xyzxyz');
    assert.strictEqual(bytes.toString('latin1', 300, 306), 'needle');
    assert(bytes.subarray(500, 510).every((byte) => byte === 7));
    assert.strictEqual(bytes.toString('latin1', 600, 603), 'end');
    map.resize(2 * LENGTH);
    assert.strictEqual(map.copy(Buffer.alloc(3 * LENGTH)), 2 * LENGTH);
    map.refresh();
    unsupported(() => map.atomic(0));
    unsupported(() => new Mutex(map, 0));
    const anonymous = MmapMut.anonymous(100);
    anonymous.fill(1);
    assert.strictEqual(anonymous.indexOf(1), 0);
    const lock = FileLock.tryAcquire(path) ?? assert.fail('the file is locked');
    lock.release();
    map.close();
  },

  'lost bytes': async () => {
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    let map = losing();
    truncated(() => map.copy(Buffer.alloc(10), 0, map.length - 10));
    truncated(() => map.copy(Buffer.alloc(10)));
    await until(() => warnings.length > 0, 'the process is warned');
    const { message = '' } = warnings[0] ?? {};
    assert.strictEqual(Reflect.get(warnings[0] ?? {}, 'code'), 'ERR_MMAP_TRUNCATED');
    assert(message.includes(map.path ?? 'no path'), message);
    map = losing();
    truncated(() => [...map.lines({ encoding: 'utf8' })]);
    map = losing(MmapMut);
    await assert.rejects(collected(map.createReadStream()), { code: 'ERR_MMAP_TRUNCATED' });
    map = losing(MmapCow);
    const cursor = map.cursor(map.length - 10);
    truncated(() => cursor.readByte());
    const path = newFile(LENGTH);
    let reported = false;
    const listened = Mmap.open(path, { onFault: () => (reported = true) });
    truncateSync(path, 1);
    truncated(() => listened.copy(Buffer.alloc(LENGTH)));
    await until(() => reported, 'the listener is called');
    assert.strictEqual(listened.refresh(), true);
    assert.strictEqual(listened.copy(Buffer.alloc(LENGTH)), 1);
  },
};

play(scenarios);
