import { backoffMs } from '../lib/backoff.ts';
import { systemClock } from '../lib/clock.ts';
import { isTransient } from '../lib/transient.ts';

const databaseAway = { initialMs: 100, factor: 2, maxMs: 2_000 };

/**
 * Reads again while the database is away, until the reader leaves: whoever follows something live must not lose it to a restart
 * of the database, which ends by itself.
 */
export async function readPatiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await read();
    } catch (error) {
      if (!isTransient(error) || signal.aborted) throw error;
      await systemClock.sleep(backoffMs(databaseAway, failures), signal);
      if (signal.aborted) throw error;
    }
  }
}
