import { randomBytes } from 'node:crypto';
import { getMigrations } from 'better-auth/db/migration';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { sqlOfPool } from '../stores/sql.ts';
import { authOptions } from './auth-instance.ts';
import { createMembershipPorts } from './membership-ports.ts';
import { inIdentityTransaction } from './transaction.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('has every table and column that better-auth wants', async () => {
  const { systemPool: pool, workspaceId } = database;
  const sql = sqlOfPool(pool);
  const client = { clientId: 'hive', clientSecret: 'between us' };
  const oidc = { ...client, issuer: 'https://id.example', name: 'Our login' };
  const options = authOptions(
    {
      pool,
      secretKeys: { current: { version: 1, key: randomBytes(32) } },
      sessionDays: 30,
      serviceIssuer: 'https://hive.example',
      oauth: { github: client, google: client, oidc },
      isTrustedOrigin: () => true,
      throttle: async () => ({ allowed: true, retryAfterMs: 0 }),
      onEvent: async () => {},
      members: createMembershipPorts({
        systemSql: sql,
        inSystemTransaction: (work) => inIdentityTransaction(pool, work),
        homeWorkspaceId: workspaceId,
        onChanged: () => {},
      }),
      log: silentLog,
    },
    sql,
    'https://hive.example',
    oidc,
  );
  const missing = async () => {
    const { toBeCreated, toBeAdded } = await getMigrations(options);
    return [...toBeCreated, ...toBeAdded].map(({ table, fields }) => [table, Object.keys(fields)]);
  };
  expect(await missing()).toEqual([]);
  // And it would notice.
  await database.pool.query('alter table identity.passkey drop column aaguid; drop table identity.jwks');
  expect(await missing()).toEqual([
    ['jwks', expect.any(Array)],
    ['passkey', ['aaguid']],
  ]);
});

it('is open to the role of the system, and to no other', async () => {
  const { rows } = await database.systemPool.query('select count(*)::int as count from identity.session');
  expect(rows).toEqual([{ count: 0 }]);
  const tables = await database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'identity'`,
  );
  expect(tables.rows.length).toBeGreaterThan(8);
  for (const { name } of tables.rows)
    await expect(database.tenantPool.query(`select 1 from identity."${name}"`)).rejects.toThrow(
      'permission denied for schema identity',
    );
});
