/**
 * A model of the protocol of one lane, for every interleaving of its loads and stores: `docs/channel.md`
 * in small. The producer sends numbered messages, the receiver reads them; both sleep where they
 * find nothing to do. Every access to shared memory, and each of the system's two calls, is one step.
 *
 * A thread is a function from its state to the next one, so that states can be compared and visited
 * once each.
 */

/** What threads share: the words of a lane, and its ring of units. */
export interface Shared {
  tail: number;
  head: number;
  /** Changes: data has come. Bit 0 says that the receiver waits. */
  data: number;
  /** Changes: room has come. Bit 0 says that the producer waits. */
  room: number;
  /** For each unit what stands there: the header of a message, a part of one, or padding. */
  ring: readonly string[];
}

/** One thread: where it is, what it knows, and whether it sleeps. */
export interface Thread {
  at: string;
  /** Its own numbers, by name. */
  own: Readonly<Record<string, number>>;
  /** The word that it sleeps on; undefined while it runs. */
  asleep: 'data' | 'room' | undefined;
}

export interface State {
  shared: Shared;
  producer: Thread;
  receiver: Thread;
  /** What the receiver has delivered. */
  delivered: readonly string[];
}

/** Steps that a faulty protocol would leave out, or do in another order. */
export type Fault =
  | 'none'
  | 'receiver does not look again before it sleeps'
  | 'producer does not look again before it sleeps'
  | 'producer does not wake the receiver'
  | 'receiver does not wake the producer'
  | 'producer stores the tail before the message'
  | 'receiver stores the head before it has read'
  | 'sleeping does not compare the word'
  | 'producer does not look for room';

export interface Model {
  /** The units of the ring. */
  units: number;
  /** The length in units of each message, its header included. */
  messages: readonly number[];
  /** Positions count modulo this, a multiple of `units`. */
  modulus: number;
  fault?: Fault;
}

const running = (at: string, own: Thread['own']): Thread => ({ at, own, asleep: undefined });

function withShared(state: State, change: Partial<Shared>): State {
  return { ...state, shared: { ...state.shared, ...change } };
}

/** futex(2): sleeps if the word has the value that is expected, in one step. */
function sleep(thread: Thread, word: 'data' | 'room', shared: Shared, model: Model): Thread {
  const expected = thread.own[word] ?? 0;
  const isSame = shared[word] === expected || model.fault === 'sleeping does not compare the word';
  return { ...running('look', thread.own), asleep: isSame ? word : undefined };
}

/** One step of the producer; undefined once it has sent all. */
function produce(state: State, model: Model): State | undefined {
  const { producer, shared } = state;
  const { own, at } = producer;
  const { units, messages, modulus, fault } = model;
  const go = (next: string, change: Thread['own'] = {}, from: State = state): State => ({
    ...from,
    producer: running(next, { ...own, ...change }),
  });
  const { number = 0, tail = 0, written = 0 } = own;
  const length = messages[number];
  if (length === undefined) return undefined;
  const left = units - (tail % units);
  const pad = length > left ? left : 0;
  const end = (tail + pad + length) % modulus;
  const fits = (head: number) =>
    fault === 'producer does not look for room' ||
    pad + length <= units - ((tail - head + modulus) % modulus);
  const write = fault === 'producer stores the tail before the message' ? 'publish' : 'write';
  switch (at) {
    case 'look':
      return go(fits(shared.head) ? write : 'announce');
    case 'announce': {
      const room = shared.room | 1;
      const next = fault === 'producer does not look again before it sleeps' ? 'sleep' : 'again';
      return go(next, { room }, withShared(state, { room }));
    }
    case 'again':
      return go(fits(shared.head) ? write : 'sleep');
    case 'sleep':
      return { ...state, producer: sleep(producer, 'room', shared, model) };
    case 'write': {
      // One unit a step, padding first.
      const ring = [...shared.ring];
      const unit = (tail + written) % units;
      if (written === 0 && pad > 0) ring[unit] = 'padding';
      else ring[(tail + pad + written - (pad > 0 ? 1 : 0)) % units] = `${number}`;
      const total = length + (pad > 0 ? 1 : 0);
      const isLast = written + 1 === total;
      const after = fault === 'producer stores the tail before the message' ? 'signal' : 'publish';
      return go(
        isLast ? after : 'write',
        { written: isLast ? 0 : written + 1 },
        withShared(state, { ring }),
      );
    }
    case 'publish':
      return fault === 'producer stores the tail before the message'
        ? go('write', {}, withShared(state, { tail: end }))
        : go('signal', {}, withShared(state, { tail: end }));
    case 'signal': {
      const isWaiting = (shared.data & 1) === 1;
      if (isWaiting && fault !== 'producer does not wake the receiver') {
        return go('count', { seen: shared.data });
      }
      return go('look', { number: number + 1, tail: end });
    }
    case 'count':
      if (shared.data !== own.seen) return go('signal');
      return go('wake', {}, withShared(state, { data: shared.data + 1 }));
    case 'wake': {
      const { receiver } = state;
      const woken = receiver.asleep === 'data' ? { ...receiver, asleep: undefined } : receiver;
      return go('look', { number: number + 1, tail: end }, { ...state, receiver: woken });
    }
    default:
      throw new Error(`the producer is at ${at}`);
  }
}

/** One step of the receiver; undefined once it has delivered all. */
function receive(state: State, model: Model): State | undefined {
  const { receiver, shared } = state;
  const { own, at } = receiver;
  const { units, messages, modulus, fault } = model;
  const go = (next: string, change: Thread['own'] = {}, from: State = state): State => ({
    ...from,
    receiver: running(next, { ...own, ...change }),
  });
  const { head = 0, seenTail = 0, read = 0, intact = 1 } = own;
  const number = state.delivered.length;
  const length = messages[number];
  if (length === undefined && at === 'look') return undefined;
  const reads = fault === 'receiver stores the head before it has read' ? 'acknowledge' : 'read';
  switch (at) {
    case 'look':
      if (shared.tail !== head) return go(reads, { seenTail: shared.tail });
      return go('announce');
    case 'announce': {
      const data = shared.data | 1;
      const isBlind = fault === 'receiver does not look again before it sleeps';
      return go(isBlind ? 'sleep' : 'again', { data }, withShared(state, { data }));
    }
    case 'again':
      if (shared.tail !== head) return go(reads, { seenTail: shared.tail });
      return go('sleep');
    case 'sleep':
      return { ...state, receiver: sleep(receiver, 'data', shared, model) };
    case 'read': {
      const unit = shared.ring[(head + read) % units];
      const isEarly = fault === 'receiver stores the head before it has read';
      if (read === 0 && unit === 'padding') {
        const next = (head + units - (head % units)) % modulus;
        return go(next === seenTail ? 'look' : 'read', { head: next });
      }
      const isIntact = intact === 1 && unit === `${number}` ? 1 : 0;
      if (read + 1 < (length ?? 0)) return go('read', { read: read + 1, intact: isIntact });
      const next = go(isEarly ? 'room' : 'acknowledge', {
        read: 0,
        intact: 1,
        head: (head + (length ?? 0)) % modulus,
      });
      return { ...next, delivered: [...state.delivered, isIntact ? `${number}` : 'torn'] };
    }
    case 'acknowledge': {
      if (fault !== 'receiver stores the head before it has read') {
        return go('room', {}, withShared(state, { head }));
      }
      const left = units - (head % units);
      const skipped = (length ?? 0) > left ? left : 0;
      return go(
        'read',
        {},
        withShared(state, { head: (head + skipped + (length ?? 0)) % modulus }),
      );
    }
    case 'room': {
      // Half the ring is free at least, or the producer sleeps on.
      const used = (seenTail - head + modulus) % modulus;
      const isWaiting = (shared.room & 1) === 1 && used <= units / 2;
      if (isWaiting && fault !== 'receiver does not wake the producer') {
        return go('count', { seen: shared.room });
      }
      return go(head === seenTail ? 'look' : reads);
    }
    case 'count':
      if (shared.room !== own.seen) return go('room');
      return go('wake', {}, withShared(state, { room: shared.room + 1 }));
    case 'wake': {
      const { producer } = state;
      const woken = producer.asleep === 'room' ? { ...producer, asleep: undefined } : producer;
      return go(head === seenTail ? 'look' : reads, {}, { ...state, producer: woken });
    }
    default:
      throw new Error(`the receiver is at ${at}`);
  }
}

/** What exploring every interleaving has found. */
export interface Exploration {
  /** How many different states there are. */
  states: number;
  /** How many of them are ends. */
  ends: number;
  /** What went wrong first, and the steps that lead there. */
  failure?: { what: string; steps: string[] };
}

/** Visits every state that any interleaving reaches. */
export function explore(model: Model): Exploration {
  const begin: State = {
    shared: { tail: 0, head: 0, data: 0, room: 0, ring: Array(model.units).fill('') },
    producer: running('look', {}),
    receiver: running('look', {}),
    delivered: [],
  };
  const seen = new Set([JSON.stringify(begin)]);
  const stack: { state: State; steps: string[] }[] = [{ state: begin, steps: [] }];
  let ends = 0;
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { state, steps } = entry;
    const fail = (what: string) => ({ states: seen.size, ends, failure: { what, steps } });
    if (state.delivered.some((message, number) => message !== `${number}`)) {
      return fail('a message was torn, lost or came twice');
    }
    const { producer, receiver } = state;
    const next = [
      producer.asleep ? undefined : { who: `producer ${producer.at}`, to: produce(state, model) },
      receiver.asleep ? undefined : { who: `receiver ${receiver.at}`, to: receive(state, model) },
    ].filter((step) => step?.to !== undefined);
    if (next.length === 0) {
      if (state.delivered.length < model.messages.length) return fail('a wake-up was lost');
      ends++;
    }
    for (const step of next) {
      if (step?.to === undefined) continue;
      const key = JSON.stringify(step.to);
      if (seen.has(key)) continue;
      seen.add(key);
      stack.push({ state: step.to, steps: [...steps, step.who] });
    }
  }
  return { states: seen.size, ends };
}
