/** The README's first example: what a user runs first. */
import { createRequire } from 'node:module';

const snippets = '../../build/__test__/helpers/snippets.js';

/** What it prints behind everything else. */
export const END = 'the example ran to its end';

/** A module of it that checks the values behind `// =>`, and `prepare(folder)`, which makes its files. */
export function firstExample() {
  const { asModule, documentSnippets, prepare } = createRequire(import.meta.url)(snippets);
  const [first] = documentSnippets().filter(({ title }) => title.startsWith('README.md:'));
  if (!first?.code.includes('// =>')) {
    throw new Error(
      'the first example of README.md must import memmap, and check a value by // =>',
    );
  }
  return { code: `${asModule(first)}\nconsole.log(${JSON.stringify(END)});\n`, prepare };
}
