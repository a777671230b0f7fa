/**
 * The scenarios and how each must end. The ava suite runs them under Node.js, the smoke suite under
 * every runtime.
 */
import assert from 'node:assert';
import { run, type Start, SURVIVED } from '../helpers/run';

/** One scenario. */
export interface Hazard extends Start {
  title: string;
  scenario: string;
  arguments: string[];
  /** Why it cannot run here. */
  impossible?: string | undefined;
  /** How it ends; if undefined: with code 0, saying that it survived. */
  ends?: { code: number | null; signal: NodeJS.Signals | null; says: RegExp } | undefined;
}

const { bun, deno } = process.versions;
const node = bun || deno ? null : Number.parseInt(process.versions.node, 10);

const needsLinux = process.platform === 'linux' ? undefined : 'asks /proc of Linux';
const needsFifo = process.platform === 'win32' ? 'Windows has no FIFOs in its folders' : undefined;
const needsTransfer =
  'transfer' in ArrayBuffer.prototype ? undefined : 'no ArrayBuffer.prototype.transfer here';

/** What becomes of a zlib job that comes back to a detached Buffer for its next chunk. */
function zlibEnd(): Hazard['ends'] {
  // Bun detaches no Buffer that a job uses; Deno has compressed before it returns.
  if (node === null) return undefined;
  if (node >= 22) return { code: 1, signal: null, says: /ERR_OUT_OF_RANGE/ };
  const says = /Assertion failed: Buffer::IsWithinBounds/;
  // Node's abort is an exit with this code where there are no signals.
  if (process.platform === 'win32') return { code: 134, signal: null, says };
  return { code: null, signal: 'SIGABRT', says };
}

const zlibTitle = {
  20: 'aborts Node.js 20 by its own assertion',
  22: 'is an uncaught ERR_OUT_OF_RANGE of Node.js 22 and later',
  other: 'does no harm in Bun and Deno',
}[node === null ? 'other' : node >= 22 ? 22 : 20];

/** A scenario with what is usual. */
export function hazard(
  title: string,
  scenario: string,
  args: string[] = [],
  more: Pick<Hazard, 'impossible' | 'ends' | keyof Start> = {},
): Hazard {
  return { title, scenario, arguments: args, ...more };
}

export const hazards: Hazard[] = [
  ...Object.entries({
    close: 'a pending fs.read into a Buffer of a map that closes reaches no other memory',
    resize: 'a pending fs.read into a Buffer of a map that is made shorter reaches no other memory',
    refresh: 'a pending fs.read into a Buffer of a truncated map reaches no other memory',
    grow: 'a pending fs.read into a Buffer of a map that grows reaches its file',
    drop: 'a pending fs.read into a Buffer keeps its dropped map',
  }).map(([how, title]) => hazard(title, 'pending-read', [how], { impossible: needsFifo })),
  hazard(
    'a pending fs.read into a transferred ArrayBuffer of a map that closes reaches no other memory',
    'pending-read',
    ['transfer'],
    { impossible: needsFifo ?? needsTransfer },
  ),
  hazard('a zlib job over a map that closes ends well where it needs no second chunk', 'zlib-job', [
    'one-chunk',
  ]),
  hazard(
    `a zlib job in several chunks over a map that closes ${zlibTitle}`,
    'zlib-job',
    ['chunks', 'map'],
    { ends: zlibEnd() },
  ),
  hazard(
    `a zlib job in several chunks over a detached Buffer, no map anywhere, ${zlibTitle}, too`,
    'zlib-job',
    ['chunks', 'own'],
    { ends: zlibEnd() },
  ),
  hazard(
    'an ArrayBuffer moved by transfer() shows zeros after close and never the file',
    'stolen',
    ['transfer'],
    { impossible: needsTransfer },
  ),
  hazard(
    'an ArrayBuffer shortened by transfer(n) is a copy that outlives the map',
    'stolen',
    ['transfer-shorter'],
    { impossible: needsTransfer },
  ),
  hazard(
    'an ArrayBuffer lengthened by transfer(n) is a copy that outlives the map',
    'stolen',
    ['transfer-longer'],
    { impossible: needsTransfer },
  ),
  hazard('structuredClone with transfer steals no file', 'stolen', ['clone']),
  hazard('postMessage with transfer steals no file', 'stolen', ['message']),
  hazard(
    'workers alone load the addon and end by themselves, by process.exit, an error and terminate()',
    'workers',
    ['alone'],
  ),
  hazard(
    'workers end with maps and a pending flush beside a main thread that has the addon, too',
    'workers',
    ['beside'],
  ),
  hazard('dropped maps are unmapped once their last Buffer is gone', 'collected', [], {
    impossible: needsLinux,
  }),
  hazard('maps of one loop leave no kernel maps and no descriptors', 'many', [], {
    impossible: needsLinux,
    environment: { MALLOC_TOP_PAD_: String(64 << 20) },
  }),
  hazard('close releases the file though Buffers are kept', 'release', [], {
    impossible: needsLinux,
  }),
  hazard('the event loop is free while 256 MiB are flushed', 'flush', ['free']),
  hazard('close ends a running flush', 'flush', ['close']),
  hazard(
    'searches in bytes that change meanwhile answer, and print nothing',
    'changing-bytes',
    [],
    {
      // Nothing before it on stderr.
      ends: { code: 0, signal: null, says: new RegExp(`^\n${SURVIVED}\n$`) },
    },
  ),
  hazard('a channel in anonymous memory joins a thread and its worker', 'channel', ['worker']),
  hazard('a channel in a file joins two processes', 'channel', ['process']),
  hazard('a process ends with maps open', 'process-exit'),
  hazard('process.exit ends a process with maps open', 'process-exit', ['exit'], {
    ends: { code: 7, signal: null, says: /survived/ },
  }),
  hazard('an uncaught error ends a process with maps open', 'process-exit', ['throw'], {
    ends: { code: 1, signal: null, says: /on purpose/ },
  }),
];

/** Runs a scenario in a child process and asserts how it ended. */
export async function face(hazard: Hazard): Promise<void> {
  const { scenario, arguments: args, ends } = hazard;
  const { code, signal, stdout, stderr } = await run(`hazards/${scenario}`, args, hazard);
  const wanted = ends ?? { code: 0, signal: null, says: new RegExp(`${SURVIVED}\n$`) };
  const all = `${stderr}\n${stdout}`;
  assert.deepStrictEqual(
    { code, signal },
    { code: wanted.code, signal: wanted.signal },
    `${scenario} ${args} ended with code ${code}, signal ${signal}:\n${all}`,
  );
  assert.match(all, wanted.says);
}
