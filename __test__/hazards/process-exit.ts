/** The process ends while maps are open: by returning, by process.exit, by an uncaught error. */
import { Mmap, MmapCow, MmapMut } from 'memmap';
import { newFile } from '../helpers/scratch';
import { survived } from './tools';

const path = newFile(8 << 20);
const closed = MmapMut.open(path);
const maps = [Mmap.open(path), MmapMut.open(path), MmapCow.open(path), MmapMut.anonymous(1 << 20)];
// Held until the end, and one of them by a closed map.
Reflect.set(globalThis, 'kept', [closed.buffer, maps, maps.map((map) => map.buffer)]);
closed.close();
const writable = maps[1] as MmapMut;
writable.buffer.fill(0x67);
writable.flush().catch(() => {});
for (let page = 0; page < 1000; page++) writable.read(page, page + 1).catch(() => {});
const searched = MmapMut.anonymous(process.argv[2] === undefined ? 2 ** 26 : 2 ** 31);
searched.count(/nobody[0-9]/, { concurrency: 4 }).catch(() => {});
survived();
if (process.argv[2] === 'exit') process.exit(7);
if (process.argv[2] === 'throw') throw new Error('on purpose');
