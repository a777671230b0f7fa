/** `CHANGELOG.md`: what has changed since the last release, and in each. */

const UNRELEASED = '## [Unreleased]';

/** The text below the heading of a version, or `Unreleased`; undefined where there is none. */
export function section(changelog, version) {
  const lines = changelog.split('\n');
  const begin = lines.findIndex((line) => line.startsWith(`## [${version}]`));
  if (begin < 0) return undefined;
  const end = lines.findIndex((line, at) => at > begin && line.startsWith('## '));
  return lines
    .slice(begin + 1, end < 0 ? undefined : end)
    .join('\n')
    .trim();
}

/** The changelog with all that is unreleased under the heading of a version. `date` is as 2026-01-31. */
export function withRelease(changelog, version, date) {
  if (section(changelog, version) !== undefined) return changelog;
  if (!section(changelog, 'Unreleased')) {
    throw new Error('CHANGELOG.md says nothing under [Unreleased]: say what the version brings');
  }
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`);
}
