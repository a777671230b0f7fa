/**
 * Which C library this process runs on.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** How a 64-bit, little-endian program begins: the first six bytes of `e_ident` in elf(5). */
const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1];

/** The type of the program header that names the dynamic loader: PT_INTERP of elf(5). */
const INTERPRETER = 3;

function readAt(file: number, position: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  const read = readSync(file, bytes, 0, length, position);
  return new DataView(bytes.buffer, 0, read);
}

/** The dynamic loader of a 64-bit, little-endian ELF program; null where it names none, or is another. */
function interpreter(path: string): string | null {
  const file = openSync(path, 'r');
  try {
    const header = readAt(file, 0, 64);
    if (MAGIC.some((byte, at) => header.getUint8(at) !== byte)) return null;
    const first = Number(header.getBigUint64(0x20, true));
    const size = header.getUint16(0x36, true);
    const count = header.getUint16(0x38, true);
    const programs = readAt(file, first, size * count);
    for (let at = 0; at < programs.byteLength; at += size) {
      if (programs.getUint32(at, true) !== INTERPRETER) continue;
      const offset = Number(programs.getBigUint64(at + 8, true));
      const name = readAt(file, offset, Number(programs.getBigUint64(at + 32, true)));
      return new TextDecoder().decode(name);
    }
    return null;
  } finally {
    closeSync(file);
  }
}

/**
 * Whether this Linux process runs on musl. The program's own loader says so in some 50 us;
 * `process.report` takes milliseconds, so that it is only asked where the program names none.
 */
export function isMusl(): boolean {
  try {
    const loader = interpreter(process.execPath);
    if (loader !== null) return loader.includes('ld-musl-');
  } catch {
    // Not such a program, or not to be read.
  }
  const report: { header?: { glibcVersionRuntime?: string } } | undefined =
    process.report?.getReport();
  return report?.header !== undefined && report.header.glibcVersionRuntime === undefined;
}
