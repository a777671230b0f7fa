/** Something else that lives by SIGSEGV: WebAssembly. */
import assert from 'node:assert';

/** A module with one function `load` that reads 32 bits at an address of a memory of one page. */
const MODULE = Buffer.from(
  '0061736d0100000001060160017f017f030201000503010001070801046c6f616400000a0901070020002802000b',
  'hex',
);

/** The part of the engine's interface that is used here, for which Node's types have no name. */
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { load(address: number): number } };
  RuntimeError: new () => Error;
}

/** Reads far beyond the memory: the engine leaves such accesses to the fault that they cause. */
export function trap(): void {
  const { Module, Instance, RuntimeError }: Engine = Reflect.get(globalThis, 'WebAssembly');
  const { load } = new Instance(new Module(MODULE)).exports;
  assert.strictEqual(load(0), 0);
  for (let count = 0; count < 100; count++) {
    assert.throws(() => load(0x7fff_0000), RuntimeError);
  }
}
