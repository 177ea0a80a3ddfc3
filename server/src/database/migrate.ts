import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import type { Logger } from '../lib/log.ts';
import { migrations } from '../migrations/migrations.ts';
import { ensureGroups, ensureLogins, loginsOf } from './roles.ts';

const tableName = 'hive_migration';

export interface MigrateOptions {
  /** Of the owner of the tables, who may create roles. */
  url: string;
  log: Logger;
}

/** Key of the advisory lock that makes replicas starting together migrate one after the other. */
const migrationLock = 4_851_302_174;

/**
 * Runs work on a connection of the owner, while no other server migrates this database or changes its logins. Waits as long as
 * the other one takes.
 */
export async function withMigrationLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'agent-hive-migrate',
    connectionTimeoutMillis: 5_000,
    options: '-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0',
  });
  // A connection that breaks between two queries must not end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    return await work(client);
  } finally {
    // The lock ends with the session.
    await client.end().catch(() => undefined);
  }
}

/**
 * Makes the roles and applies the missing migrations. Safe to call from several replicas at once.
 * @throws Error in words for the operator when the user may not
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  await withMigrationLock(options.url, async (client) => {
    await ensureGroups(client);
    const logins = loginsOf({ user: client.user ?? '', password: client.password ?? null });
    if (logins) await ensureLogins(client, logins);
    if (!(await isUpToDate(client))) await applyMigrations(options);
  });
}

/** Asked first because it is nearly always so, and the migrator opens connections of its own. */
async function isUpToDate(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    tableName,
  ]);
  if (!rows[0]!.found) return false;
  const applied = await client.query<{ name: string }>(`select name from ${tableName}`);
  const names = new Set(applied.rows.map(({ name }) => name));
  return migrations.every(({ name }) => names.has(name));
}

/** On connections of its own: the other one only holds the lock. */
async function applyMigrations({ url, log }: MigrateOptions): Promise<void> {
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations,
      tableName,
      // A generated snapshot would be a second description of the schema; the SQL is the only one.
      snapshot: false,
      allOrNothing: true,
    },
    pool: { min: 0, max: 2 },
    driverOptions: { connectionTimeoutMillis: 5_000, application_name: 'agent-hive-migrate' },
    forceUtcTimezone: true,
    logger: (message) => log.debug({ component: 'orm' }, message),
  });
  try {
    await orm.migrator.up();
  } finally {
    await orm.close(true);
  }
}
