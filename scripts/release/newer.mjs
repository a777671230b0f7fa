/** Comparing versions that are numbers with dots. */

/** Whether one version such as 2.9 is newer than another such as 2.17: that one is not. */
export function isNewer(version, than) {
  const others = than.split('.').map(Number);
  const difference = version
    .split('.')
    .map((number, at) => Number(number) - (others[at] ?? 0))
    .find((difference) => difference !== 0);
  return (difference ?? 0) > 0;
}
