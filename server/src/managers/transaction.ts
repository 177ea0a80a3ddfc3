import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { Actor } from '../engines/security/actor.ts';
import { backoffMs } from '../lib/backoff.ts';
import { systemClock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import { isTransient } from '../lib/transient.ts';
import { sqlOfClient, type Sql } from '../stores/sql.ts';
import { scopeStatements, type Tenancy } from '../stores/tenancy.ts';

/** Who acts where, on whose behalf a manager checks and writes. */
export interface Scope extends Tenancy {
  actor: Actor;
  /** What the audit trail says of the request; absent for what the hive does by itself. */
  request?: {
    id: string;
    address?: string;
    userAgent?: string;
    /** Where they reach the hive, for links. */
    baseUrl?: string;
  };
}

const conflictRetry = { initialMs: 20, factor: 2, maxMs: 200 };
const conflicts = new Set(['40001', '40P01']);
const shortStatements = `set local statement_timeout = '5s'`;

/**
 * Runs work in one transaction of a tenant, which sees and writes nothing else, with statements limited to 5 s; again when it
 * lost a conflict with another one.
 * @throws DomainError UNAVAILABLE when the database is away: nothing was acknowledged, the caller may try again with the same
 * idempotency key
 */
export async function inTransaction<T>(
  orm: Pick<MikroORM, 'em'>,
  tenancy: Tenancy,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return withRetries(async () => {
    const pool = (await orm.em.getConnection().getNativeClient()) as Pool;
    return transact(pool, `begin; ${shortStatements}; ${scopeStatements(tenancy)}`, work);
  });
}

/**
 * The same with the rights of the hive itself, for what concerns no single workspace.
 * @param pool of the role `hive_system`
 */
export function inSystemTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  return withRetries(() => transact(pool, `begin; ${shortStatements}`, work));
}

/** @param opening statements without parameters: the transaction begins and is set up in one round trip */
async function transact<T>(pool: Pool, opening: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks between two statements is found out by the next one.
  const ignore = () => {};
  client.on('error', ignore);
  let broken = true;
  try {
    await client.query(opening);
    const result = await work(sqlOfClient(client));
    const { command } = await client.query('commit');
    // Whoever swallowed the error of a statement would otherwise be told that all of it was written.
    if (command !== 'COMMIT')
      throw new Error('The transaction was rolled back: a statement in it had failed.');
    broken = false;
    return result;
  } catch (error) {
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
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
          { cause: error, retryable: true },
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
