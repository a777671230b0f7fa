type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `same<Type>()(value)` compiles where the value's type is exactly that one. */
export function same<Expected>() {
  return <Actual>(
    _value: Actual,
    ..._: Equal<Actual, Expected> extends true ? [] : ['the type is another one']
  ): void => {};
}
