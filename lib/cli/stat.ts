/** `memmap stat`: what of a file is where. */
import { statSync } from 'node:fs';
import { attempt } from '../base/errors';
import { type NativeMap, native } from '../base/native';
import { readArguments } from './arguments';
import { forEach } from './files';
import { bar, grouped, type Output, percent, size } from './output';
import { toldOrNull, UNTOLD } from './residency';

/** The cells of the bar that shows which parts are in memory. */
const CELLS = 60;

interface Report {
  path: string;
  /** In bytes. */
  size: number;
  /** What the file takes of the disk, in bytes; null on Windows, which does not tell. */
  allocated: number | null;
  /** In bytes. */
  pageSize: number;
  pages: number;
  /**
   * Null where the system tells this user nothing: of another user's file, and on Windows, which tells
   * only what a process has in its own working set.
   */
  residentPages: number | null;
  /** Pages that are not on the disk yet; null where the system does not tell. */
  dirtyPages: number | null;
}

/** A part of a file. */
interface Cell {
  pages: number;
  resident: number | null;
  dirty: number | null;
}

/** A file in up to {@link CELLS} parts of whole pages. */
function cells(path: string, map: NativeMap): Cell[] {
  const pageSize = native.pageSize();
  const { length } = map;
  const all = Math.ceil(length / pageSize);
  const count = Math.min(CELLS, all);
  const first = (cell: number) => Math.floor((cell * all) / count);
  // Where the system counts no pages, the map says it page by page.
  let pages: Uint8Array | null | undefined;
  const listed = () =>
    process.platform === 'win32'
      ? null
      : toldOrNull(() => attempt(() => map.resident(0, length), path));
  return Array.from({ length: count }, (_, cell) => {
    const [start, end] = [first(cell), first(cell + 1)];
    const last = Math.min(length, end * pageSize);
    const cached = attempt(() => map.cached(start * pageSize, last), path);
    if (cached !== null) return { pages: end - start, ...cached };
    if (pages === undefined) pages = listed();
    if (pages === null) return { pages: end - start, resident: null, dirty: null };
    let resident = 0;
    for (let page = start; page < end; page++) resident += pages[page] ?? 0;
    return { pages: end - start, resident, dirty: null };
  });
}

function report(path: string, length: number, parts: Cell[]): Report {
  const sum = (count: (part: Cell) => number) =>
    parts.reduce((total, part) => total + count(part), 0);
  /** Null where the system does not tell of some part. */
  const known = (count: (part: Cell) => number | null) =>
    parts.some((part) => count(part) === null) ? null : sum((part) => count(part) ?? 0);
  return {
    path,
    size: length,
    // stat(2): blocks are of 512 bytes, whatever the file system's are.
    allocated: process.platform === 'win32' ? null : statSync(path).blocks * 512,
    pageSize: native.pageSize(),
    pages: sum(({ pages }) => pages),
    residentPages: known(({ resident }) => resident),
    dirtyPages: known(({ dirty }) => dirty),
  };
}

async function print(found: Report, parts: Cell[], output: Output): Promise<void> {
  const { path, pageSize, pages, residentPages, dirtyPages, allocated } = found;
  const rows: [string, string][] = [['size', `${grouped(found.size)} bytes (${size(found.size)})`]];
  if (allocated !== null) {
    const hole = Math.max(0, found.size - allocated);
    rows.push(['on the disk', `${size(allocated)}${hole ? `, holes: ${size(hole)}` : ''}`]);
  }
  if (residentPages !== null) {
    rows.push([
      'in memory',
      `${grouped(residentPages)} of ${grouped(pages)} pages (${percent(residentPages, pages)}, ` +
        `${size(Math.min(found.size, residentPages * pageSize))})`,
    ]);
  } else if (process.platform !== 'win32') {
    rows.push(['in memory', UNTOLD]);
  }
  if (dirtyPages !== null) rows.push(['dirty', `${grouped(dirtyPages)} pages`]);
  if (output.isTerminal && residentPages !== null && pages > 0) {
    rows.push(['map', bar(parts.map(({ resident, pages: of }) => (resident ?? 0) / of))]);
  }
  await output.line(output.style('bold', path));
  await output.rows(rows);
}

export async function stat(args: string[], output: Output): Promise<number> {
  const { positionals } = readArguments(args, output);
  const well = await forEach(positionals, output, async (path) => {
    // Not by way of Mmap, of which most is for other purposes: loading it takes longer than the answer.
    const map = attempt(() => new native.Mmap(path, 0, undefined, 0, false, true), path);
    try {
      const parts = cells(path, map);
      const found = report(path, map.length, parts);
      await (output.json ? output.value(found) : print(found, parts, output));
    } finally {
      map.close();
    }
  });
  return well ? 0 : 2;
}
