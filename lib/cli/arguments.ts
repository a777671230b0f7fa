/** The arguments of a command: options, and what stands between and after them. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Output, UsageError } from './output';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface Arguments {
  /** Whether an option is given that takes no value. */
  has(name: string): boolean;
  /** The value of an option that takes one. */
  value(name: string): string | undefined;
  positionals: string[];
}

/**
 * Reads the arguments of a command. All commands know `--json`, which the output is told.
 *
 * @throws UsageError
 */
export function readArguments(args: string[], output: Output, options: Options = {}): Arguments {
  const known: Options = { ...options, json: { type: 'boolean' } };
  // Not strict: the messages of the strict parser take several lines, and differ among runtimes.
  const { values, positionals, tokens } = parseArgs({
    args,
    options: known,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) {
      throw new UsageError(
        `there is no option '${token.rawName}' here; what begins with '-' and is none goes after '--'`,
      );
    }
    if (option.type === 'string' && token.value === undefined) {
      throw new UsageError(`'${token.rawName}' needs a value`);
    }
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new UsageError(`'${token.rawName}' takes no value`);
    }
  }
  output.json = values.json === true;
  return {
    has: (name) => values[name] === true,
    value: (name) => {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    positionals,
  };
}
