/** Flushes a map whose first flush fails, then calls every method of it: see the spec. */
import { inspect } from 'node:util';
import { MmapMut } from 'memmap';
import { MEMBERS, membersOf, refusalOf, use, validArguments } from '../methods';

/** Members that end the state that is looked at. */
const ENDING = new Set<string | symbol>(['close', 'refresh', Symbol.dispose]);

async function refusals(map: MmapMut): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for (const [defining, name] of membersOf(map)) {
    if (ENDING.has(name)) continue;
    const { parameters } = MEMBERS[defining]?.[name] ?? {};
    const values = name === inspect.custom ? [0, {}] : validArguments(parameters);
    found[String(name)] = await refusalOf(() => use(map, name, values));
  }
  return found;
}

async function main([path = '', method]: string[]): Promise<void> {
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
