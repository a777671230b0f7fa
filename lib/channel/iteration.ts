/** Iterating over what a receiver receives. */

/** How an iteration gets its next value. */
export interface Source<Result> {
  /** Whether there will be none: the receiver is closed. */
  isOver: () => boolean;
  /** What there is at once. */
  now: () => Result | undefined;
  /** What comes. */
  soon: () => Promise<Result>;
  /** Called where the loop is left. */
  leave: () => void;
}

/** The end of an iteration. */
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Resolves at the next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Looks at every turn of the event loop, until there is something or the time `end` has come. */
export async function lookUntil<Result>(
  end: number,
  signal: AbortSignal | undefined,
  attempt: () => Result | undefined,
): Promise<Result | undefined> {
  do {
    await turn();
    const found = signal?.aborted ? undefined : attempt();
    if (found !== undefined) return found;
  } while (!signal?.aborted && performance.now() < end);
  return undefined;
}

/** Iterates until the source is over. */
export function iterate<Result>(source: Source<Result>): AsyncIterableIterator<Result> {
  let isLeft = false;
  const step = async (): Promise<IteratorResult<Result, undefined>> => {
    if (isLeft || source.isOver()) return DONE;
    try {
      const value = source.now();
      if (value !== undefined) return { done: false, value };
      return { done: false, value: await source.soon() };
    } catch (error) {
      if (source.isOver()) return DONE;
      throw error;
    }
  };
  return {
    next: step,
    return: async () => {
      isLeft = true;
      if (!source.isOver()) source.leave();
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
