import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { request } from '../../support/graphql-client.ts';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

it('answers far more requests at once than it executes at a time', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => request(api.url, '{ agents { totalCount } }')),
  );
  expect(answers.every((answer) => answer.errors === undefined)).toBe(true);
});

it('is not filled up by subscriptions that stay open', async () => {
  const closing = new AbortController();
  const open = await Promise.all(
    Array.from({ length: 20 }, () =>
      fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: 'subscription { systemHealth { status } }' }),
        signal: closing.signal,
      }),
    ),
  );
  expect(open.map((response) => response.status)).toEqual(Array<number>(20).fill(200));
  expect((await request(api.url, '{ viewer { workspaceName } }')).errors).toBeUndefined();
  closing.abort();
  await Promise.all(open.map((response) => response.text().catch(() => '')));
});
