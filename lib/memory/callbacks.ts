/**
 * What is called later, and taken back when it is needed no more.
 *
 * The table that a Map or Set has outgrown keeps its entries, and the next table, until the next full
 * collection of garbage. Thousands of operations in a row would survive the short collections by that,
 * which take the longer for it. What is kept here leaves nothing behind.
 */

/** A link of a circle; a new one is a circle of its own. */
class Link {
  previous: Link = this;
  next: Link = this;
}

/** One of the {@link Callbacks}. */
export class Callback<Argument> extends Link {
  readonly call: (argument: Argument) => void;

  constructor(call: (argument: Argument) => void) {
    super();
    this.call = call;
  }

  /** Takes it back. Returns whether it was still there. */
  remove(): boolean {
    if (this.next === this) return false;
    this.previous.next = this.next;
    this.next.previous = this.previous;
    // It keeps no other alive.
    this.previous = this;
    this.next = this;
    return true;
  }
}

/** Functions, in the order in which they were added. Adding and removing one takes constant time. */
export class Callbacks<Argument> {
  /** Lies between the last one and the first. */
  readonly #ends = new Link();

  get first(): Callback<Argument> | undefined {
    const { next } = this.#ends;
    return next instanceof Callback ? next : undefined;
  }

  add(call: (argument: Argument) => void): Callback<Argument> {
    const added = new Callback(call);
    added.previous = this.#ends.previous;
    added.next = this.#ends;
    added.previous.next = added;
    added.next.previous = added;
    return added;
  }

  /** Calls those that are there now, but for those that another one takes back before their turn. */
  callAll(argument: Argument): void {
    const all: Callback<Argument>[] = [];
    for (let link = this.#ends.next; link instanceof Callback; link = link.next) all.push(link);
    for (const callback of all) if (callback.next !== callback) callback.call(argument);
  }
}
