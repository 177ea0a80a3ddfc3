import type { MikroORM } from '@mikro-orm/postgresql';
import { backoffMs } from '../lib/backoff.ts';
import { systemClock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import { sqlOf, type Sql } from '../stores/sql.ts';
import { isTransient } from '../lib/transient.ts';

/** Who acts where. Identity joins this when it exists; until then everything happens in the default workspace. */
export interface Scope {
  workspaceId: string;
}

const conflictRetry = { initialMs: 20, factor: 2, maxMs: 200 };
const conflicts = new Set(['40001', '40P01']);

/**
 * Runs work in one transaction with statements limited to 5 s, and again when it lost a conflict with another one.
 * @throws DomainError UNAVAILABLE when the database is away: nothing was acknowledged, the caller may try again with the same
 * idempotency key
 */
export async function inTransaction<T>(orm: MikroORM, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await orm.em.fork().transactional(async (em) => {
        const sql = sqlOf(em);
        await sql.rows(`set local statement_timeout = '5s'`);
        return work(sql);
      });
    } catch (error) {
      if (error instanceof DomainError) throw error;
      if (isConflict(error) && tries < 5) {
        await systemClock.sleep(backoffMs(conflictRetry, tries));
        continue;
      }
      if (isTransient(error)) {
        throw new DomainError(
          'UNAVAILABLE',
          'The database does not answer at the moment. Try again shortly.',
          {
            cause: error,
            retryable: true,
          },
        );
      }
      throw error;
    }
  }
}

function isConflict(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string' && conflicts.has(current.code)) return true;
  }
  return false;
}
