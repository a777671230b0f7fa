/** For which system and processor a native library is, by the first bytes of the file. */
import { readFileSync } from 'node:fs';

const ELF = { magic: 0x7f454c46, machines: { 62: 'x64', 183: 'arm64', 243: 'riscv64' } };
const MACH_O = { magic: 0xfeedfacf, machines: { 16777223: 'x64', 16777228: 'arm64' } };
const PE = { magic: 'MZ', machines: { 34404: 'x64', 43620: 'arm64' } };

/** Such as `linux-x64`, as in the names of the packages; undefined for anything else. */
export function systemOf(path) {
  const file = readFileSync(path);
  if (file.length < 0x40) return undefined;
  const name = (system, processor) => processor && `${system}-${processor}`;
  if (file.readUInt32BE(0) === ELF.magic)
    return name('linux', ELF.machines[file.readUInt16LE(0x12)]);
  if (file.readUInt32LE(0) === MACH_O.magic) {
    return name('darwin', MACH_O.machines[file.readUInt32LE(4)]);
  }
  if (file.toString('latin1', 0, 2) === PE.magic) {
    return name('win32', PE.machines[file.readUInt16LE(file.readUInt32LE(0x3c) + 4)]);
  }
  return undefined;
}
