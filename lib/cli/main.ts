/** Which command to run, what is common to all, and how errors end them. */
import { type Output, OutputError, UsageError } from './output';

const HELP = `memmap COMMAND [options] [arguments]: mapped files on the command line

  stat FILE...             size, what is in memory, dirty pages and holes
  warm FILE...             read the files into memory; Ctrl-C stops
  evict FILE...            drop them from memory and from the system's cache
  find PATTERN FILE...     print the lines that contain a text
      -e                     PATTERN is a regular expression, as JavaScript's
      -i                     match small and capital letters alike (A to Z)
      -c                     print the number of lines only
      -n                     print line numbers
  lines FILE FROM[-TO]     print lines by number, from 1; also FROM:+COUNT
  hex FILE [@OFFSET]       print bytes, from an offset (decimal, or 0x...)
      -n COUNT               how many bytes, or records; 256 bytes by default
      --as 'u32 id, f64 x'   as records: u8 to u64, i8 to i64, f32, f64
      --be                   numbers are big-endian
  shm                      shared memory: what maps it, which locks are held
  shm rm NAME...           remove shared memory
  doctor                   what works on this machine, and why the rest does not

  --json                   print JSON, one value a line
  --                       what follows are no options: find -e -- -x FILE
  --help, --version
Exit codes: 0; 1 where nothing was found, or not all is well; 2 after an error.
`;

/** Runs a command with its arguments, and returns the exit code. */
export type Command = (args: string[], output: Output) => Promise<number>;

/** Each loads its module when it is called for: starting up must not take the time of all of them. */
const COMMANDS: Record<string, () => Command> = {
  stat: () => (require('./stat') as typeof import('./stat')).stat,
  warm: () => (require('./warm') as typeof import('./warm')).warm,
  evict: () => (require('./warm') as typeof import('./warm')).evict,
  find: () => (require('./find') as typeof import('./find')).find,
  lines: () => (require('./lines') as typeof import('./lines')).lines,
  hex: () => (require('./hex') as typeof import('./hex')).hex,
  shm: () => (require('./shm') as typeof import('./shm')).shm,
  doctor: () => (require('./doctor') as typeof import('./doctor')).doctor,
};

const HELPS = ['--help', '-h'];

/** Whether help is asked for: behind `--` these are no options. */
function asksForHelp(args: string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((arg) => HELPS.includes(arg));
}

async function run(args: string[], output: Output): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === 'help' || asksForHelp([name, ...rest])) {
    await output.write(HELP);
    return args.length === 0 ? 2 : 0;
  }
  if (name === '--version') {
    const { version }: { version: string } = require('../../package.json');
    await output.line(version);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`there is no command '${name}'`);
  return command()(rest, output);
}

export async function main(args: string[], output: Output): Promise<number> {
  try {
    const code = await run(args, output).finally(() => output.flush());
    return code;
  } catch (error) {
    // `memmap find x file | head` ends with head.
    if (error instanceof OutputError && error.isReaderGone) return 0;
    const { message } = error as Error;
    output.error(error instanceof UsageError ? `${message}; see memmap --help` : message);
    return 2;
  }
}
