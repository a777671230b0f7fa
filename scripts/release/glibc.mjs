/**
 * Which glibc a Linux binary needs: the newest version among those of the symbols that it imports, as
 * `objdump -T` shows them. Reads the section `.gnu.version_r` of a 64-bit little-endian ELF file.
 */
import { readFileSync } from 'node:fs';
import { isNewer } from './newer.mjs';

const SHT_GNU_VERNEED = 0x6ffffffe;

function sections(file) {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error('this is no 64-bit little-endian ELF file');
  }
  const start = Number(file.readBigUInt64LE(0x28));
  const size = file.readUInt16LE(0x3a);
  return Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 0x18)),
      link: file.readUInt32LE(at + 0x28),
      entries: file.readUInt32LE(at + 0x2c),
    };
  });
}

/** The versions of symbols that the file needs of shared libraries, such as `GLIBC_2.17`. */
export function neededVersions(file) {
  const all = sections(file);
  const needed = all.find(({ type }) => type === SHT_GNU_VERNEED);
  if (needed === undefined) return [];
  const strings = all[needed.link].offset;
  const text = (offset) => {
    const start = strings + offset;
    return file.toString('latin1', start, file.indexOf(0, start));
  };
  const found = [];
  let library = needed.offset;
  for (let each = 0; each < needed.entries; each++) {
    let version = library + file.readUInt32LE(library + 8);
    for (let left = file.readUInt16LE(library + 2); left > 0; left--) {
      found.push(text(file.readUInt32LE(version + 8)));
      version += file.readUInt32LE(version + 12);
    }
    library += file.readUInt32LE(library + 12);
  }
  return found;
}

/** The newest glibc whose symbols a file needs, such as `2.17`; undefined where it needs none. */
export function newestGlibc(path) {
  return neededVersions(readFileSync(path))
    .flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? [])
    .reduce(
      (newest, each) => (newest === undefined || isNewer(each, newest) ? each : newest),
      undefined,
    );
}

/**
 * Why a core does not load on a system with the glibc `allowed`, which is undefined for musl; undefined
 * where it does.
 */
export function glibcProblem(path, allowed) {
  const needed = newestGlibc(path);
  if (needed === undefined) return undefined;
  if (allowed === undefined) return `the core for musl needs glibc ${needed}`;
  if (isNewer(needed, allowed))
    return `the core needs glibc ${needed}, at most ${allowed} is allowed`;
  return undefined;
}
