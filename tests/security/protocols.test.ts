import { auditServer } from 'graphql-http';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { next, socketClient, subscribe } from '../support/graphql-client.ts';
import { startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
let key: { id: string; headers: { authorization: string } };
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  key = await hive.key(hive.ada, { role: 'OPERATOR' }, hive.home);
});
afterAll(() => hive?.stop());

test.each([
  ['an API key', () => key.headers as Record<string, string>],
  ['a session', () => hive.ada.headers(hive.home)],
])('every MUST, SHOULD and MAY of the GraphQL over HTTP audit holds for %s', async (_, credentials) => {
  const results = await auditServer({
    url: `${hive.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...credentials() } }),
  });
  expect(results.length).toBeGreaterThan(50);
  expect(results.flatMap((audit) => (audit.status === 'ok' ? [] : [`${audit.id} ${audit.name}`]))).toEqual(
    [],
  );
});

describe('the graphql-ws client', () => {
  const create = `mutation ($title: String!) { createTask(input: { title: $title, instruction: "i", runAt: "2100-01-01T00:00:00Z" }) { ... on Task { id title } } }`;

  test('queries, changes and subscribes with a key', async () => {
    const client = socketClient(hive.url, { connectionParams: key.headers });
    const viewer = await next(
      subscribe<{ viewer: { actorKind: string } }>(client, '{ viewer { actorKind } }'),
    );
    expect(viewer.data!.viewer.actorKind).toBe('API_KEY');
    const events = subscribe<{ events: { type: string; subjectId: string } }>(
      client,
      'subscription { events(where: { types: ["task.created"] }) { type subjectId } }',
    );
    const first = events.next();
    // It listens from the moment its subscription is being answered, which the order on one socket gives.
    await next(subscribe(client, '{ health { status } }'));
    const made = await next(
      subscribe<{ createTask: { id: string } }>(client, create, { title: 'over a socket' }),
    );
    expect((await first).value!.data!.events.subjectId).toBe(made.data!.createTask.id);
    await events.return?.();
    await client.dispose();
    await expect.poll(() => client.closeCodes).toEqual([1000]);
  });

  test('with a token that is fetched anew for every connection goes on behind its cursor', async () => {
    const token = async () => {
      const { body } = await hive.browser().post('/hive/service-token', {}, key.headers);
      return { authorization: `Bearer ${body.token}` };
    };
    const sockets: WebSocket[] = [];
    class Recorded extends WebSocket {
      constructor(address: string | URL, protocols?: string | string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const client = createClient({
      url: `${hive.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Recorded,
      connectionParams: token,
      retryAttempts: 3,
      retryWait: async () => {},
    });
    const titles: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const made = await next(
        subscribe<{ createTask: { title: string } }>(client, create, { title: `round ${round}` }),
      );
      titles.push(made.data!.createTask.title);
      // As a lost network does.
      sockets.at(-1)!.terminate();
    }
    expect(titles).toEqual(['round 0', 'round 1', 'round 2']);
    await client.dispose();
  });

  test('is closed for good, not left trying for ever, when the key is revoked', async () => {
    const short = await hive.key(hive.ada, {}, hive.home);
    const client = socketClient(hive.url, { connectionParams: short.headers, retryAttempts: 2 });
    const health = subscribe(client, 'subscription { systemHealth { status } }');
    await next(health);
    await hive.do(
      hive.ada.headers(hive.home),
      `mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { __typename } }`,
      { input: { apiKeyId: short.id } },
    );
    const ended = (async () => {
      for (;;) if ((await health.next()).done) return 'completed';
    })();
    await expect(ended).rejects.toMatchObject({ code: 4403 });
    expect(new Set(client.closeCodes)).toEqual(new Set([4403]));
    await client.dispose();
  });
});
