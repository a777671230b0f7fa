/** The longest message in bytes, unless the caller says otherwise. */
export const LONGEST_MESSAGE = 64 * 2 ** 20;

/**
 * A producer or receiver may die between its change and the wake-up: promises look again after so
 * many ms. Blocking calls look as often by themselves.
 */
export const PATIENCE = 50;
