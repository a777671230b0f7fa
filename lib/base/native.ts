/**
 * Loads the native core: a build in this checkout, or the package for this platform.
 */
import type * as Binding from './binding';
import { MmapError } from './errors';
import { isMusl } from './libc';

/** Of this package: the core must have the same. */
const { version }: { version: string } = require('../../package.json');

/** The name of this platform's core, as in the names of the packages. */
export function platform(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  // A core for glibc may load on a musl system, and then runs wrongly.
  return process.platform === 'linux' ? `${base}-${isMusl() ? 'musl' : 'gnu'}` : base;
}

/** The packages that `npm/` has, of which `package.json` lists the targets. */
function load(name: string, isPackage: boolean): unknown {
  // Bundlers find only literal names, and pass over what they do not find only inside `try`.
  try {
    switch (name) {
      case 'linux-x64-gnu':
        return isPackage
          ? require('memmap-linux-x64-gnu')
          : require('../../memmap.linux-x64-gnu.node');
      case 'linux-arm64-gnu':
        return isPackage
          ? require('memmap-linux-arm64-gnu')
          : require('../../memmap.linux-arm64-gnu.node');
      case 'linux-x64-musl':
        return isPackage
          ? require('memmap-linux-x64-musl')
          : require('../../memmap.linux-x64-musl.node');
      case 'linux-arm64-musl':
        return isPackage
          ? require('memmap-linux-arm64-musl')
          : require('../../memmap.linux-arm64-musl.node');
      case 'linux-riscv64-gnu':
        return isPackage
          ? require('memmap-linux-riscv64-gnu')
          : require('../../memmap.linux-riscv64-gnu.node');
      case 'darwin-x64':
        return isPackage ? require('memmap-darwin-x64') : require('../../memmap.darwin-x64.node');
      case 'darwin-arm64':
        return isPackage
          ? require('memmap-darwin-arm64')
          : require('../../memmap.darwin-arm64.node');
      case 'win32-x64-msvc':
        return isPackage
          ? require('memmap-win32-x64-msvc')
          : require('../../memmap.win32-x64-msvc.node');
      case 'win32-arm64-msvc':
        return isPackage
          ? require('memmap-win32-arm64-msvc')
          : require('../../memmap.win32-arm64-msvc.node');
      default:
        throw new Error('memmap is not built for this platform');
    }
  } catch (error) {
    return error;
  }
}

/** Whether it is a core, of this version. */
function isCore(loaded: unknown): loaded is typeof Binding {
  return versionOf(loaded) === version;
}

function versionOf(loaded: unknown): unknown {
  return typeof loaded === 'object' && loaded !== null && Reflect.get(loaded, 'VERSION');
}

/** Why what was loaded is not the core. */
function complaint(loaded: unknown): string {
  if (loaded instanceof Error) return loaded.message.split('\n')[0] ?? '';
  return `it is of version ${versionOf(loaded) || 'unknown'}, but memmap of ${version}`;
}

function find(): typeof Binding {
  const name = platform();
  const built = load(name, false);
  if (isCore(built)) return built;
  const installed = load(name, true);
  if (isCore(installed)) return installed;
  throw new MmapError(
    'ERR_MMAP_NO_CORE',
    `memmap found no native core for this platform (${process.platform} ${process.arch}). ` +
      `Install it with \`npm install memmap-${name}@${version}\`. If npm was run with ` +
      '--omit=optional, run it again without; if its lockfile was written on another platform, ' +
      'remove node_modules and package-lock.json first. A bundler has to copy .node files. ' +
      `What was tried:\n  memmap.${name}.node: ${complaint(built)}\n` +
      `  memmap-${name}: ${complaint(installed)}`,
  );
}

/** The native classes. Internal: they trust their arguments more than a user should be trusted. */
export const native: typeof Binding = find();

/**
 * The flags of every guarded map of the process, at its slot, written by signal handlers; null where
 * the runtime takes no memory from outside its heap, as Electron.
 */
export const faultFlags = native.faultFlags();

/** An instance of any of the three native classes. */
export type NativeMap = Binding.Mmap | Binding.MmapMut | Binding.MmapCow;

/** An instance of a native class that can change its memory. */
export type NativeWritableMap = Binding.MmapMut | Binding.MmapCow;

/** The native class that can change its file. */
export type NativeMutableMap = Binding.MmapMut;
