import { test, expect } from 'vitest';
import { createTestDatabase } from '../../../tests/support/database.ts';
test('a cloned database is migrated', async () => {
  const database = await createTestDatabase();
  const rows = await database.pool.query('select count(*)::int as n from workspace');
  expect(rows.rows[0]).toEqual({ n: 1 });
  await database.drop();
});
