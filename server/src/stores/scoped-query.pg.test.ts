import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { ScopedQuery } from './scoped-query.ts';
import { sqlOfTenant } from './tenancy.ts';

let database: TestDatabase;
let pool: pg.Pool;
let workspaces: string[];
beforeAll(async () => {
  database = await createTestDatabase();
  const { rows } = await database.pool.query<{ id: string }>(
    `insert into workspace (slug, name) select 'w' || n, 'W' from generate_series(1, 20) n returning id`,
  );
  workspaces = rows.map(({ id }) => id);
});
afterAll(() => database.drop());
beforeEach(() => {
  const { options } = database.tenantPool;
  // A pool hides its password from copies.
  pool = new pg.Pool({ ...options, password: options.password, max: 1 } as pg.PoolConfig);
});
afterEach(() => pool.end());

const settings = `select coalesce(current_setting('hive.workspace_id', true), '') as workspace,
  coalesce(current_setting('hive.project_ids', true), '') as projects, current_user as role`;
const tenant = { projects: '', role: 'hive_tenant_login' };
const nothing = [{ workspace: '', ...tenant }];
const sqlOf = (workspaceId: string, projectIds?: string[]) => sqlOfTenant(pool, { workspaceId, projectIds });
/** One connection for several statements: a pool ends one whose statement failed. */
async function onOneClient(
  work: (run: (query: ScopedQuery) => Promise<pg.QueryResult>, client: pg.PoolClient) => Promise<void>,
) {
  const client = await pool.connect();
  const run = (query: ScopedQuery) =>
    new Promise<pg.QueryResult>((resolve, reject) =>
      (client.query as unknown as (query: ScopedQuery, done: unknown) => void).call(
        client,
        query,
        (error: Error | null, result: pg.QueryResult) => (error ? reject(error) : resolve(result)),
      ),
    );
  try {
    await work(run, client);
  } finally {
    client.release(true);
  }
}
const query = (
  workspaceId: string,
  text: string,
  options: { name?: string; values?: unknown[]; rowMode?: 'array' } = {},
) => new ScopedQuery([workspaceId], { values: [], ...options, text });

describe('a scoped statement', () => {
  it('has its settings, and the next one on the connection has none of them', async () => {
    for (const name of ['', '/* settingsNow */ ']) {
      expect(await sqlOf('w', ['p', 'q']).rows(name + settings)).toEqual([
        { workspace: 'w', projects: '{p,q}', role: 'hive_limited' },
      ]);
      expect((await pool.query(settings)).rows).toEqual(nothing);
      expect(await sqlOf('v').rows(name + settings)).toEqual([{ workspace: 'v', ...tenant }]);
    }
  });

  it('limited to projects keeps plans of its own', async () => {
    await onOneClient(async (run, client) => {
      const limited = () => new ScopedQuery(['w', '{}'], { text: 'select 1', name: 'both', values: [] });
      for (let times = 0; times < 3; times += 1) {
        await run(limited());
        await run(query('w', 'select 1', { name: 'both' }));
      }
      const { rows } = await client.query<{ name: string }>(
        `select name from pg_prepared_statements order by 1`,
      );
      expect(rows.map(({ name }) => name)).toEqual([
        'both',
        'both_limited',
        'hive_limited_scope',
        'hive_scope',
      ]);
    });
  });

  it('tells no projects from all projects', async () => {
    expect(await sqlOf('w', []).rows(settings)).toEqual([
      { workspace: 'w', projects: '{}', role: 'hive_limited' },
    ]);
  });

  it('gives rows as arrays, several columns of one name included', async () => {
    await onOneClient(async (run) => {
      const text = `/* twice */ select 1 as a, $1::text as a from generate_series(1, 2)`;
      const options = { name: 'twice', values: ['x'], rowMode: 'array' as const };
      for (let times = 0; times < 2; times += 1)
        expect((await run(query('w', text, options))).rows).toEqual([
          [1, 'x'],
          [1, 'x'],
        ]);
    });
  });

  it('reports the command and the number of rows of the statement itself', async () => {
    await onOneClient(async (run) => {
      const result = await run(query(workspaces[0]!, `update workspace set name = 'X' where true`));
      expect(result).toMatchObject({ command: 'UPDATE', rowCount: 1, rows: [] });
    });
  });

  it('serves many at a time over few connections, each with its own', async () => {
    pool.options.max = 3;
    const asked = Array.from({ length: 300 }, (_, index) => workspaces[index % workspaces.length]!);
    const answers = await Promise.all(
      asked.map((id, index) =>
        sqlOf(id).rows<{ id: string }>(`${index % 2 ? '/* many */ ' : ''}select id from workspace`),
      ),
    );
    expect(answers.map((rows) => rows.map(({ id }) => id))).toEqual(asked.map((id) => [id]));
  });

  it('prepares the setting and each named statement once a connection', async () => {
    await onOneClient(async (run, client) => {
      for (const id of workspaces) await run(query(id, 'select 1 as named', { name: 'named' }));
      const { rows } = await client.query<{ name: string; n: string }>(
        `select name, generic_plans + custom_plans as n from pg_prepared_statements order by 1`,
      );
      expect(rows).toEqual([
        { name: 'hive_scope', n: String(workspaces.length) },
        { name: 'named', n: String(workspaces.length) },
      ]);
    });
  });
});

describe('after an error the connection serves the next statement', () => {
  it.each([
    ['that does not parse', query('w', 'select from from', { name: 'broken' })],
    ['that names what there is not', query('w', 'select nothing from task', { name: 'broken' })],
    ['that fails at the first row', query('w', 'select 1 / $1::int', { name: 'broken', values: [0] })],
    ['with a value of another type', query('w', 'select $1::int', { name: 'broken', values: ['x'] })],
    ['with too few values', query('w', 'select $1::int, $2::int', { name: 'broken', values: [1] })],
    ['whose setting is refused', query('w\0', 'select 1', { name: 'broken' })],
    ['without a name', query('w', 'select from from')],
  ])('of a statement %s', async (_, broken) => {
    await onOneClient(async (run, client) => {
      await expect(run(broken)).rejects.toThrow();
      expect((await client.query(settings)).rows).toEqual(nothing);
      expect((await run(query('w', settings, { name: 'after' }))).rows).toEqual([
        { workspace: 'w', ...tenant },
      ]);
      // The name is free for a statement that parses.
      expect((await run(query('w', 'select 2 as two', { name: 'unbroken' }))).rows).toEqual([{ two: 2 }]);
    });
  });

  it('and the name of a statement that did not parse can be used again', async () => {
    await onOneClient(async (run) => {
      await expect(run(query('w', 'select from from', { name: 'reused' }))).rejects.toMatchObject({
        code: '42601',
      });
      expect((await run(query('w', 'select 3 as three', { name: 'reused' }))).rows).toEqual([{ three: 3 }]);
      await expect(run(query('w', 'select 4', { name: 'reused' }))).rejects.toThrow(/must be unique: reused/);
      expect((await run(query('w', 'select 3 as three', { name: 'reused' }))).rows).toEqual([{ three: 3 }]);
    });
  });

  it('in the setting itself, before the statement behind it was parsed', async () => {
    await onOneClient(async (run, client) => {
      const text = 'select id from workspace';
      await run(query(workspaces[0]!, 'select 1'));
      await client.query('deallocate hive_scope');
      await expect(run(query(workspaces[0]!, text, { name: 'skipped' }))).rejects.toMatchObject({
        code: '26000',
      });
      // pg still takes the setting for prepared; the statement it must not.
      await client.query(`prepare hive_scope as select set_config('hive.workspace_id', $1, true)`);
      expect((await run(query(workspaces[0]!, text, { name: 'skipped' }))).rows).toEqual([
        { id: workspaces[0] },
      ]);
    });
  });

  it('and an error undoes what the statement wrote', async () => {
    const [id] = workspaces;
    await expect(
      sqlOf(id!).rows(
        `with w as (update workspace set name = 'half' returning 1) select 1 / (count(*) - 1) from w`,
      ),
    ).rejects.toThrow(/division by zero/);
    expect(await sqlOf(id!).rows('select name from workspace')).not.toContainEqual({ name: 'half' });
  });
});
