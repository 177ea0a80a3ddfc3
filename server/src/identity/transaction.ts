import type { Pool } from 'pg';
import { sqlOfClient, type Sql } from '../stores/sql.ts';

/**
 * All or nothing, on a connection of the pool. The schema `identity` has no workspaces, so none of the settings of a
 * tenant's transaction are needed.
 */
export async function inIdentityTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(sqlOfClient(client));
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      // A connection that cannot roll back is of no use to anybody.
      () => client.release(true),
    );
    throw error;
  }
}
