/** Parts of a map as Buffers that can be read without waiting for the disk. */
import { checkOptions, checkSignal, type Integer } from '../base/arguments';
import { inParallel, JobRunner } from './jobs';
import type { Memory } from './memory';

/** How to read. */
export interface ReadOptions {
  /** Ends the read when aborted: the promise rejects with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** The bytes that one job reads, and how many jobs one read has at once. */
const CHUNK = 2 ** 20;
const JOBS = 4;

export function tryRead(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
): Buffer | null {
  const [from, to] = memory.range(start, end);
  return memory.call((open) => open.isResident(from, to)) ? memory.bytes(from, to) : null;
}

export async function read(
  memory: Memory,
  start: Integer | undefined,
  end: Integer | undefined,
  options: ReadOptions | undefined,
): Promise<Buffer> {
  const signal = checkSignal(checkOptions(options).signal);
  const range = memory.range(start, end);
  const runner = new JobRunner(memory, signal);
  const bringIn = (from: number, to: number) =>
    runner.runOnThread((open, threads, id) => open.read(threads, id, from, to));
  const [from, to] = range;
  if (to - from <= CHUNK) await bringIn(from, to);
  else {
    await inParallel(runner, range, CHUNK, JOBS, undefined, async (from, to) => {
      await bringIn(from, to);
    });
  }
  return memory.bytes(from, to);
}
