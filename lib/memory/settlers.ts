/** How many slots there are at first. */
const FEWEST = 64;

/**
 * What settles the pending operations of the native core, which knows them by their numbers. It is no
 * Map, for the reason that `callbacks.ts` gives: the table here grows only with what is pending at the
 * same time.
 */
export class Settlers<Settle> {
  /** A number is in the slot that its last bits name. Twice as many as are pending, or more. */
  #slots: ({ id: number; settle: Settle } | undefined)[] = Array(FEWEST).fill(undefined);
  #pending = 0;
  #lastId = 0;

  /** Returns its number, which no other one ever has. */
  add(settle: Settle): number {
    if (2 * ++this.#pending > this.#slots.length) this.#grow();
    // A number whose slot is taken by an older one is left out.
    while (this.#slots[this.#slotOf(++this.#lastId)] !== undefined);
    const id = this.#lastId;
    this.#slots[this.#slotOf(id)] = { id, settle };
    return id;
  }

  /** Removes and returns what has that number; undefined where nothing has it any more. */
  take(id: number): Settle | undefined {
    const slot = this.#slotOf(id);
    const found = this.#slots[slot];
    if (found?.id !== id) return undefined;
    this.#slots[slot] = undefined;
    this.#pending--;
    return found.settle;
  }

  #slotOf(id: number): number {
    return id & (this.#slots.length - 1);
  }

  #grow(): void {
    const all = this.#slots;
    this.#slots = Array(2 * all.length).fill(undefined);
    for (const one of all) if (one !== undefined) this.#slots[this.#slotOf(one.id)] = one;
  }
}
