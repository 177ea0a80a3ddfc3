import { hive } from './hive.ts';

/**
 * The moment up to which the app knows what is going on: now while it is live, the last live moment otherwise.
 * A running time that goes on counting without a connection would claim that something is still running.
 * @returns milliseconds since the epoch
 */
export function knownNow(): number {
  return hive.connection.lastLiveAt ?? Date.now();
}
