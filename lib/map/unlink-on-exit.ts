/** Shared memory objects that are unlinked when the thread that made them ends. */
import { isMainThread } from 'node:worker_threads';
import { native } from '../base/native';

/** The signals that end a process which does not listen to them. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The names, and which object each was given to. */
const identities = new Map<string, string>();

function unlinkAll(): void {
  for (const [name, identity] of identities) {
    try {
      native.unlinkShared(name, identity);
    } catch {
      // The name was unlinked already.
    }
  }
  identities.clear();
}

/** Ends the process as it would have ended without this listener, with nothing left behind. */
function onSignal(signal: NodeJS.Signals): void {
  // Where others listen, they decide whether the process ends.
  if (process.listenerCount(signal) > 1) return;
  unlinkAll();
  process.removeListener(signal, onSignal);
  process.kill(process.pid, signal);
}

/** Unlinks `name` when this thread ends, if it is still the name of the object `identity`. */
export function unlinkOnExit(name: string, identity: string): void {
  if (identities.size === 0) {
    process.on('exit', unlinkAll);
    // Signals reach the main thread alone.
    if (isMainThread) for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  identities.set(name, identity);
}

/** Takes {@link unlinkOnExit} back. */
export function keepOnExit(name: string): void {
  if (!identities.delete(name) || identities.size > 0) return;
  process.removeListener('exit', unlinkAll);
  for (const signal of SIGNALS) process.removeListener(signal, onSignal);
}
