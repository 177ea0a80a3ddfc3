import { auditServer } from 'graphql-http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

test('every MUST, SHOULD and MAY of the GraphQL over HTTP audit holds', async () => {
  const results = await auditServer({ url: `${api.url}/graphql`, fetchFn: fetch });
  expect(results.length).toBeGreaterThan(50);
  expect(results.flatMap((audit) => (audit.status === 'ok' ? [] : [`${audit.id} ${audit.name}`]))).toEqual(
    [],
  );
});
