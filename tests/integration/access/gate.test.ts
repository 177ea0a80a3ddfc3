import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { networkInterfaces } from 'node:os';
import type { Authenticator } from '../../../server/src/engines/security/principal.ts';
import { DomainError } from '../../../server/src/lib/errors.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { as } from '../../support/principals.ts';

let database: TestDatabase;
/** Nobody owns it. */
let fresh: TestApi;
/** Somebody does. */
let owned: TestApi;

/** Through the proxy that the servers trust: from another machine. */
const remote = { 'x-forwarded-for': '203.0.113.9' };
const json = { 'content-type': 'application/json' };
const query = JSON.stringify({ query: '{ __typename }' });

const authenticatorOf = (api: () => TestApi, hasOwner: boolean): Authenticator => ({
  authenticate: async (presented) => {
    if (presented.authorization === 'Bearer away')
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    if (presented.authorization === 'Bearer broken') throw new Error('a secret detail');
    if (presented.workspaceId !== undefined && presented.workspaceId !== database.workspaceId)
      throw new DomainError('FORBIDDEN', 'That workspace is not yours.');
    if (presented.authorization !== undefined) return api().cast.authenticator.authenticate(presented);
    return presented.isLocal && !hasOwner ? api().cast.local : undefined;
  },
  stillValid: async (principals) => principals.map(() => true),
  hasOwner: async () => hasOwner,
});

const identity = {
  handle: async (request: Request, facts: object) =>
    Response.json({ path: new URL(request.url).pathname, ...facts }, { headers: { 'x-own': '1' } }),
};

beforeAll(async () => {
  database = await createTestDatabase();
  const server = { trustedProxies: ['127.0.0.1'] };
  fresh = await startTestApi(database, {
    server,
    http: { identity, authenticator: authenticatorOf(() => fresh, false) },
  });
  owned = await startTestApi(database, {
    server,
    http: {
      ...{ identity, authenticator: authenticatorOf(() => owned, true) },
      routes: {
        'GET /api/audit/export': async (_request, response, { principal, address }) => {
          response.end(JSON.stringify({ role: principal.actor.role, address }));
        },
      },
    },
  });
  owned.cast.add('owner', { role: 'OWNER' });
  owned.cast.add('viewer', { role: 'VIEWER' });
  owned.cast.add('reader', { role: 'ADMIN', kind: 'API_KEY', scopes: ['metrics.read'] });
  owned.cast.add('tasks', { role: 'ADMIN', kind: 'API_KEY', scopes: ['task.*'] });
});
afterAll(async () => {
  await fresh?.close();
  await owned?.close();
  await database?.drop();
});

const post = (api: TestApi, headers: Record<string, string>, body = query) =>
  fetch(`${api.url}/graphql`, { method: 'POST', headers: { ...json, ...headers }, body });

describe('while nobody owns the hive', () => {
  test('whoever is at the machine may do everything without signing in', async () => {
    expect((await post(fresh, {})).status).toBe(200);
    expect((await fetch(`${fresh.url}/schema.graphql`)).status).toBe(200);
    expect((await fetch(`${fresh.url}/metrics`)).status).toBe(200);
  });

  test.each([
    '/graphql?query=%7B__typename%7D',
    '/schema.graphql',
    '/metrics',
    '/api/audit/export',
    '/api/auth/sign-out',
    '/api/x',
  ])('from elsewhere %s is 401 and says where to begin', async (path) => {
    const answer = await fetch(`${fresh.url}${path}`, { headers: remote });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await answer.json()).toEqual({
      errors: [
        { message: expect.stringContaining('one-time setup link'), extensions: { code: 'UNAUTHENTICATED' } },
      ],
    });
  });

  test('from elsewhere the app, the setup and the bare health are open', async () => {
    // 503: the app is not built here. It is looked for, not refused.
    expect((await fetch(`${fresh.url}/`, { headers: { ...remote, accept: 'text/html' } })).status).toBe(503);
    for (const path of ['setup', 'setup/check', 'setup/finish']) {
      const answer = await fetch(`${fresh.url}/api/auth/hive/${path}`, {
        method: 'POST',
        headers: { ...json, ...remote },
        body: '{}',
      });
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { path: `/api/auth/hive/${path}`, address: '203.0.113.9', isLocal: false, baseUrl: fresh.url },
      ]);
    }
    expect((await fetch(`${fresh.url}/api/auth/hive/status`, { headers: remote })).status).toBe(200);
    const health = await fetch(`${fresh.url}/health`, { headers: remote });
    expect(await health.json()).toEqual({ status: expect.any(String) });
    expect(await (await fetch(`${fresh.url}/health/live`, { headers: remote })).json()).toEqual({
      status: 'UP',
    });
  });

  test.each([
    '/api/auth/hive/setup/../sign-in',
    '/api/auth/hive/setup-x',
    '/api/auth/hive/setup/a/b',
    '/api/auth/hive/setup/link%2f..',
  ])('nothing that only looks like the setup is: %s', async (path) => {
    const answer = await fetch(`${fresh.url}${path}`, {
      method: 'POST',
      headers: { ...json, ...remote },
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });
});

describe('when it has an owner', () => {
  test('loopback signs in, too', async () => {
    const answer = await post(owned, {});
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({
      errors: [
        {
          message: 'Sign in, or send an API key as a bearer token.',
          extensions: { code: 'UNAUTHENTICATED' },
        },
      ],
    });
  });

  test('a bearer token is let in from anywhere', async () => {
    expect((await post(owned, as('viewer'))).status).toBe(200);
    expect((await post(owned, { ...as('viewer'), ...remote })).status).toBe(200);
    expect((await post(owned, { ...as('nobody'), ...remote })).status).toBe(401);
  });

  test('a workspace that is not theirs is 403, one that is no id 400', async () => {
    const inWorkspace = (id: string) => post(owned, { ...as('viewer'), 'x-hive-workspace': id });
    expect((await inWorkspace(`Workspace:${database.workspaceId}`)).status).toBe(200);
    const foreign = await inWorkspace('Workspace:0198c0de-0000-7000-8000-000000000001');
    expect([foreign.status, await foreign.text()]).toEqual([403, expect.stringContaining('FORBIDDEN')]);
    for (const id of ['nonsense', database.workspaceId, `Project:${database.workspaceId}`])
      expect((await inWorkspace(id)).status).toBe(400);
  });

  test('a database that is away is not a wrong password', async () => {
    const away = await post(owned, { authorization: 'Bearer away' });
    expect([away.status, await away.text()]).toEqual([503, expect.stringContaining('UNAVAILABLE')]);
  });

  test('what breaks is told without its details', async () => {
    const broken = await post(owned, { authorization: 'Bearer broken' });
    const text = await broken.text();
    expect(broken.status).toBe(500);
    expect(text).toContain(broken.headers.get('x-request-id'));
    expect(text).not.toMatch(/secret detail|\.ts|node_modules| at /);
  });

  test('metrics are for admins, for keys with the scope and for the machine itself', async () => {
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${owned.url}/metrics`, { headers })).status;
    expect(await status({})).toBe(200);
    expect(await status(remote)).toBe(401);
    expect(await status({ ...remote, ...as('owner') })).toBe(200);
    expect(await status({ ...remote, ...as('reader') })).toBe(200);
    const refused = await fetch(`${owned.url}/metrics`, { headers: { ...remote, ...as('viewer') } });
    expect(await refused.json()).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN', reason: 'ROLE', action: 'metrics.read' } }],
    });
    expect(await status({ ...remote, ...as('tasks') })).toBe(403);
    // They are about the hive as a whole: an admin of another workspace of it is nobody's operator.
    owned.cast.add('neighbour', { role: 'OWNER', workspaceId: randomUUID() });
    expect(await status({ ...remote, ...as('neighbour') })).toBe(403);
  });

  test('health tells its details to members and to the machine itself, else the status alone', async () => {
    const health = async (headers: Record<string, string>) =>
      Object.keys((await (await fetch(`${owned.url}/health`, { headers })).json()) as object);
    expect(await health({})).toContain('checks');
    expect(await health({ ...remote, ...as('viewer') })).toContain('checks');
    expect(await health(remote)).toEqual(['status']);
    expect(await health({ ...remote, ...as('nobody') })).toEqual(['status']);
    expect(await health({ ...remote, ...as('tasks') })).toEqual(['status']);
    expect(await health({ ...remote, authorization: 'Bearer broken' })).toEqual(['status']);
  });

  test('the playground says in a page what it wants', async () => {
    const page = await fetch(`${owned.url}/graphql`, { headers: { accept: 'text/html' } });
    expect([page.status, await page.text()]).toEqual([401, expect.stringContaining('Sign in')]);
    const shown = await fetch(`${owned.url}/graphql`, { headers: { accept: 'text/html', ...as('viewer') } });
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining('YogaGraphiQL')]);
  });

  test('routes under /api are for whoever is signed in, by their own method only', async () => {
    const call = (path: string, init: RequestInit) => fetch(`${owned.url}/api/${path}`, init);
    expect((await call('audit/export', { headers: remote })).status).toBe(401);
    const answer = await call('audit/export', { headers: { ...remote, ...as('owner') } });
    expect(await answer.json()).toEqual({ role: 'OWNER', address: '203.0.113.9' });
    const wrong = await call('audit/export', { method: 'POST', headers: as('owner') });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await call('audit', { headers: as('owner') })).status).toBe(404);
  });

  test('no form posts to /api, and nothing too large', async () => {
    const call = (headers: Record<string, string>, body: string) =>
      fetch(`${owned.url}/api/auth/sign-in/email`, { method: 'POST', headers, body });
    expect((await call({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=b')).status).toBe(415);
    expect((await call({ 'content-type': 'text/plain' }, '{}')).status).toBe(415);
    expect((await call(json, '{}')).status).toBe(200);
    expect((await call(json, JSON.stringify('x'.repeat(1_100_000)))).status).toBe(413);
  });
});

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

test.skipIf(own === undefined)(
  'a server on every address answers for its own ones, and those are not local',
  async () => {
    const api = await startTestApi(database, { server: { host: '0.0.0.0' } });
    const health = await fetch(`http://${own}:${api.port}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: expect.any(String) }]);
    const answer = await fetch(`http://${own}:${api.port}/graphql?query=%7B__typename%7D`);
    expect(answer.status).toBe(401);
    await api.close();
  },
);
