import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { Workspace } from '../entities/workspace.ts';
import { findRows } from './entity-rows.ts';
import { sqlOfPool, textArray, wordArray } from './sql.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('writes arrays that PostgreSQL reads back as they were', async () => {
  const texts = ['', 'plain', 'a,b', '"quoted"', 'back\\slash', '{}', 'null', "it's", ' x '];
  const [row] = await sqlOfPool(database.pool).rows<{ texts: string[]; words: number[] }>(
    'select $1::text[] as texts, $2::int[] as words',
    [textArray(texts), wordArray([1, -2])],
  );
  expect(row).toEqual({ texts, words: [1, -2] });
});

it('reads the same rows as the ORM does, inside a transaction and outside', async () => {
  const em = database.orm.em.fork();
  const where = { slug: 'default' };
  const [expected] = await em.find(Workspace, where, { disableIdentityMap: true });
  const plain = JSON.stringify(expected);
  expect(JSON.stringify((await findRows(em, Workspace, where))[0])).toBe(plain);
  const inside = await em.transactional((inner) => findRows(inner as typeof em, Workspace, where));
  expect(JSON.stringify(inside[0])).toBe(plain);
});
