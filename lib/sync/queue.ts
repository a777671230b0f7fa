import type { NativeMutableMap } from '../base/native';
import { Callbacks } from '../memory/callbacks';
import type { Memory } from '../memory/memory';
import { type Outcome, until } from '../memory/waiting';

/**
 * The promises of this JavaScript thread that wait for the same thing, in the order of their calls.
 * Only the first of them waits for the word: else a thousand would wake, try and wait again each
 * time.
 */
export class Queue {
  readonly #waiting = new Callbacks<Outcome>();
  #occupied = false;

  /** Makes the caller the first, unless there is one. */
  enter(): boolean {
    if (this.#occupied) return false;
    this.#occupied = true;
    return true;
  }

  /** Waits to be made the first. */
  wait(memory: Memory<NativeMutableMap>, timeout: number, signal?: AbortSignal): Promise<Outcome> {
    return until(memory, timeout, signal, (settle) => {
      const waiter = this.#waiting.add(settle);
      return () => waiter.remove();
    });
  }

  /** Makes the next one the first. */
  leave(): void {
    const next = this.#waiting.first;
    next?.remove();
    if (next === undefined) this.#occupied = false;
    else next.call('changed');
  }
}

const queues = new WeakMap<Memory<NativeMutableMap>, Map<number, Queue>>();

/** The queue for what is at `offset` of a map. */
export function queueFor(memory: Memory<NativeMutableMap>, offset: number): Queue {
  let queueAt = queues.get(memory);
  if (queueAt === undefined) {
    queueAt = new Map();
    queues.set(memory, queueAt);
  }
  let queue = queueAt.get(offset);
  if (queue === undefined) {
    queue = new Queue();
    queueAt.set(offset, queue);
  }
  return queue;
}
