import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { Workspace } from '../entities/workspace.ts';
import { countRows, findRows } from './entity-rows.ts';
import { sqlOfPool, textArray, wordArray } from './sql.ts';
import { forkForTenant } from './tenancy.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('writes arrays that PostgreSQL reads back as they were', async () => {
  const texts = ['', 'plain', 'a,b', '"quoted"', 'back\\slash', '{}', 'null', "it's", ' x '];
  const [row] = await sqlOfPool(database.systemPool).rows<{ texts: string[]; words: number[] }>(
    'select $1::text[] as texts, $2::int[] as words',
    [textArray(texts), wordArray([1, -2])],
  );
  expect(row).toEqual({ texts, words: [1, -2] });
});

it('reads the same rows as the ORM does', async () => {
  const where = { slug: 'default' };
  const expected = await database.orm.em.fork().transactional(async (em) => {
    const setting = `select set_config('hive.workspace_id', ?, true)`;
    await em.getConnection().execute(setting, [database.workspaceId], 'all', em.getTransactionContext());
    return em.find(Workspace, where, { disableIdentityMap: true });
  });
  expect(expected).toHaveLength(1);
  const em = forkForTenant(database.orm, { workspaceId: database.workspaceId });
  expect(JSON.stringify(await findRows(em, Workspace, where))).toBe(JSON.stringify(expected));
  expect(await countRows(em, Workspace, where)).toBe(1);
});

it('reads nothing with an entity manager of no tenant', async () => {
  const em = database.orm.em.fork();
  expect(await findRows(em, Workspace, {})).toEqual([]);
  expect(await countRows(em, Workspace, {})).toBe(0);
});
