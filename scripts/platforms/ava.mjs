/**
 * Starts ava so that the specs run under another runtime than ava itself: the program named by
 * MEMMAP_RUNTIME, which ava starts for each spec as it would start Node.js.
 */
import childProcess from 'node:child_process';

const { fork } = childProcess;
// Runtimes do not read each other's structured clones.
childProcess.fork = (file, args, options) =>
  fork(file, args, { ...options, serialization: 'json' });
process.execPath = process.env.MEMMAP_RUNTIME ?? process.execPath;
await import('../../node_modules/ava/entrypoints/cli.mjs');
