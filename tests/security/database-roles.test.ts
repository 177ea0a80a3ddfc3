import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loginsOf } from '../../server/src/database/roles.ts';
import { startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
/** As somebody who got hold of the server's own ways into the database. */
let tenant: pg.Client;
let system: pg.Client;
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  const { username, password } = new URL(hive.databaseUrl);
  const logins = loginsOf({ user: username, password: decodeURIComponent(password) })!;
  [tenant, system] = (await Promise.all(
    (['hive_tenant', 'hive_system'] as const).map(async (group) => {
      const login = logins.find((each) => each.group === group)!;
      const url = new URL(hive.databaseUrl);
      url.username = login.role;
      url.password = login.password;
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      return client;
    }),
  )) as [pg.Client, pg.Client];
});
afterAll(async () => {
  await tenant?.end();
  await system?.end();
  await hive?.stop();
});

const code = (client: pg.Client, text: string) =>
  client.query(text).then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
/** 42501: may not. 42P17 and 0A000 where PostgreSQL has no such thing at all. */
const refused = /^(42501|0A000|25006)$/;

const owners = [
  'alter table task disable row level security',
  'alter table task no force row level security',
  'drop policy hive_tenant on task',
  'create policy all_of_it on task using (true)',
  'alter table audit_entry disable trigger all',
  'drop table audit_entry',
  'truncate audit_entry',
  'truncate task cascade',
  "set session_replication_role = 'replica'",
  'create table mine (x int)',
  'create schema mine',
  'create function mine() returns int language sql as $$ select 1 $$',
  'create extension dblink',
  'create role mallory superuser',
  'grant hive_system to hive_tenant',
  'alter role hive_system superuser',
  'alter role current_user bypassrls',
  "alter system set log_statement = 'none'",
  "copy task to '/tmp/hive-stolen'",
  "copy (select 1) to program 'id'",
  "select pg_read_file('/etc/passwd')",
  "select lo_import('/etc/passwd')",
  'select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user',
  'select * from pg_authid',
  'select * from pg_shadow',
  "update pg_class set relrowsecurity = false where relname = 'task'",
  'delete from audit_entry',
  "update audit_entry set action = 'nothing'",
  "update audit_seal set hash = sha256('')",
  'delete from audit_seal',
  'delete from audit_head',
];

describe.each([
  ['requests', () => tenant],
  ['the loops', () => system],
] as const)('the login of %s', (_, client) => {
  test.each(owners)('may not: %s', async (text) => {
    expect(await code(client(), text)).toMatch(refused);
  });

  test('may become nobody mightier', async () => {
    const { username } = new URL(hive.databaseUrl);
    for (const role of [
      username,
      'postgres',
      'pg_read_all_data',
      'pg_write_all_data',
      'pg_execute_server_program',
    ])
      expect(await code(client(), `set role ${pg.escapeIdentifier(role)}`)).toMatch(/^(42501|22023)$/);
    expect(await code(client(), `set session authorization ${pg.escapeIdentifier(username)}`)).toMatch(
      refused,
    );
  });
});

describe('the login of requests', () => {
  test.each([
    'select * from identity."user"',
    'select * from identity.session',
    'select * from identity.account',
    'select * from identity.jwks',
    'select * from identity.setup_token',
    'set role hive_system',
    'select hive_ensure_event_partitions(now(), 1)',
    "select hive_drop_event_partition('event_20260101')",
    "insert into audit_entry (workspace_id, actor_kind, action, outcome) values (uuidv7(), 'SYSTEM', 'x', 'ALLOWED')",
    "insert into audit_entry (workspace_id, at, actor_kind, action, outcome) values (uuidv7(), '2020-01-01', 'SYSTEM', 'x', 'ALLOWED')",
    "insert into workspace (slug, name) values ('mine', 'Mine')",
    'delete from workspace',
    'select * from event_default',
  ])('may not: %s', async (text) => {
    expect(await code(tenant, text)).toBe('42501');
  });

  test('sees nothing in any table until it says whose, and then nothing else', async () => {
    const { rows: tables } = await hive.pool.query<{ name: string; key: string }>(
      `select c.relname as name, case c.relname when 'workspace' then 'id' else 'workspace_id' end as key
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and has_table_privilege('hive_tenant', c.oid, 'select')
        and (c.relname = 'workspace' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id'))`,
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name, key } of tables) {
      const count = async (where = '') =>
        Number((await tenant.query<{ n: string }>(`select count(*) as n from ${name} ${where}`)).rows[0]!.n);
      expect([name, await count()]).toEqual([name, 0]);
      await tenant.query('begin');
      await tenant.query(`set local hive.workspace_id = '${hive.home}'`);
      expect([name, await count(`where ${key} <> '${hive.home}'`)]).toEqual([name, 0]);
      await tenant.query('rollback');
    }
    // Switched off by the session, it is an error and not everything.
    await tenant.query('set row_security = off');
    expect(await code(tenant, 'select * from task')).toBe('42501');
    await tenant.query('reset row_security');
  });

  test('writes nothing into another workspace, also not by moving a row there', async () => {
    await hive.do(
      hive.ada.headers(hive.home),
      `mutation { createTask(input: { title: "mine", instruction: "i", runAt: "2100-01-01T00:00:00Z" }) { __typename } }`,
    );
    const within = async (text: string) => {
      await tenant.query('begin');
      await tenant.query(`set local hive.workspace_id = '${hive.home}'`);
      const outcome = await code(tenant, text);
      await tenant.query('rollback');
      return outcome;
    };
    expect(await within(`insert into crew (workspace_id, name) values ('${hive.abroad}', 'planted')`)).toBe(
      '42501',
    );
    expect(await within(`update task set workspace_id = '${hive.abroad}'`)).toBe('42501');
    expect(await within(`update task set title = title where workspace_id = '${hive.home}'`)).toBe('done');
    const names = await hive.pool.query(`select 1 from crew where name = 'planted'`);
    expect(names.rowCount).toBe(0);
  });

  test('is not fooled by a workspace that is no id', async () => {
    for (const value of ["' or true --", '*', '00000000-0000-0000-0000-000000000000']) {
      await tenant.query('begin');
      await tenant.query(`select set_config('hive.workspace_id', $1, true)`, [value]);
      const outcome = await tenant.query('select count(*)::int as n from task').then(
        ({ rows }) => (rows[0] as { n: number }).n,
        (error: { code?: string }) => error.code,
      );
      expect([0, '22P02']).toContain(outcome);
      await tenant.query('rollback');
    }
  });
});
