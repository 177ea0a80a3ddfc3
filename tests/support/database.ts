import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { connectDatabase } from '../../server/src/database/connect.ts';
import { silentLog } from './log.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the test server's database `hive`, which tests leave alone. */
    postgresUrl: string;
  }
}

type Connected = Awaited<ReturnType<typeof connectDatabase>>;

export interface TestDatabase {
  url: string;
  orm: Connected['orm'];
  /** What the server has, with the rights it has. */
  tenantPool: Connected['tenantPool'];
  systemPool: Connected['systemPool'];
  systemConnection: Connected['systemConnection'];
  /** Of the owner, whom nothing is hidden from: for what a test arranges and looks up. */
  pool: pg.Pool;
  /** The id of the default workspace, made by the first migration. */
  workspaceId: string;
  /** Closes the connections and drops the database. Call it in `afterAll`. */
  drop(): Promise<void>;
}

/** A migrated database of its own, cloned from the run's template in some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const url = await createTestDatabaseUrl();
  const { close, ...connected } = await connectDatabase({ url, log: silentLog });
  // Read the same as everywhere else: moments and bigints as text.
  const { types } = connected.tenantPool.options;
  const pool = new pg.Pool({ connectionString: url, min: 0, max: 10, ...(types ? { types } : {}) });
  pool.on('error', () => {});
  const found = await pool.query<{ id: string }>(`select id from workspace where slug = 'default'`);
  return {
    ...{ url, ...connected, pool },
    workspaceId: found.rows[0]!.id,
    async drop() {
      await Promise.all([close(), pool.end()]);
      await dropTestDatabase(url);
    },
  };
}

/** The same without a connection, for a server process of its own. Drop it with `dropTestDatabase`. */
export async function createTestDatabaseUrl(): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onAdminConnection(async (client) => {
    // Two clones at once collide on the template; the lock makes the second one wait instead.
    await client.query('select pg_advisory_lock(7071)');
    await client.query(`create database ${name} template hive_template`);
  });
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropTestDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await onAdminConnection((client) => client.query(`drop database if exists ${name} with (force)`));
}

async function onAdminConnection(use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
