/** Python's mmap over the same file at the same time: each side sees what the other writes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { needs } from '../helpers/gates';
import { pattern, root, temporaryFile } from '../helpers/temporary';

const python = needs('python3');

/** A Python process that has mapped a file. */
class Peer {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(t: ExecutionContext, path: string) {
    const script = join(root, '__test__', 'interop', 'peer.py');
    const child = spawn('python3', [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    t.teardown(() => child.kill());
  }

  /** Has it do one command, and answers when it is done. */
  async does(command: string, ...values: (number | string)[]): Promise<unknown> {
    this.#process.stdin?.write(`${JSON.stringify([command, ...values])}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the Python process has ended');
    return JSON.parse(value);
  }
}

python('what Python’s mmap writes is seen by every kind of map (needs python3)', async (t) => {
  const content = pattern(20_000);
  const path = temporaryFile(t, content);
  const peer = new Peer(t, path);
  for (const { name, open } of [Mmap, MmapMut, MmapCow]) {
    using map = open(path, { offset: 4097 });
    const { buffer } = map;
    t.is(
      buffer[5000 - 4097],
      ((await peer.does('read', 5000, 5001)) as string[])[0]?.charCodeAt(0),
    );
    await peer.does('write', 5000, name);
    t.is(buffer.toString('latin1', 5000 - 4097, 5000 - 4097 + name.length), name);
    await peer.does('write', 19_980, `the ${name}`);
    t.is(map.subarray(19_980 - 4097, 19_984 - 4097 + name.length).toString(), `the ${name}`);
  }
});

python('what a read-write map writes is seen by Python’s mmap (needs python3)', async (t) => {
  const path = temporaryFile(t, pattern(20_000));
  const peer = new Peer(t, path);
  await peer.does('read', 0, 20_000);
  using map = MmapMut.open(path, { offset: 3 });
  map.write('hello', 0);
  t.deepEqual(await peer.does('read', 3, 8), ['hello', 'hello']);
  map.buffer.write('Buffer', 8189);
  t.deepEqual(await peer.does('read', 8192, 8198), ['Buffer', 'Buffer']);
  map.fill('ab', 19_993).copyWithin(100, 19_990);
  t.deepEqual(await peer.does('read', 19_996, 20_000), ['abab', 'abab']);
  map.flushSync();
  using copy = MmapCow.open(path);
  copy.write('private');
  using readOnly = Mmap.open(path);
  readOnly.buffer.write('private', 8192);
  t.deepEqual(await peer.does('read', 3, 8), ['hello', 'hello']);
  t.deepEqual(await peer.does('read', 8192, 8198), ['Buffer', 'Buffer']);
});

python('a file that either side resizes goes on being shared (needs python3)', async (t) => {
  const path = temporaryFile(t, pattern(5000));
  const peer = new Peer(t, path);
  using map = MmapMut.open(path);
  t.is(await peer.does('resize', 12_000), 12_000);
  t.true(map.refresh());
  t.is(map.length, 12_000);
  await peer.does('write', 11_995, 'older');
  t.is(map.subarray(-5).toString(), 'older');
  map.resize(13_000);
  map.write('newer', 11_995);
  await peer.does('flush');
  t.deepEqual(await peer.does('read', 11_995, 12_000), ['newer', 'newer']);
});
