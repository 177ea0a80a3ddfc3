import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { entities } from '../entities/entities.ts';
import { migrations } from '../migrations/migrations.ts';
import type { Logger } from '../lib/log.ts';

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/name` */
  url: string;
  log: Logger;
  /** Most connections this process holds. Default 20. */
  poolSize?: number;
}

export interface Database {
  orm: MikroORM;
  /** The same pool the ORM draws from, for labelled raw SQL in its own transaction. */
  pool: Pool;
  close(): Promise<void>;
}

/**
 * Session settings of every connection. A write transaction left open holds back the event horizon of the whole cluster
 * (DESIGN.md, section 4), so none may stay open for long.
 */
const sessionOptions = [
  '-c transaction_timeout=60s',
  '-c idle_in_transaction_session_timeout=10s',
  '-c statement_timeout=30s',
  '-c lock_timeout=10s',
].join(' ');

/** @throws the driver's error when the database is away; see awaitDatabase, which waits and explains */
export async function connectDatabase(options: DatabaseOptions): Promise<Database> {
  const orm = await MikroORM.init({
    clientUrl: options.url,
    entities,
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations,
      tableName: 'hive_migration',
      // A generated snapshot would be a second description of the schema; the SQL is the only one.
      snapshot: false,
      allOrNothing: true,
    },
    pool: { min: 0, max: options.poolSize ?? 20, idleTimeoutMillis: 30_000 },
    driverOptions: {
      options: sessionOptions,
      connectionTimeoutMillis: 5_000,
      application_name: 'agent-hive',
    },
    forceUtcTimezone: true,
    // Managers fork; using the global entity manager by mistake must fail.
    allowGlobalContext: false,
    logger: (message) => options.log.debug({ component: 'orm' }, message),
  });
  const pool = (await orm.em.getConnection().getNativeClient()) as Pool;
  return { orm, pool, close: () => orm.close(true) };
}

/** Key of the advisory lock that makes replicas starting together migrate one after the other. */
const migrationLock = 4_851_302_174;

/** Applies the missing migrations. Safe to call from several replicas at once. */
export async function migrate({ orm, pool }: Pick<Database, 'orm' | 'pool'>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(
      'set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0',
    );
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    try {
      await orm.migrator.up();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [migrationLock]);
    }
  } finally {
    // Destroyed, not pooled again: its timeouts are off.
    client.release(true);
  }
}
