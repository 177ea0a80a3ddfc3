import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { sqlOfTenant } from '../stores/tenancy.ts';

// Statements without any filter, on every table there is. The copy of the database that this file works on loses its other
// constraints first, so that a row of any table needs nothing but its workspace: a table added later is tested with no line here.
let database: TestDatabase;
let [mine, theirs]: [string, string] = ['', ''];
const tables: { name: string; key: string; may: { [privilege: string]: boolean } }[] = [];

const owner = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool.query<Row>(text, values)).rows;

beforeAll(async () => {
  database = await createTestDatabase();
  mine = database.workspaceId;
  theirs = (
    await owner<{ id: string }>(`insert into workspace (slug, name) values ('b', 'B') returning id`)
  )[0]!.id;
  const found = await owner<{ name: string; may: { [privilege: string]: boolean } }>(
    `select c.relname as name, (select json_object_agg(p, has_any_column_privilege('hive_tenant', c.oid, p))
        from unnest('{SELECT,INSERT,UPDATE}'::text[]) p) as may
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  for (const table of found) tables.push({ ...table, key: 'workspace_id' });
  await stripConstraints(tables.map(({ name }) => name));
  for (const { name } of tables)
    await owner(`insert into ${name} (workspace_id) values ($1), ($2)`, [mine, theirs]);
  tables.push({ name: 'workspace', key: 'id', may: { SELECT: true, INSERT: false, UPDATE: true } });
});
afterAll(() => database.drop());

async function stripConstraints(names: readonly string[]): Promise<void> {
  for (const type of ['f', 'c', 'p', 'u']) {
    const constraints = await owner<{ name: string; relation: string }>(
      `select conname as name, conrelid::regclass::text as relation from pg_constraint
      where contype = $1 and conrelid = any($2::regclass[]) and conislocal`,
      [type, names],
    );
    for (const { name, relation } of constraints)
      await owner(`alter table ${relation} drop constraint if exists ${pg.escapeIdentifier(name)} cascade`);
  }
  for (const name of names) {
    await owner(`alter table ${name} disable trigger user`);
    const columns = await owner<{ column: string }>(
      `select attname as column from pg_attribute where attrelid = $1::regclass and attnum > 0 and attnotnull
      and not attisdropped and attidentity = '' and attname <> 'workspace_id'`,
      [name],
    );
    for (const { column } of columns)
      await owner(`alter table ${name} alter column ${pg.escapeIdentifier(column)} drop not null`);
  }
}

const asMe = () => sqlOfTenant(database.tenantPool, { workspaceId: mine });
const count = async (name: string, key: string, workspaceId: string) =>
  (await owner<{ n: number }>(`select count(*)::int as n from ${name} where ${key} = $1`, [workspaceId]))[0]!
    .n;
/** Row-level security refuses with the same code as a missing right. */
const refused = { code: '42501' };

describe('a statement without any filter', () => {
  it('reads the rows of its workspace', async () => {
    for (const { name, key } of tables) {
      const rows = await asMe().rows<{ id: string }>(`select ${key} as id from ${name}`);
      expect({ name, found: [...new Set(rows.map(({ id }) => id))] }).toEqual({ name, found: [mine] });
    }
  });

  it('reads nothing when nobody said whose', async () => {
    for (const { name } of tables) {
      const { rows } = await database.tenantPool.query(`select 1 from ${name}`);
      expect({ name, rows }).toEqual({ name, rows: [] });
    }
    await database.tenantPool.query(`select set_config('hive.workspace_id', '', false)`);
    const { rows } = await database.tenantPool.query('select 1 from task');
    expect(rows).toEqual([]);
  });

  it('changes and deletes no other rows', async () => {
    for (const { name, key, may } of tables) {
      const before = await count(name, key, theirs);
      if (may['UPDATE']) {
        await asMe()
          .rows(`update ${name} set ${key} = ${key}`)
          .catch((error: unknown) => expect(error).toMatchObject(refused));
        await expect(asMe().rows(`update ${name} set ${key} = $1`, [theirs]), name).rejects.toMatchObject(
          refused,
        );
      }
      await asMe()
        .rows(`delete from ${name}`)
        .catch((error: unknown) => expect(error).toMatchObject(refused));
      expect({ name, theirs: await count(name, key, theirs) }).toEqual({ name, theirs: before });
      expect(before, name).toBeGreaterThanOrEqual(1);
    }
  });

  it('writes no row into another workspace', async () => {
    for (const { name, key } of tables)
      await expect(
        asMe().rows(`insert into ${name} (${key}) values ($1)`, [theirs]),
        name,
      ).rejects.toMatchObject(refused);
  });
});
