import { getMigrations } from 'better-auth/db/migration';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authOptions } from '../../../server/src/identity/auth-instance.ts';
import { sqlOfPool } from '../../../server/src/stores/sql.ts';
import { startIdentity, type TestHive } from './identity-server.ts';

let hive: TestHive;
beforeAll(async () => {
  hive = await startIdentity();
});
afterAll(() => hive.stop());

test('the migration has every table and column that better-auth wants', async () => {
  const oidc = { clientId: 'x', clientSecret: 'x', issuer: 'https://id.example', name: 'X' };
  const options = authOptions(hive.options, sqlOfPool(hive.database.systemPool), hive.baseUrl, oidc);
  const { toBeCreated, toBeAdded } = await getMigrations(options);
  expect(toBeCreated.map(({ table }) => table)).toEqual([]);
  expect(toBeAdded.map(({ table, fields }) => [table, Object.keys(fields)])).toEqual([]);
});

test('only the role of the system reaches it', async () => {
  const { rows } = await hive.database.systemPool.query('select count(*)::int as count from identity.session');
  expect(rows).toEqual([{ count: 0 }]);
  const { rows: tables } = await hive.database.pool.query(
    `select table_name as name from information_schema.tables where table_schema = 'identity'`,
  );
  expect(tables.length).toBeGreaterThan(8);
  for (const { name } of tables)
    await expect(hive.database.tenantPool.query(`select 1 from identity."${name}"`)).rejects.toThrow(
      'permission denied for schema identity',
    );
});
