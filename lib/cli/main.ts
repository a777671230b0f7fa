/** Which command to run, what is common to all, and how errors end them. */
import { doctor } from './doctor';
import { find } from './find';
import { hex } from './hex';
import { lines } from './lines';
import { type Output, UsageError } from './output';
import { shm } from './shm';
import { stat } from './stat';
import { evict, warm } from './warm';

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
  --help, --version

Exit codes: 0; 1 where nothing was found, or not all is well; 2 after an error.
`;

/** Runs a command with its arguments, and returns the exit code. */
export type Command = (args: string[], output: Output) => Promise<number>;

const COMMANDS: Record<string, Command> = {
  stat,
  warm,
  evict,
  find,
  lines,
  hex,
  shm,
  doctor,
};

export async function main(args: string[], output: Output): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    await output.write(HELP);
    return args.length === 0 ? 2 : 0;
  }
  if (name === '--version') {
    const { version }: { version: string } = require('../../package.json');
    await output.line(version);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    output.error(`there is no command '${name}'; see memmap --help`);
    return 2;
  }
  try {
    return await command(rest, output);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isUsage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    output.error(isUsage ? `${message}; see memmap --help` : message);
    return 2;
  }
}
