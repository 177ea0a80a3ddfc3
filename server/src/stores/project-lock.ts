import type { Pool } from 'pg';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';

const retryMs = 300;

/**
 * Runs `work` while holding the project's advisory lock, so that of all processes on this database one indexes it. The lock
 * belongs to a session, not to a transaction: a transaction that long would hold back the event horizon.
 * @param work gets a signal that aborts when the session, and with it the lock, is lost
 */
export async function withProjectLock<T>(
  pool: Pool,
  clock: Clock,
  projectId: string,
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  const lost = new AbortController();
  const onError = (error: Error) =>
    lost.abort(
      new DomainError('UNAVAILABLE', `database connection lost: ${error.message}`, { retryable: true }),
    );
  client.on('error', onError);
  let broken = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { rows } = await client.query<{ locked: boolean }>(
        `/* lockProject */ select pg_try_advisory_lock(hashtextextended('hive.project.' || $1, 0)) as locked`,
        [projectId],
      );
      if (rows[0]?.locked) break;
      await clock.sleep(retryMs, signal);
    }
    try {
      return await work(lost.signal);
    } finally {
      // A session that cannot be asked to unlock is closed, which unlocks too.
      await client
        .query(`/* unlockProject */ select pg_advisory_unlock(hashtextextended('hive.project.' || $1, 0))`, [
          projectId,
        ])
        .catch(() => {
          broken = true;
        });
    }
  } catch (error) {
    if (lost.signal.aborted) throw lost.signal.reason;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken || lost.signal.aborted);
  }
}
