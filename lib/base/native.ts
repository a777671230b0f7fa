/**
 * Loads the native core: a build in this checkout, or the package for this platform.
 */
import type * as Binding from './binding';

/** The suffixes of the packages that may fit this platform, most likely first. */
function platforms(): string[] {
  const base = `${process.platform}-${process.arch}`;
  switch (process.platform) {
    case 'linux':
      // Which C library this is need not be found out: the wrong one does not load.
      return [`${base}-gnu`, `${base}-musl`];
    case 'win32':
      return [`${base}-msvc`];
    default:
      return [base];
  }
}

function load(): typeof Binding {
  const failures: string[] = [];
  const names = platforms();
  for (const name of names) {
    for (const place of [`../../memmap.${name}.node`, `memmap-${name}`]) {
      try {
        return require(place);
      } catch (error) {
        failures.push(`${place}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
      }
    }
  }
  throw new Error(
    `memmap found no native core for this platform (${process.platform} ${process.arch}). ` +
      `Install it with \`npm install memmap-${names[0]}\`` +
      `${names[1] ? ` (on Alpine and other musl systems memmap-${names[1]})` : ''}; if npm was run ` +
      'with --omit=optional, run it again without. What was tried:\n' +
      failures.map((failure) => `  ${failure}`).join('\n'),
  );
}

/** The native classes. Internal: they trust their arguments more than a user should be trusted. */
export const native: typeof Binding = load();

/** An instance of any of the three native classes. */
export type NativeMap = Binding.Mmap | Binding.MmapMut | Binding.MmapCow;

/** An instance of a native class that can change its memory. */
export type NativeWritableMap = Binding.MmapMut | Binding.MmapCow;

/** The native class that can change its file. */
export type NativeMutableMap = Binding.MmapMut;
