/**
 * Loaded into Node.js first where an emulator runs it: children are started by `process.execPath`,
 * which has to be the emulator with its arguments, a script.
 */
process.execPath = process.env.MEMMAP_EXEC_PATH ?? process.execPath;
