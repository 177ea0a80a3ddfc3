import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { sqlOfPool } from '../stores/sql.ts';
import { ensureEventPartitions } from '../stores/event-partitions.ts';
import { sqlOfTenant } from '../stores/tenancy.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  // One that was made by the running server, as it is every day.
  await ensureEventPartitions(sqlOfPool(database.systemPool), new Date('2031-05-01T12:00:00Z'), 1);
});
afterAll(() => database.drop());

const owner = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool.query<Row>(text, values)).rows;

/** What concerns a workspace as a whole, and is seen by who sees only some of its projects. A table added here is a decision. */
const unlimitable = new Set([
  ...['workspace', 'crew', 'agent', 'idempotency_key', 'membership', 'invitation', 'api_key', 'secret'],
  ...['audit_entry', 'audit_origin', 'audit_seal', 'audit_head'],
]);

interface TableFacts {
  name: string;
  isPartition: boolean;
  secured: boolean;
  forced: boolean;
  policies: string[];
}

/** Every table of a workspace: the one of workspaces itself, and those with the column. */
const tablesOfWorkspaces = () =>
  owner<TableFacts>(
    `select c.relname as name, c.relispartition as "isPartition", c.relrowsecurity as secured,
      c.relforcerowsecurity as forced,
      array(select p.polname::text || ' ' || array_to_string(p.polroles::regrole[], ',') || ' ' || p.polcmd::text || case when p.polpermissive then '' else ' restrictive' end
        from pg_policy p where p.polrelid = c.oid order by 1) as policies
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and (c.relname = 'workspace' or exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped))
    order by 1`,
  );

describe('every table of a workspace', () => {
  it('is under forced row-level security, with a policy for either role', async () => {
    const tables = await tablesOfWorkspaces();
    expect(tables.length).toBeGreaterThanOrEqual(17);
    expect(tables.filter((table) => table.isPartition).length).toBeGreaterThanOrEqual(3);
    for (const { name, secured, forced, policies } of tables) {
      expect({ name, secured, forced }).toEqual({ name, secured: true, forced: true });
      // Other policies may exist for the owner's functions, none for whom the server logs in as.
      const ours = policies.filter((policy) => /hive_(tenant|limited|system)|^\S+ - /.test(policy));
      const limited = unlimitable.has(name) ? [] : ['hive_limited hive_limited * restrictive'];
      expect({ name, ours }).toEqual({
        name,
        ours: [...limited, 'hive_system hive_system *', 'hive_tenant hive_tenant *'],
      });
    }
  });

  it('lets a tenant see and write what has its workspace, and nothing else', async () => {
    const rows = await owner<{ name: string; using: string; check: string }>(
      `select tablename as name, qual as using, with_check as check from pg_policies
      where schemaname = 'public' and policyname = 'hive_tenant'`,
    );
    for (const { name, using, check } of rows) {
      const own = name === 'workspace' ? 'id' : 'workspace_id';
      for (const text of [using, check])
        expect({ name, text }).toEqual({ name, text: `(${own} = hive_workspace_id())` });
    }
  });
});

describe('rights', () => {
  it('on tables are those of the two roles, and of nobody by way of a partition', async () => {
    const grants = await owner<{ relation: string; grantee: string; privileges: string; partition: boolean }>(
      `select c.relname as relation, coalesce(nullif(a.grantee, 0)::regrole::text, 'public') as grantee,
        c.relispartition as partition, string_agg(a.privilege_type, ',' order by a.privilege_type) as privileges
      from pg_class c, aclexplode(c.relacl) a
      where c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'identity'))
        and c.relkind in ('r', 'p', 'v', 'm', 'S') and a.grantee <> c.relowner
      group by 1, 2, 3`,
    );
    expect([...new Set(grants.map(({ grantee }) => grantee))].sort()).toEqual(['hive_system', 'hive_tenant']);
    expect(grants.filter(({ partition }) => partition)).toEqual([]);
    expect(
      grants.filter(({ privileges }) => /TRUNCATE|TRIGGER|REFERENCES|MAINTAIN/.test(privileges)),
    ).toEqual([]);
    const tables = new Set((await tablesOfWorkspaces()).map(({ name }) => name));
    const shared = grants.filter(
      ({ relation, grantee }) => grantee === 'hive_tenant' && !tables.has(relation),
    );
    // What belongs to no workspace a tenant may read at most, and only this.
    expect(shared.filter(({ privileges }) => privileges !== 'SELECT')).toEqual([]);
    for (const { relation } of shared)
      expect(['event_floor', 'audit_sealer', 'master_key']).toContain(relation);
  });

  it('to the schema of identities has only the system', async () => {
    const rows = await owner<{ tenant: boolean; system: boolean }>(
      `select has_schema_privilege('hive_tenant', oid, 'USAGE') as tenant,
        has_schema_privilege('hive_system', oid, 'USAGE') as system from pg_namespace where nspname = 'identity'`,
    );
    for (const row of rows) expect(row).toEqual({ tenant: false, system: true });
  });

  it('of the owner are lent by functions with a pinned path, to the system alone', async () => {
    const rows = await owner<{ name: string; path: string | null; tenant: boolean; everybody: boolean }>(
      `select p.proname as name, (select s from unnest(p.proconfig) s where s like 'search_path=%') as path,
        has_function_privilege('hive_tenant', p.oid, 'EXECUTE') as tenant,
        p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0) as everybody
      from pg_proc p where p.prosecdef and p.pronamespace = 'public'::regnamespace order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['hive_drop_event_partition', 'hive_ensure_event_partitions']),
    );
    for (const { name, path, tenant, everybody } of rows) {
      expect({ name, tenant, everybody }).toEqual({ name, tenant: false, everybody: false });
      expect(path, name).toMatch(/^search_path=pg_catalog(, public)?, pg_temp$/);
    }
  });

  it('to make something in the database have neither of them', async () => {
    for (const pool of [database.tenantPool, database.systemPool]) {
      for (const statement of [
        'create table mine (id int)',
        'create schema mine',
        'alter table task disable row level security',
        'drop policy hive_tenant on task',
        'alter role hive_tenant bypassrls',
        `select hive_protect_table('task')`,
        'truncate task',
        'drop table event_20310501',
      ])
        await expect(pool.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('belong to logins that own nothing and can nothing else', async () => {
    const logins = await owner<{ name: string; owned: number; mighty: boolean; groups: string[] }>(
      `select r.rolname as name, r.rolsuper or r.rolbypassrls or r.rolcreatedb or r.rolcreaterole or r.rolreplication as mighty,
        (select count(*)::int from pg_shdepend d where d.refobjid = r.oid and d.deptype = 'o') as owned,
        array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid) as groups
      from pg_roles r where r.rolcanlogin and r.rolname like '%\\_login' order by 1`,
    );
    expect(logins).toEqual([
      { name: 'hive_system_login', owned: 0, mighty: false, groups: ['hive_system'] },
      { name: 'hive_tenant_login', owned: 0, mighty: false, groups: ['hive_tenant', 'hive_limited'] },
    ]);
    const who = async (pool: TestDatabase['pool']) =>
      (await pool.query<{ who: string }>('select session_user as who')).rows[0]!.who;
    expect(await who(database.tenantPool)).toBe('hive_tenant_login');
    expect(await who(database.systemPool)).toBe('hive_system_login');
  });
});

describe('a tenant', () => {
  let other: string;
  beforeAll(async () => {
    other = (
      await owner<{ id: string }>(`insert into workspace (slug, name) values ('b', 'B') returning id`)
    )[0]!.id;
    await owner(`insert into goal (workspace_id, text) values ($1, 'secret of B')`, [other]);
  });

  it.each([
    'reset role',
    'set role none',
    'set role hive_system',
    'set role hive',
    'set session authorization hive_system_login',
    'set session authorization default',
    'set row_security = off',
    'reset all',
    `set local role hive_system`,
  ])('sees nothing more after "%s"', async (statement) => {
    const client = await database.tenantPool.connect();
    try {
      await client.query('begin');
      await client.query(`select set_config('hive.workspace_id', $1, true)`, [database.workspaceId]);
      await client.query('savepoint before');
      await client.query(statement).catch(() => client.query('rollback to savepoint before'));
      const seen = await client.query(`select text from goal`).then(
        ({ rows }) => rows as unknown[],
        (error: { code?: string }) => error.code,
      );
      // Told not to apply the policies, PostgreSQL refuses instead of leaving rows out.
      expect(statement.includes('row_security') ? ['42501'] : [[]]).toContainEqual(seen);
    } finally {
      await client.query('rollback');
      client.release(true);
    }
  });

  it('cannot reach a partition by its name', async () => {
    for (const partition of ['event_default', 'event_20310501'])
      await expect(
        sqlOfTenant(database.tenantPool, { workspaceId: other }).rows(`select 1 from ${partition}`),
      ).rejects.toMatchObject({ code: '42501' });
  });

  it('cannot refer to the row of another in a way that the managers rely on', async () => {
    const mine = sqlOfTenant(database.tenantPool, { workspaceId: database.workspaceId });
    const [seen] = await mine.rows<{ n: number }>(
      `select count(*)::int as n from goal join workspace on workspace.id = goal.workspace_id`,
    );
    expect(seen!.n).toBe(0);
    expect(await mine.rows('select slug from workspace')).toEqual([{ slug: 'default' }]);
  });
});
