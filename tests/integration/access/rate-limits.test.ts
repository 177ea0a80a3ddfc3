import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { as } from '../../support/principals.ts';
import { openRaw, subscribeTo } from '../../support/raw-socket.ts';

let database: TestDatabase;
const apis: TestApi[] = [];
/** Nobody waits for these to fill up again. */
const security = { rateBurst: 3, rateRefillSeconds: 3_600, anonymousBurst: 2, anonymousRefillSeconds: 1_800 };

async function start(more: Partial<typeof security> = {}): Promise<TestApi> {
  const api = await startTestApi(database, {
    security: { ...security, ...more },
    server: { trustedProxies: ['127.0.0.1'] },
  });
  apis.push(api);
  for (const name of ['ada', 'bob']) api.cast.add(name, { role: 'OWNER' });
  api.cast.add('key', { role: 'OWNER', kind: 'API_KEY', userId: 'somebody' });
  return api;
}

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await Promise.all(apis.map((api) => api.close()));
  await database?.drop();
});

const from = (address: string) => ({ 'x-forwarded-for': address });
const ask = (api: TestApi, headers: Record<string, string>) =>
  fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{ __typename }"}',
  });
const limitsOf = ({ headers }: Response) => [
  headers.get('ratelimit-policy'),
  headers.get('ratelimit'),
  headers.get('retry-after'),
];

test('each answer tells what is left, and the refusal when to come back', async () => {
  const api = await start();
  expect(limitsOf(await ask(api, as('ada')))).toEqual(['"user";q=3;w=3600', '"user";r=2;t=1200', null]);
  expect(limitsOf(await ask(api, as('ada')))[1]).toBe('"user";r=1;t=2400');
  await ask(api, as('ada'));
  const refused = await ask(api, as('ada'));
  expect([refused.status, ...limitsOf(refused)]).toEqual([
    429,
    '"user";q=3;w=3600',
    '"user";r=0;t=3600',
    '1200',
  ]);
  const { errors } = (await refused.json()) as { errors: { extensions: { retryAfterMs: number } }[] };
  expect(errors).toEqual([
    {
      message: expect.stringContaining('3 requests'),
      extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) },
    },
  ]);
  expect(errors[0]!.extensions.retryAfterMs).toBeGreaterThan(1_190_000);
});

test('people, keys and strangers each have their own room, wherever they come from', async () => {
  const api = await start();
  for (let round = 0; round < 4; round += 1) await ask(api, { ...as('ada'), ...from('203.0.113.1') });
  expect((await ask(api, { ...as('ada'), ...from('203.0.113.2') })).status).toBe(429);
  expect((await ask(api, { ...as('bob'), ...from('203.0.113.1') })).status).toBe(200);
  const key = await ask(api, { ...as('key'), ...from('203.0.113.1') });
  expect([key.status, limitsOf(key)[0]]).toEqual([200, '"key";q=3;w=3600']);
});

test('an address nobody signs in from gets its own, smaller one, and IPv6 counts by network', async () => {
  const api = await start();
  const guess = (address: string) => ask(api, { ...as('nobody'), ...from(address) });
  const first = await guess('2001:db8::1');
  expect([first.status, limitsOf(first)[0]]).toEqual([401, '"anonymous";q=2;w=1800']);
  expect((await guess('2001:db8::2')).status).toBe(401);
  expect((await guess('2001:db8::3')).status).toBe(429);
  expect((await guess('2001:db8:0:1::3')).status).toBe(401);
  // Somebody who is known is not held up by strangers behind the same address.
  expect((await ask(api, { ...as('ada'), ...from('2001:db8::1') })).status).toBe(200);
});

test('whoever is at the machine of a hive without an owner is not limited', async () => {
  const api = await start();
  for (let round = 0; round < 10; round += 1) {
    const answer = await ask(api, {});
    expect([answer.status, ...limitsOf(answer)]).toEqual([200, null, null, null]);
  }
});

test('0 is no limit', async () => {
  const api = await start({ rateBurst: 0 });
  for (let round = 0; round < 10; round += 1) expect((await ask(api, as('ada'))).status).toBe(200);
});

test('the app, the health and files are not counted: a page takes more of them than a stranger may ask', async () => {
  const api = await start();
  for (let round = 0; round < 10; round += 1) {
    expect((await fetch(`${api.url}/assets/gone.js`, { headers: from('203.0.113.1') })).status).toBe(404);
    expect((await fetch(`${api.url}/health`, { headers: from('203.0.113.1') })).status).toBe(200);
  }
});

test('operations on a WebSocket count like requests; the socket stays and says when to come back', async () => {
  const api = await start();
  const raw = await openRaw(api.url, { init: as('ada') });
  for (const id of ['1', '2', '3', '4']) raw.send(subscribeTo(id, '{ __typename }'));
  const answers = [];
  while (answers.length < 7) answers.push(await raw.next());
  expect(answers.filter(({ type }) => type === 'complete')).toHaveLength(3);
  expect(answers.find(({ type }) => type === 'error')).toMatchObject({
    payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }],
  });
  expect((await ask(api, as('ada'))).status).toBe(429);
  raw.send({ type: 'ping' });
  expect(await raw.next()).toEqual({ type: 'pong' });
  raw.socket.terminate();
});

test('an address may open only so many WebSockets', async () => {
  const api = await start();
  const headers = from('203.0.113.1');
  const opened = [];
  for (let round = 0; round < 3; round += 1)
    opened.push(await openRaw(api.url, { headers, init: as('ada') }));
  await expect(openRaw(api.url, { headers, init: as('ada') })).rejects.toThrow('429');
  for (const { socket } of opened) socket.terminate();
});
