/** What scenarios do to memory, and how they end. */
import assert from 'node:assert';
import { SURVIVED } from '../helpers/run';

/** Ends a scenario that saw what it had to see. */
export function survived(): void {
  console.log(SURVIVED);
}

/** Plays the scenario that the command line names, and says that it survived. */
export function play(scenarios: Record<string, (...rest: string[]) => unknown>): void {
  const [, , name = '', ...rest] = process.argv;
  const scenario = scenarios[name];
  assert(scenario, `there is no scenario ${name}`);
  Promise.resolve(scenario(...rest)).then(survived);
}

/** `ArrayBuffer.prototype.transfer`, where the runtime has it (Node.js 22 and later). */
export function transfer(arrayBuffer: ArrayBufferLike, length?: number): ArrayBuffer {
  const method: unknown = Reflect.get(arrayBuffer, 'transfer');
  assert(typeof method === 'function');
  return Reflect.apply(method, arrayBuffer, length === undefined ? [] : [length]);
}

/** Whether every byte is `byte`. */
export function consistsOf(bytes: Uint8Array, byte: number): boolean {
  return Buffer.compare(bytes, Buffer.alloc(bytes.length, byte)) === 0;
}
