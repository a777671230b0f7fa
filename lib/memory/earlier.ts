/**
 * What a map was before its file grew: shorter maps of the same file, each of which stays for as long
 * as a Buffer of it lives. They are held weakly.
 */
import { native } from '../base/native';
import type { Buffers } from './buffers';
import { everRaised, type FaultMonitor, type Faults } from './faults';
import { WeakList } from './weak-list';

/** The earlier native maps of one map, as far as they have Buffers. */
export class Earlier {
  readonly #monitors = new WeakList<FaultMonitor>();
  readonly #arrayBuffers = new WeakList<ArrayBuffer>();
  #isShared = false;

  /** Adds a native map by its monitor, which its ArrayBuffers keep alive. */
  add(monitor: FaultMonitor, buffers: Buffers): void {
    this.#monitors.add(monitor);
    for (const arrayBuffer of buffers.detachable()) this.#arrayBuffers.add(arrayBuffer);
    this.#isShared ||= buffers.isShared;
  }

  /** Whether a SharedArrayBuffer of one was ever made. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Whether anything happened to one of them that the next call must report. */
  get raised(): boolean {
    if (!everRaised()) return false;
    for (const monitor of this.#monitors) if (monitor.raised) return true;
    return false;
  }

  /** Throws what has happened; `length` is that of the map. */
  report(length: number): void {
    for (const monitor of this.#monitors) if (monitor.raised) monitor.report(length);
  }

  /** What has happened to them and to the present native map, of which `faults` are. */
  faults(faults: Faults): Faults {
    if (!everRaised()) return faults;
    const all = [faults];
    for (const monitor of this.#monitors) all.push(monitor.faults);
    const lost = all.flatMap(({ lostFrom }) => lostFrom ?? []);
    const failed = all.flatMap(({ io }) => io ?? []);
    return {
      truncated: lost.length > 0,
      lostFrom: lost.length > 0 ? Math.min(...lost) : null,
      io:
        failed.length > 0
          ? {
              start: Math.min(...failed.map(({ start }) => start)),
              end: Math.max(...failed.map(({ end }) => end)),
            }
          : null,
      strayWrites: all.reduce((sum, { strayWrites }) => sum + strayWrites, 0),
    };
  }

  /** Detaches every ArrayBuffer. Nothing can detach a SharedArrayBuffer. */
  detach(): void {
    for (const monitor of this.#monitors) monitor.stop();
    for (const arrayBuffer of this.#arrayBuffers) native.detach(arrayBuffer);
  }
}
