/**
 * How many times as long as usual a test may wait: emulators are slow. Only for limits after which
 * something is taken to hang.
 */
export const PATIENCE = Number(process.env.MEMMAP_PATIENCE ?? 1);

/** Whether an emulator runs this: what is repeated for its own sake is repeated less often there. */
export const isEmulated = PATIENCE > 1;
