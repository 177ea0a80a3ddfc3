import { MikroORM } from '@mikro-orm/postgresql';
import pg, { type Pool } from 'pg';
import { entities } from '../entities/entities.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { isTransient } from '../lib/transient.ts';
import { withMigrationLock } from './migrate.ts';
import { ensureLogins, groups, loginsOf, type Group, type Login } from './roles.ts';

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/name` */
  url: string;
  /** The same database as the user who owns it, when that is not the one in `url`. */
  adminUrl?: string | undefined;
  log: Logger;
  /** Most connections this process holds for requests and loops together; each side gets half. Default 20. */
  poolSize?: number;
}

export interface Database {
  /** Draws from `tenantPool`. */
  orm: MikroORM;
  /** As hive_tenant: sees no row until a statement says whose (`sqlOfTenant`, `inTransaction`, `forkForTenant`). */
  tenantPool: Pool;
  /** As hive_system: every workspace. For the loops of the hive, never for what a request asks. */
  systemPool: Pool;
  /** For a connection of its own as hive_system, such as one that listens. */
  systemConnection: pg.ClientConfig;
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

const connectionTimeoutMillis = 5_000;
const idleTimeoutMillis = 30_000;

/** How to reach the database with the rights of a group. */
interface Entrance {
  connectionString: string;
  options: string;
}

/**
 * Connects to a migrated database as hive_tenant and as hive_system.
 * @throws the driver's error when the database is away; see awaitDatabase, which waits and explains
 */
export async function connectDatabase(options: DatabaseOptions): Promise<Database> {
  const { log, poolSize = 20 } = options;
  const entrances = await openEntrances(options);
  // An indexed project holds one connection for its lock and works on another: two at least.
  const systemSize = Math.max(2, Math.ceil(poolSize / 2));
  const orm = await MikroORM.init({
    clientUrl: entrances.hive_tenant.connectionString,
    entities,
    pool: { min: 0, max: Math.max(1, poolSize - systemSize), idleTimeoutMillis },
    driverOptions: {
      options: entrances.hive_tenant.options,
      connectionTimeoutMillis,
      application_name: 'agent-hive',
    },
    forceUtcTimezone: true,
    // Managers fork; using the global entity manager by mistake must fail.
    allowGlobalContext: false,
    logger: (message) => log.debug({ component: 'orm' }, message),
  });
  const tenantPool = (await orm.em.getConnection().getNativeClient()) as Pool;
  const systemConnection: pg.ClientConfig = {
    ...entrances.hive_system,
    connectionTimeoutMillis,
    application_name: 'agent-hive-system',
    // Values are read the same on both sides: moments and bigints as PostgreSQL's text.
    ...(tenantPool.options.types ? { types: tenantPool.options.types } : {}),
  };
  const systemPool = new pg.Pool({ ...systemConnection, min: 0, max: systemSize, idleTimeoutMillis });
  // An idle connection that the server ends is none of anybody's business; the next statement takes another one.
  const onLost = (error: Error) => log.debug({ error: error.message }, 'database connection lost');
  systemPool.on('error', onLost);
  systemPool.on('connect', (client) => client.on('error', onLost));
  return {
    ...{ orm, tenantPool, systemPool, systemConnection },
    async close() {
      await Promise.all([orm.close(true), systemPool.end()]);
    },
  };
}

async function openEntrances(options: DatabaseOptions): Promise<Record<Group, Entrance>> {
  const ownerUrl = options.adminUrl ?? options.url;
  const { user, password } = new pg.Client({ connectionString: ownerUrl });
  const logins = loginsOf({ user: user ?? '', password: password ?? null });
  let reason = `${user} has no password that theirs could be derived from`;
  if (logins && new URL(options.url).host !== '') {
    try {
      return await openLogins(options.url, ownerUrl, logins);
    } catch (error) {
      if (isTransient(error)) throw error;
      reason = messageOf(error);
    }
  }
  const opened = await Promise.all(groups.map((group) => openAsMember(options, group))).catch(
    (cause: unknown) => {
      if (isTransient(cause)) throw cause;
      throw new Error(
        `The server can neither log in to the database as users of its own (${reason}) nor take on their roles (${messageOf(cause)}).`,
        { cause },
      );
    },
  );
  const [tenant, system] = opened;
  options.log.warn(
    { reason, user: new pg.Client({ connectionString: options.url }).user },
    'The database does not let the hive log in as two users of its own, so it takes their roles on as the one user it has. ' +
      'Workspaces are kept apart all the same, but a statement that sets its role could undo it.',
  );
  return { hive_tenant: tenant!, hive_system: system! };
}

/** As the two logins, whose passwords are set anew when they are not what they should be. */
async function openLogins(
  url: string,
  ownerUrl: string,
  logins: readonly Login[],
): Promise<Record<Group, Entrance>> {
  const open = () => Promise.all(logins.map((login) => openLogin(url, login)));
  let opened: Entrance[];
  try {
    opened = await open();
  } catch (error) {
    if (isTransient(error)) throw error;
    await withMigrationLock(ownerUrl, (client) => ensureLogins(client, logins, { reset: true }));
    opened = await open();
  }
  const [tenant, system] = opened;
  return { hive_tenant: tenant!, hive_system: system! };
}

async function openLogin(url: string, login: Login): Promise<Entrance> {
  const own = new URL(url);
  own.username = encodeURIComponent(login.role);
  own.password = login.password;
  const entrance = { connectionString: own.href, options: sessionOptions };
  await assertRights(entrance, login.group, login.role);
  return entrance;
}

/** As the user of the URL, in the role of the group from the first moment of the session. */
async function openAsMember({ url, adminUrl }: DatabaseOptions, group: Group): Promise<Entrance> {
  const { user } = new pg.Client({ connectionString: url });
  if (adminUrl !== undefined) {
    const roles = group === 'hive_tenant' ? 'hive_tenant, hive_limited' : group;
    const grant = `grant ${roles} to ${pg.escapeIdentifier(user ?? '')} with inherit false, set true`;
    await withMigrationLock(adminUrl, (client) => client.query(grant));
  }
  const entrance = { connectionString: url, options: `${sessionOptions} -c role=${group}` };
  await assertRights(entrance, group, group);
  return entrance;
}

/** A pooler in between may drop the options of a connection, and with them the role: then nothing would be kept apart. */
async function assertRights(entrance: Entrance, group: Group, role: string): Promise<void> {
  const client = new pg.Client({ ...entrance, connectionTimeoutMillis });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ role: string; member: boolean; mighty: boolean }>(
      `select current_user as role, rolsuper or rolbypassrls as mighty,
        pg_has_role(current_user, $1, 'USAGE') and pg_has_role(session_user, $2, 'SET') as member
      from pg_roles where rolname = current_user`,
      [group, group === 'hive_tenant' ? 'hive_limited' : group],
    );
    const found = rows[0]!;
    if (found.role === role && found.member && !found.mighty) return;
    throw new Error(
      `The database gave ${found.role} instead of ${role} with the rights of ${group}. ` +
        'A connection pooler must pass the startup option "role" on; point DATABASE_URL at PostgreSQL itself otherwise.',
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
