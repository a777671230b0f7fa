/** A list of objects that it does not keep alive. Those that were collected are forgotten in time. */
export class WeakList<T extends object> {
  #references: WeakRef<T>[] = [];
  /** The number at which it looks for collected ones, so that an addition takes constant time. */
  #most = 8;

  add(object: T): void {
    if (this.#references.length >= this.#most) {
      this.#references = this.#references.filter((reference) => reference.deref() !== undefined);
      this.#most = 2 * this.#references.length + 8;
    }
    this.#references.push(new WeakRef(object));
  }

  /** Those that are alive. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const reference of this.#references) {
      const object = reference.deref();
      if (object !== undefined) yield object;
    }
  }
}
