/** The scenarios of maps that grow. */
import { MmapMut } from 'memmap';
import { codeOf } from '../helpers/maps';
import { type Hazard, hazard } from './list';

const needsTruncation =
  process.platform === 'win32' ? 'Windows does not truncate mapped files' : undefined;
const needsReserve = process.platform === 'win32' ? 'Windows reserves nothing' : undefined;
const needsLinux = process.platform === 'linux' ? undefined : 'asks /proc of Linux';
const needsSharing =
  codeOf(() => MmapMut.anonymous(1, { shared: true }).close()) === undefined
    ? undefined
    : 'this runtime shares no maps with its workers';

export const growthHazards: Hazard[] = [
  ...['old', 'new'].flatMap((which) => [
    hazard(
      `a file truncated after its map has grown is survived: the ${which} Buffer is touched`,
      'growth',
      [`truncated, ${which} Buffer`],
      { impossible: needsTruncation },
    ),
    hazard(
      `a file truncated under a map with a reserve is survived: the ${which} Buffer is touched`,
      'growth',
      [`truncated with a reserve, ${which} Buffer`],
      { impossible: needsTruncation },
    ),
  ]),
  hazard(
    'pages of a reserve that are touched come alive when the map grows',
    'growth',
    ['touched ahead'],
    { impossible: needsReserve },
  ),
  hazard(
    'a thread that touches a reserve all the while hides no page of a map that grows',
    'growth',
    ['touched by another thread'],
    { impossible: needsReserve ?? needsSharing },
  ),
  hazard(
    'a map grows where the kernel has no mapping left, without its old Buffers',
    'growth',
    ['no mapping left'],
    { impossible: needsLinux },
  ),
  hazard(
    'a map grows where the guard has no place left, without its old Buffers',
    'growth',
    ['no place left'],
    { impossible: needsLinux },
  ),
  hazard(
    'what a search loses in the memory of before is a loss of the map that has grown',
    'growth',
    ['lost by a search in the memory of before'],
    { impossible: needsLinux },
  ),
  hazard(
    'what was lost in a Buffer of before is reported when the Buffer is gone, too',
    'growth',
    ['lost in a Buffer that is gone'],
    { impossible: needsLinux },
  ),
  hazard(
    'a dropped map of many lengths is unmapped with its last Buffer',
    'growth',
    ['dropped unclosed'],
    { impossible: needsLinux },
  ),
];
