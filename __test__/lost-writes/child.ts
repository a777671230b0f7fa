/** Flushes a map whose first flush fails, then calls every method of it: see the spec. */
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { MmapMut } from 'memmap';
import { errorsOf, refusalOf } from '../helpers/methods';
import { until } from '../helpers/until';

/** How each member is refused; null where it works. Those that work on a closed map by themselves. */
async function refusals(map: MmapMut) {
  const looking: Record<string, string | null> = {};
  const others: Record<string, string | null> = {};
  for (const [name, { error, worksLost }] of await errorsOf(map)) {
    const refusal = error instanceof Error ? `${error.name} ${Reflect.get(error, 'code')}` : null;
    (worksLost ? others : looking)[name] = refusal;
  }
  return { looking, others };
}

async function flushThenRefresh(path: string): Promise<void> {
  const map = MmapMut.open(path);
  map.write('lost?');
  const { MSYNC_GATE: gate = '' } = process.env;
  const flushing = map.flush();
  await until(() => existsSync(gate), 'the flush is in msync');
  truncateSync(path, map.length - 1);
  map.refresh();
  rmSync(gate);
  const first = await refusalOf(() => flushing);
  const then = await refusalOf(() => map.flush());
  map.close();
  console.log(JSON.stringify({ first, then }));
}

async function main([path = '', method]: string[]): Promise<void> {
  if (method === 'flush, then refresh') return flushThenRefresh(path);
  const map = MmapMut.open(path);
  const { buffer } = map;
  map.write('lost?');
  const flush = () => (method === 'flush' ? map.flush(0, 10) : map.flushSync(0, 10));
  const error = await Promise.resolve()
    .then(flush)
    .then(() => null)
    .catch(({ name, code, message, syscall, errno, path }) => ({
      name,
      code,
      message,
      syscall,
      errno,
      path,
    }));
  const after = await refusals(map);
  const held = buffer.length;
  const refreshed = map.refresh();
  const detached = buffer.length;
  const refreshedAgain = map.refresh();
  const afterRefresh = await refusals(map);
  const flushed = await refusalOf(flush);
  map.close();
  console.log(
    JSON.stringify({
      error,
      after,
      held,
      refreshed,
      detached,
      refreshedAgain,
      afterRefresh,
      flushed,
    }),
  );
}

main(process.argv.slice(2));
