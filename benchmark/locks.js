/**
 * What a mutex costs, beside Python's `multiprocessing`: uncontended; with two processes
 * that want it as often as they can; and passing a turn to and fro between two processes.
 */
const { join } = require('node:path');
const { MmapMut } = require('memmap');
const { Barrier, Condition, Mutex } = require('memmap/sync');
const { memmapPeer, missing, pythonPeer } = require('./peers');
const { contend, passTurns } = require('./peers/locks');

const ROUNDS = 15;
const UNCONTENDED = 500_000;
const CONTENDED = 20_000;
const TURNS = 2_000;

function uncontended(mutex) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < UNCONTENDED; i++) {
    mutex.lockSync();
    mutex.unlock();
  }
  return Number(process.hrtime.bigint() - start) / UNCONTENDED;
}

/** What `using guard = mutex.lockSync()` does at the end of its block. */
function guarded(mutex) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < UNCONTENDED; i++) mutex.lockSync().unlock();
  return Number(process.hrtime.bigint() - start) / UNCONTENDED;
}

/** Does `work` here and in the peer, from the same moment on. The answer is what both counted. */
async function together(peer, barrier, words, count, work) {
  words[1] = 0;
  const other = peer.run(count);
  await barrier.wait();
  const start = process.hrtime.bigint();
  work();
  barrier.waitSync();
  const time = Number(process.hrtime.bigint() - start) / (2 * count);
  await other;
  return { time, answer: words[1] };
}

exports.title = 'Locks';
exports.about =
  "Locks and unlocks a mutex in memory that two processes share, beside Python's multiprocessing.";

exports.run = async ({ folder, comparisons }) => {
  const path = join(folder, 'locks');
  const map = MmapMut.create(path, 4096);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const barrier = new Barrier(map, 16, 2);
  /** Whose turn it is, and what was counted under the lock. */
  const words = map.view(Int32Array, 32, 2);
  const [contender, partner] = ['contend', 'passTurns'].map((way) =>
    memmapPeer('locks', path, way),
  );
  const pythons = [];
  const compare = async (what, command, run, python) => {
    const peer = pythonPeer('locks', python.way);
    pythons.push(peer);
    await comparisons.compare(
      what,
      {
        memmap: { command, run },
        "Python's multiprocessing": {
          command: python.command,
          run: peer && (() => peer.run(python.count)),
          missing: missing('python3'),
          atMost: python.atMost,
        },
      },
      { rounds: ROUNDS },
    );
  };
  try {
    await compare(
      'lock and unlock, uncontended',
      'mutex.lockSync(); mutex.unlock()',
      () => uncontended(mutex),
      {
        way: 'uncontended',
        command: 'lock.acquire(); lock.release()',
        count: UNCONTENDED,
        atMost: 0.5,
      },
    );
    await compare('the same with a guard', 'using guard = mutex.lockSync()', () => guarded(mutex), {
      way: 'guarded',
      command: 'with lock: pass',
      count: UNCONTENDED,
      atMost: 0.5,
    });
    await compare(
      'lock and unlock, two processes at once',
      'guard = mutex.lockSync(); count++; guard.unlock()',
      () => together(contender, barrier, words, CONTENDED, () => contend(mutex, words, CONTENDED)),
      {
        way: 'contend',
        command: 'lock.acquire(); count += 1; lock.release()',
        count: CONTENDED,
        atMost: 1,
      },
    );
    await compare(
      'pass a turn between two processes',
      'condition.waitSync(guard); condition.notify()',
      () =>
        together(partner, barrier, words, TURNS, () =>
          passTurns(mutex, condition, words, 0, TURNS),
        ),
      {
        way: 'pass_turns',
        command: 'condition.wait(); condition.notify()',
        count: TURNS,
        atMost: 1,
      },
    );
  } finally {
    for (const running of [contender, partner, ...pythons]) running?.stop();
    map.close();
  }
};
