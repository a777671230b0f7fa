/**
 * What a mutex costs, beside Python's `multiprocessing`: uncontended; with two processes
 * that want it as often as they can; and passing a turn to and fro between two processes.
 */
const { join } = require('node:path');
const { MmapMut } = require('memmap');
const { Barrier, Condition, Mutex } = require('memmap/sync');
const { memmapPeer, pythonPeer } = require('./peers');
const { inTurns } = require('./rounds');
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

/** Does `work` here and in the peer, from the same moment on. */
async function together(peer, barrier, count, work) {
  const other = peer.run(count);
  await barrier.wait();
  const start = process.hrtime.bigint();
  work();
  barrier.waitSync();
  const time = Number(process.hrtime.bigint() - start) / (2 * count);
  await other;
  return time;
}

exports.run = async (folder) => {
  const path = join(folder, 'locks');
  const map = MmapMut.create(path, 4096);
  const mutex = new Mutex(map, 0);
  const condition = new Condition(map, 8);
  const barrier = new Barrier(map, 16, 2);
  const turn = map.view(Int32Array, 32, 1);
  const peers = ['contend', 'passTurns'].map((what) => memmapPeer('locks', path, what));
  const python = ['uncontended', 'guarded', 'contend', 'pass_turns'].map((what) =>
    pythonPeer('locks', what),
  );
  const counts = [UNCONTENDED, UNCONTENDED, CONTENDED, TURNS];
  const pythons = python.map((peer, index) => peer && (() => peer.run(counts[index])));
  try {
    const alone = await inTurns({ memmap: () => uncontended(mutex), python: pythons[0] }, ROUNDS);
    const guards = await inTurns({ memmap: () => guarded(mutex), python: pythons[1] }, ROUNDS);
    const contended = await inTurns(
      {
        memmap: () => together(peers[0], barrier, CONTENDED, () => contend(mutex, CONTENDED)),
        python: pythons[2],
      },
      ROUNDS,
    );
    const turns = await inTurns(
      {
        memmap: () =>
          together(peers[1], barrier, TURNS, () => passTurns(mutex, condition, turn, 0, TURNS)),
        python: pythons[3],
      },
      ROUNDS,
    );
    const peer = 'Python multiprocessing';
    const row = (what, times, atMost) => ({
      what,
      peer,
      times: times.memmap,
      peerTimes: times.python,
      atMost,
    });
    return [
      row('lock and unlock, uncontended', alone, 0.5),
      row('the same with a guard (with lock:)', guards, 0.5),
      row('lock and unlock, two processes', contended, 1),
      row('pass a turn between two processes (Condition)', turns, 1),
    ];
  } finally {
    for (const running of [...peers, ...python]) running?.stop();
    map.close();
  }
};
