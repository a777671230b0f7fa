/** What the specs of shared memory share. */

/**
 * Whether an object of `length` bytes may be opened as one of `opened`: Linux alone knows bytes, other systems
 * know pages.
 */
export function isSharedLength(opened: number, length: number): boolean {
  const units = process.platform === 'linux' ? [1] : [4096, 16384];
  return units.some((unit) => opened === Math.ceil(length / unit) * unit);
}
