import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../../../tests/support/database.ts';
import { recordingLog, silentLog } from '../../../tests/support/log.ts';
import { connectDatabase, type Database } from './connect.ts';
import { migrate } from './migrate.ts';
import { loginsOf } from './roles.ts';
import { sqlOfTenant } from '../stores/tenancy.ts';

let url: string;
let admin: pg.Client;
const open: Database[] = [];
const made: string[] = [];

beforeAll(async () => {
  url = await createTestDatabaseUrl();
  admin = new pg.Client({ connectionString: url });
  await admin.connect();
});
afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
});
afterAll(async () => {
  for (const role of made) await admin.query(`drop owned by ${role} cascade; drop role ${role}`);
  await admin.end();
  await dropTestDatabase(url);
});

const connect = async (options: Partial<Parameters<typeof connectDatabase>[0]> = {}) => {
  const database = await connectDatabase({ url, log: silentLog, ...options });
  open.push(database);
  return database;
};
const whoIs = async (pool: pg.Pool) =>
  (await pool.query<{ s: string; c: string }>('select session_user as s, current_user as c')).rows[0]!;
/** Another owner with its own logins, so that no other test file meets them. */
async function makeUser(attributes: string): Promise<{ name: string; url: string }> {
  const name = `own_${randomBytes(4).toString('hex')}`;
  await admin.query(`create role ${name} login password 'pass word/1' ${attributes}`);
  made.push(name);
  const own = new URL(url);
  own.username = name;
  own.password = encodeURIComponent('pass word/1');
  return { name, url: own.href };
}

describe('the server', () => {
  it('logs in as two users of its own', async () => {
    const { tenantPool, systemPool, systemConnection } = await connect();
    expect(await whoIs(tenantPool)).toEqual({ s: 'hive_tenant_login', c: 'hive_tenant_login' });
    expect(await whoIs(systemPool)).toEqual({ s: 'hive_system_login', c: 'hive_system_login' });
    expect(systemConnection.connectionString).not.toContain(new URL(url).password);
  });

  it('reads values the same on both sides', async () => {
    const { tenantPool, systemPool } = await connect();
    const text = `select now()::timestamptz(0) - now()::timestamptz(0) as i, 'epoch'::timestamptz as t, 9007199254740993::bigint as b, '{1}'::int[] as a`;
    expect((await systemPool.query(text)).rows).toEqual((await tenantPool.query(text)).rows);
  });

  it('takes no more connections than it was given, half on each side', async () => {
    const { tenantPool, systemPool } = await connect({ poolSize: 8 });
    expect([tenantPool.options.max, systemPool.options.max]).toEqual([4, 4]);
    const smallest = await connect({ poolSize: 2 });
    expect([smallest.tenantPool.options.max, smallest.systemPool.options.max]).toEqual([1, 2]);
  });
});

describe('with an owner that is no superuser', () => {
  it('migrates, makes the logins, sets passwords anew that were changed, and every right still works', async () => {
    const other = await createTestDatabaseUrl();
    const owner = await makeUser('createrole');
    const name = new URL(other).pathname.slice(1);
    const root = new pg.Client({ connectionString: other });
    await root.connect();
    // An empty database of this owner, in a cluster where somebody else made the groups.
    await root.query(`drop schema public cascade; create schema public authorization ${owner.name}`);
    await root.query(`alter database ${name} owner to ${owner.name}; drop schema if exists identity cascade`);
    const own = new URL(owner.url);
    own.pathname = `/${name}`;
    try {
      await expect(migrate({ url: own.href, log: silentLog })).rejects.toThrow(
        /may not grant the role hive_tenant.*with admin true, inherit false.*HIVE_DATABASE_ADMIN_URL/,
      );
      await root.query(`grant hive_tenant, hive_limited, hive_system to ${owner.name} with admin option`);
      await expect(migrate({ url: own.href, log: silentLog })).rejects.toThrow(
        /inherits the role hive_limited/,
      );
      await root.query(
        `grant hive_tenant, hive_limited, hive_system to ${owner.name} with admin true, inherit false`,
      );
      await migrate({ url: own.href, log: silentLog });
      const logins = loginsOf({ user: owner.name, password: 'pass word/1' })!;
      made.unshift(...logins.map(({ role }) => role));
      const first = await connect({ url: own.href });
      expect((await whoIs(first.tenantPool)).c).toBe(`${owner.name}_tenant_login`);
      for (const { role } of logins) await root.query(`alter role ${role} password 'forgotten'`);
      const { systemPool, tenantPool } = await connect({ url: own.href });
      await systemPool.query(`select hive_ensure_event_partitions(now(), 2)`);
      await systemPool.query(
        `insert into event (workspace_id, subject_id, type) select id, id, 'x.y' from workspace`,
      );
      await systemPool.query(
        `select hive_drop_event_partition('event_' || to_char(now() at time zone 'utc', 'YYYYMMDD'))`,
      );
      // The floor moved: the owner, under forced row-level security itself, saw the row it dropped.
      expect((await systemPool.query(`select 1 from event_floor where seq > 0`)).rowCount).toBe(1);
      expect((await tenantPool.query('select 1 from workspace')).rowCount).toBe(0);
      const held = await tenantPool.connect();
      await held.query('begin; select pg_current_xact_id()');
      const age = await systemPool.query<{ age: number }>('select hive_event_horizon_age_ms() as age');
      expect(age.rows[0]!.age).toBeGreaterThan(0);
      await held.query('rollback');
      held.release();
      // A foreign key is checked for the owner, from whom row-level security hides nothing here.
      const [workspace] = (await systemPool.query<{ id: string }>('select id from workspace')).rows;
      await systemPool.query(`insert into crew (workspace_id, name) values ($1, 'c')`, [workspace!.id]);
    } finally {
      for (const database of open.splice(0)) await database.close();
      await root.end();
      await dropTestDatabase(other);
    }
  });

  it('says what to do when it may create no roles', async () => {
    const owner = await makeUser('nocreaterole');
    await expect(migrate({ url: owner.url, log: silentLog })).rejects.toThrow(
      new RegExp(`${owner.name} may not .*alter role ${owner.name} createrole.*HIVE_DATABASE_ADMIN_URL`),
    );
  });

  it('makes the roles with the rights of another user', async () => {
    const plain = await makeUser('nocreaterole');
    const { tenantPool } = await connect({ url: plain.url, adminUrl: url });
    expect((await whoIs(tenantPool)).s).toBe('hive_tenant_login');
  });
});

it('takes the roles on as the one user it has where it cannot log in as others, and says so', async () => {
  const plain = await makeUser('nocreaterole');
  await admin.query(
    `grant hive_tenant, hive_limited, hive_system to ${plain.name} with inherit false, set true`,
  );
  // Logins that may not log in stand for a pg_hba.conf that does not know them.
  for (const { role, group } of loginsOf({ user: plain.name, password: 'pass word/1' })!) {
    await admin.query(`create role ${role} nologin in role ${group}`);
    made.push(role);
  }
  const log = recordingLog();
  const { tenantPool, systemPool } = await connect({ url: plain.url, log });
  expect(await whoIs(tenantPool)).toEqual({ s: plain.name, c: 'hive_tenant' });
  expect(await whoIs(systemPool)).toEqual({ s: plain.name, c: 'hive_system' });
  const { id } = (await systemPool.query<{ id: string }>('select id from workspace')).rows[0]!;
  for (const projectIds of [undefined, []])
    expect(
      await sqlOfTenant(tenantPool, { workspaceId: id, projectIds }).rows('select id from workspace'),
    ).toEqual([{ id }]);
  await tenantPool.query('reset role');
  expect((await whoIs(tenantPool)).c).toBe('hive_tenant');
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      message: expect.stringMatching(/does not let the hive log in/),
    }),
  );
});

it('does not start where neither is possible', async () => {
  const plain = await makeUser('nocreaterole');
  // Neither may it make logins, nor is it a member of the roles.
  await expect(connect({ url: plain.url })).rejects.toThrow(
    /neither log in .*HIVE_DATABASE_ADMIN_URL.* nor take on their roles .*permission denied/,
  );
});
