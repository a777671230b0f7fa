/**
 * Random sequences of operations on a lock by three workers, one at a time, beside a model of what may
 * happen: which owners may share it, that a free lock goes to a waiter, and which owner must be told
 * of a death. The same seed plays the same operations.
 */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { MmapMut } from 'memmap';
import { startWorker } from '../helpers/processes';
import type { Random } from '../helpers/random';
import { newPath } from '../helpers/scratch';
import { until } from '../helpers/until';
import { type Scenario, THREADS_UNSEEN } from './scenario';

const WORKERS = 3;
const PERMITS = 2;

/**
 * The ways to hold a lock: how to take it, and whether two may hold it so at the same time, or one
 * worker twice.
 */
interface Kind {
  take: string;
  try: string;
  shared: boolean;
  again?: boolean;
}

const LOCKS: Record<string, { make: string; most: number; kinds: Kind[] }> = {
  Mutex: {
    make: 'new sync.Mutex(map, 0)',
    most: 1,
    kinds: [{ take: 'lock', try: 'tryLock', shared: false }],
  },
  ReentrantMutex: {
    make: 'new sync.ReentrantMutex(map, 0)',
    most: 60,
    kinds: [{ take: 'lock', try: 'tryLock', shared: false, again: true }],
  },
  Semaphore: {
    make: `new sync.Semaphore(map, 0, ${PERMITS})`,
    most: PERMITS,
    kinds: [{ take: 'acquire', try: 'tryAcquire', shared: true }],
  },
  RwLock: {
    make: 'new sync.RwLock(map, 0)',
    most: 60,
    kinds: [
      { take: 'read', try: 'tryRead', shared: true },
      { take: 'write', try: 'tryWrite', shared: false },
    ],
  },
};

/** What a worker does when it is told to. */
const OBEY = (make: string) => `
  const make = (map) => ${make};
  let current = map;
  let lock = make(current);
  const guards = new Map();
  const aborts = new Map();
  parentPort.on('message', async ({ id, what, method }) => {
    const tell = (event, rest) => parentPort.postMessage({ id, event, ...rest });
    if (what === 'try') {
      const guard = lock[method]();
      if (guard) guards.set(id, guard);
      tell('tried', { got: guard !== null, abandoned: guard?.abandoned });
    } else if (what === 'take') {
      const abort = new AbortController();
      aborts.set(id, abort);
      const its = current;
      lock[method]({ signal: abort.signal }).then((guard) => {
        // Granted in the moment before its map was closed, which has released it.
        if (its.closed) return tell('ended');
        guards.set(id, guard);
        tell('granted', { abandoned: guard.abandoned });
      }, (error) => {
        const isExpected = error.name === 'AbortError' || error.code === 'ERR_MMAP_CLOSED';
        tell(isExpected ? 'ended' : String(error));
      });
      tell('taking');
    } else if (what === 'close') {
      const closes = guards.size === 0;
      if (closes) {
        current.close();
        current = MmapMut.open(current.path);
        lock = make(current);
      }
      tell('closed', { got: closes });
    } else if (what === 'abort') {
      aborts.get(id).abort();
    } else {
      const guard = guards.get(id);
      'unlock' in guard ? guard.unlock() : guard.release();
      guards.delete(id);
      tell('freed');
    }
  });
  parentPort.postMessage({ event: 'ready' });`;

interface Message {
  id: number;
  event: string;
  got?: boolean;
  abandoned?: boolean;
}

interface Hold {
  worker: number;
  kind: Kind;
}

/** One lock, its workers, and what is known of them. */
class Game {
  readonly #name: string;
  readonly #random: Random;
  readonly #path: string;
  readonly #workers: Worker[] = [];
  /** What these still say counts no more: they are being terminated. */
  readonly #dying = new Set<Worker>();
  readonly #held = new Map<number, Hold>();
  readonly #waiting = new Map<number, Hold>();
  readonly #replies = new Map<number, (message: Message) => void>();
  #failure: Error | undefined;
  /** How many owners died of which no later owner was told yet. */
  #untold = 0;
  #lastId = 0;

  constructor(name: string, random: Random, path: string) {
    this.#name = name;
    this.#random = random;
    this.#path = path;
  }

  get #lock() {
    const lock = LOCKS[this.#name];
    assert(lock);
    return lock;
  }

  async #hire(index: number): Promise<void> {
    const worker = startWorker(this.#path, OBEY(this.#lock.make));
    this.#workers[index] = worker;
    await once(worker, 'message');
    worker.on('message', (message: Message) => {
      if (this.#dying.has(worker)) return;
      try {
        this.#hear(message, index);
      } catch (error) {
        this.#failure ??= error as Error;
      }
    });
  }

  /** Whether the worker can take the lock in this way beside its present owners. */
  #fits({ kind: { shared, again }, worker }: Hold): boolean {
    const held = [...this.#held.values()];
    return (
      held.length < this.#lock.most &&
      held.every((hold) => (shared && hold.kind.shared) || (again && hold.worker === worker))
    );
  }

  #grant(id: number, hold: Hold, abandoned: boolean | undefined): void {
    assert(this.#fits(hold), `${hold.kind.take} was granted beside ${this.#held.size} others`);
    if (abandoned) {
      assert(this.#untold > 0, 'abandoned, though no owner died');
      this.#untold--;
    }
    this.#held.set(id, hold);
  }

  #hear(message: Message, worker: number): void {
    const { id, event } = message;
    if (event === 'granted' && this.#waiting.get(id)?.worker === worker) {
      const hold = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (hold) this.#grant(id, hold, message.abandoned);
    } else if (event === 'ended') {
      this.#waiting.delete(id);
    } else {
      const reply = this.#replies.get(id);
      assert(reply, `unexpected: ${event}`);
      this.#replies.delete(id);
      reply(message);
    }
  }

  #tell(worker: number, id: number, what: string, method = ''): Promise<Message> {
    const reply = new Promise<Message>((done) => this.#replies.set(id, done));
    this.#workers[worker]?.postMessage({ id, what, method });
    return reply;
  }

  /** Waits until every waiter that must get the lock has it. */
  async #settle(): Promise<void> {
    const settled = () => this.#waiting.size === 0 || !this.#mustMove();
    await until(() => this.#failure !== undefined || settled(), 'a waiter gets the lock');
    if (this.#failure) throw this.#failure;
  }

  /** Whether at least one waiter can have it. */
  #mustMove(): boolean {
    const waiting = [...this.#waiting.values()];
    if (this.#held.size === 0) return true;
    // A reader may have to wait for a waiting writer.
    if (waiting.some(({ kind }) => !kind.shared && !kind.again)) return false;
    return waiting.some((hold) => this.#fits(hold));
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const worker = random.below(WORKERS);
    const id = ++this.#lastId;
    const choice = random.below(100);
    const kind = random.pick(this.#lock.kinds);
    if (choice < 25) {
      const free = this.#waiting.size === 0 && this.#fits({ worker, kind });
      const { got, abandoned } = await this.#tell(worker, id, 'try', kind.try);
      if (got) this.#grant(id, { worker, kind }, abandoned);
      else assert(!free, `${kind.try} was refused, though no owner was in its way`);
    } else if (choice < 55) {
      if (this.#waiting.size > 8) return;
      this.#waiting.set(id, { worker, kind });
      await this.#tell(worker, id, 'take', kind.take);
    } else if (choice < 85) {
      const ids = [...this.#held.keys()];
      if (ids.length === 0) return;
      const freed = random.pick(ids);
      const hold = this.#held.get(freed);
      assert(hold);
      this.#held.delete(freed);
      await this.#tell(hold.worker, freed, 'free');
    } else if (choice < 94) {
      const ids = [...this.#waiting.keys()];
      if (ids.length === 0) return;
      const aborted = random.pick(ids);
      const hold = this.#waiting.get(aborted);
      assert(hold);
      this.#workers[hold.worker]?.postMessage({ id: aborted, what: 'abort' });
      await until(
        () => !this.#waiting.has(aborted) || this.#failure !== undefined,
        'the wait ends',
      );
    } else if (choice < 97 || THREADS_UNSEEN) await this.#close(worker);
    else await this.#kill(worker);
  }

  /** Has a worker close its map: its waits end, and nothing of them is in the others' way. */
  async #close(worker: number): Promise<void> {
    const { got } = await this.#tell(worker, ++this.#lastId, 'close');
    const isWaiting = () => [...this.#waiting.values()].some((hold) => hold.worker === worker);
    if (got) await until(() => !isWaiting() || !!this.#failure, 'the waits of a closed map end');
  }

  async #kill(worker: number): Promise<void> {
    const victim = this.#workers[worker];
    if (victim) this.#dying.add(victim);
    // A waiter that is granted the lock at this moment may die with it, and a later owner be told.
    for (const [id, hold] of this.#waiting) {
      if (hold.worker !== worker) continue;
      this.#waiting.delete(id);
      this.#untold++;
    }
    for (const [id, hold] of this.#held) {
      if (hold.worker !== worker) continue;
      this.#held.delete(id);
      this.#untold++;
    }
    await victim?.terminate();
    await this.#hire(worker);
  }

  async play(steps: number): Promise<void> {
    try {
      for (let i = 0; i < WORKERS; i++) await this.#hire(i);
      for (let i = 0; i < steps; i++) {
        await this.#step();
        await this.#settle();
      }
    } finally {
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
  }
}

/** Random operations beside a model. */
export const interleavings: Scenario = {
  name: 'interleavings',
  smallSize: 600,
  fullSize: 30_000,
  async run({ random, size, log }) {
    for (const name of Object.keys(LOCKS)) {
      const path = newPath();
      MmapMut.create(path, 4096).close();
      try {
        await new Game(name, random, path).play(Math.ceil(size / 3));
        log(`${name}: ${Math.ceil(size / 3)} operations`);
      } finally {
        rmSync(path);
      }
    }
  },
};
