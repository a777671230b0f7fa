/** The matches in a map of which each is in one line, as grep finds them. */
import { fromNative } from '../base/errors';
import { native } from '../base/native';
import { JobRunner } from '../memory/jobs';
import type { Memory } from '../memory/memory';
import { defaultSearchThreads } from '../memory/threads';
import { type Prepared, readPattern } from './pattern';
import { translateForLines } from './regexp';
import { found } from './windows';

/** The most matches that one job lists: 1 MiB of them. */
const BATCH = 2 ** 17;

/**
 * Compiles what is looked for in each line: a text without line feeds, or an expression, of which
 * {@link translateForLines} says what it means.
 *
 * @throws Rejects with MmapError `ERR_MMAP_UNSUPPORTED`.
 */
export async function prepareForLines(what: string | RegExp): Promise<Prepared> {
  if (typeof what === 'string') return readPattern(what, 'utf8', null).compile();
  const { source, lineTerminator } = translateForLines(what);
  try {
    const pattern = await native.Pattern.regex(source, lineTerminator);
    return { pattern, lengths: [], names: [] };
  } catch (error) {
    throw fromNative(error, null);
  }
}

/**
 * Where the matches begin, in order, some at a time. More than one may be in a line. An expression that
 * can match nothing also matches at the end of a map whose last line has ended, where no line is.
 */
export async function* lineMatches(
  memory: Memory,
  prepared: Prepared,
): AsyncGenerator<Float64Array, void, undefined> {
  const wanted = {
    prepared,
    record: 'offset',
    most: BATCH,
    concurrency: defaultSearchThreads(),
  } as const;
  const runner = new JobRunner(memory, undefined);
  for await (const { matches } of found(runner, memory.range(undefined, undefined), wanted)) {
    yield matches;
  }
}
