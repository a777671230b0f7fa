/**
 * How many times as long as usual a test may wait: emulators are slow. Only for limits after which
 * something is taken to hang.
 */
export const PATIENCE = Number(process.env.MEMMAP_PATIENCE ?? 1);
