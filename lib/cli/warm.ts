/** `memmap warm` and `memmap evict`: files into memory, and out of it. */
import { native } from '../base/native';
import { Mmap } from '../index';
import { readArguments } from './arguments';
import { forEach } from './files';
import { type Output, percent, size } from './output';
import { toldOrNull, UNTOLD } from './residency';

/** How often the line on the terminal changes, in ms. */
const REFRESH = 100;

/** What a shell expects of a program that SIGINT has ended. */
const INTERRUPTED = 130;

type Work = (
  map: Mmap,
  options: { signal: AbortSignal; onProgress: (done: number, total: number) => void },
) => Promise<void>;

async function all(
  args: string[],
  output: Output,
  [did, work]: [did: string, work: Work],
): Promise<number> {
  const { positionals } = readArguments(args, output);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  try {
    const well = await forEach(positionals, output, async (path) => {
      using map = Mmap.open(path);
      const began = performance.now();
      let shown = began;
      const onProgress = (done: number, total: number) => {
        const now = performance.now();
        if (now - shown < REFRESH) return;
        shown = now;
        const rate = done / ((now - began) / 1000);
        const left = Math.ceil((total - done) / rate);
        output.live(
          `${path}  ${size(done)} of ${size(total)} (${percent(done, total)})  ` +
            `${size(rate)}/s  ${left} s left`,
        );
      };
      await work(map, { signal: interrupt.signal, onProgress });
      const seconds = (performance.now() - began) / 1000;
      const pages = Math.ceil(map.length / native.pageSize());
      const residentPages = toldOrNull(() => map.residency().residentPages);
      await (output.json
        ? output.value({ path, size: map.length, seconds, pages, residentPages })
        : output.line(
            `${path}: ${did} ${size(map.length)} in ${seconds.toFixed(2)} s; ` +
              (residentPages === null
                ? `in memory: ${UNTOLD}`
                : `${percent(residentPages, pages)} of it is in memory`),
          ));
    });
    return well ? 0 : 2;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    output.error('interrupted; what was done stays done');
    return INTERRUPTED;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

export async function warm(args: string[], output: Output): Promise<number> {
  return all(args, output, ['read', (map, options) => map.prefetch(0, map.length, options)]);
}

export async function evict(args: string[], output: Output): Promise<number> {
  return all(args, output, ['dropped', (map, options) => map.evict(0, map.length, options)]);
}
