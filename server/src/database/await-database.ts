import pg from 'pg';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { isTransient } from '../lib/transient.ts';

const oldestServerVersion = 180_000;

export interface AwaitDatabaseOptions {
  url: string;
  clock: Clock;
  log: Logger;
  /** How long to wait for a database that is itself still starting, ms. Default 15,000. */
  patienceMs?: number;
}

/**
 * Waits until the database answers and looks whether it can be used.
 * @throws Error in words for the operator: not reachable, refused, or older than PostgreSQL 18. Never with the password.
 */
export async function awaitDatabase(options: AwaitDatabaseOptions): Promise<void> {
  const { clock, log, patienceMs = 15_000 } = options;
  const { host, pathname } = new URL(options.url);
  const where = `${host}${pathname}`;
  const deadline = clock.now() + patienceMs;
  for (let waited = false; ; waited = true) {
    try {
      return await look(options.url);
    } catch (error) {
      if (!isTransient(error))
        throw new Error(`The database at ${where} cannot be used: ${messageOf(error)}`, { cause: error });
      if (clock.now() >= deadline) {
        const seconds = Math.round(patienceMs / 1_000);
        throw new Error(
          `The database at ${where} did not answer within ${seconds} s: ${messageOf(error)}. ` +
            'Start it, correct DATABASE_URL, or leave DATABASE_URL out to use the built-in PostgreSQL.',
          { cause: error },
        );
      }
      if (!waited) log.warn({ database: where, error: messageOf(error) }, 'waiting for the database');
      await clock.sleep(250);
    }
  }
}

async function look(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that breaks between two queries must not end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string; name: string }>(
      `select current_setting('server_version_num') as number, current_setting('server_version') as name`,
    );
    const { number, name } = rows[0]!;
    if (Number(number) >= oldestServerVersion) return;
    throw new Error(
      `it is PostgreSQL ${name}, and Agent Hive needs 18 or newer. Upgrade it, or leave DATABASE_URL out.`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
