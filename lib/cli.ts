#!/usr/bin/env node
/**
 * `memmap`, the command-line tool of this package: see `memmap --help`.
 */
import { main } from './cli/main';
import { Output } from './cli/output';

main(process.argv.slice(2), new Output(process.stdout, process.stderr)).then((code) => {
  process.exitCode = code;
});
