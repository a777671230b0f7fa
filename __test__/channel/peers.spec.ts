/** The peers in Python and C of `examples/`, in both directions. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { Channel } from 'memmap/channel';
import { needs } from '../helpers/gates';
import { sharedFile } from '../helpers/processes';
import { root, temporaryFolder } from '../helpers/temporary';
import { turns } from '../helpers/until';

const SIZE = { lanes: 2, capacity: 4096 };
const source = (name: string) => join(root, 'examples', name);

const PEERS: Record<string, (t: ExecutionContext) => string[]> = {
  python3: () => ['python3', source('channel-peer.py')],
  cc: (t) => {
    const program = join(temporaryFolder(t), 'channel-peer');
    const { status, stderr } = spawnSync(
      'cc',
      ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source('channel-peer.c')],
      { encoding: 'utf8' },
    );
    t.is(status, 0, stderr);
    return [program];
  },
};

/** Lines as the peers take them, and the messages that they mean. */
const LINES = [
  'the first',
  ...Array.from({ length: 300 }, (_, i) => `${(i * 53) % 1100}*x${i}`),
  '0*empty',
  '30000*long',
  '1900*z',
  'end',
];
const MESSAGES = LINES.map((line) => {
  const [, count = '1', text = ''] = /^(?:(\d+)\*)?(.*)$/.exec(line) ?? [];
  return text.repeat(Number(count));
});

for (const [program, command] of Object.entries(PEERS)) {
  const linux = process.platform === 'linux' ? needs(program) : test.skip;
  const run = (t: ExecutionContext, how: string, path: string): ChildProcess => {
    const [file = '', ...args] = command(t);
    const child = spawn(file, [...args, how, path, '2', '12'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 90_000,
      killSignal: 'SIGKILL',
    });
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  };

  linux(
    `a peer receives what is sent: small, long, full ring, asleep (Linux, needs ${program})`,
    async (t) => {
      const { path, map } = sharedFile(t, Channel.bytes(SIZE));
      const sender = new Channel(map, 0, SIZE).sender();
      const child = run(t, 'receive', path);
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
      const received: string[] = [];
      lines.on('line', (line) => received.push(line));
      const ended = once(child, 'close');
      for (const [index, message] of MESSAGES.entries()) {
        // It sleeps now and then.
        if (index % 40 === 0) await turns(200);
        await sender.send(message, { timeout: 60_000 });
      }
      t.deepEqual(await ended, [0, null]);
      t.deepEqual(received, MESSAGES);
      t.is(new Channel(map, 0, SIZE).receiver().tryReceive(), null);
    },
  );

  linux(`a peer sends: small, long, full ring, asleep (Linux, needs ${program})`, async (t) => {
    const { path, map } = sharedFile(t, Channel.bytes(SIZE));
    const channel = new Channel(map, 0, SIZE);
    const receiver = channel.receiver();
    const child = run(t, 'send', path);
    const ended = once(child, 'close');
    child.stdin?.end(LINES.map((line) => `${line}\n`).join(''));
    const received: string[] = [];
    while (received.at(-1) !== 'end') {
      if (received.length % 40 === 0) await turns(200);
      const { data } = await receiver.receive({ timeout: 60_000 });
      received.push(data.toString());
    }
    t.deepEqual(received, MESSAGES);
    t.deepEqual(await ended, [0, null]);
    t.is(receiver.tryReceive(), null);
    t.is(receiver.dropped, 0);
    t.is(channel.sender().lane, 0, 'the lane is free');
  });

  linux(
    `a peer is alive until it is killed, and its lane is free then (Linux, needs ${program})`,
    async (t) => {
      const { path, map } = sharedFile(t, Channel.bytes(SIZE));
      const channel = new Channel(map, 0, SIZE);
      const receiver = channel.receiver();
      const child = run(t, 'send', path);
      const ended = once(child, 'close');
      child.stdin?.write('hello\n');
      t.is((await receiver.receive({ timeout: 60_000 })).data.toString(), 'hello');
      t.is(receiver.tryReceive(), null);
      t.is(channel.sender().lane, 1);
      t.throws(() => channel.sender(), { code: 'ERR_MMAP_FULL' });
      child.kill('SIGKILL');
      await ended;
      t.is(channel.sender().lane, 0);
    },
  );
}

test('the peers need no more than the page of bytes says', (t) => {
  const page = readFileSync(join(root, 'docs', 'channel.md'), 'utf8');
  for (const name of ['channel-peer.py', 'channel-peer.c']) t.true(page.includes(name));
});
