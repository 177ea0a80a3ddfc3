import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRaw, subscribeTo, type RawSocket } from '../support/raw-socket.ts';
import { startHiveUnderAttack, type HiveUnderAttack, type Somebody } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  await hive.pool.query(`update agent set status = 'PAUSED'`);
  const { rows } = await hive.pool.query<{ id: string }>(
    `insert into project (workspace_id, name, root_path, status) values ($1, 'one', '/srv/one', 'READY') returning id`,
    [hive.home],
  );
  projectId = rows[0]!.id;
});
afterAll(() => hive?.stop());

const foreignOrigins = () => [
  'https://evil.example',
  'null',
  `http://127.0.0.1:${hive.port + 1}`,
  `https://127.0.0.1.evil.example:${hive.port}`,
  `http://evil.example@127.0.0.1:${hive.port}`,
  `http://127.0.0.1:${hive.port}.evil.example`,
  `http://127.0.0.1:${hive.port}/`,
  `http://127.0.0.1:${hive.port} http://evil.example`,
  'file://',
  `ftp://127.0.0.1:${hive.port}`,
  '',
];

describe('a foreign origin with a valid cookie', () => {
  test('is refused over HTTP, on every path and by every method', async () => {
    const { cookie } = hive.ada.headers();
    const requests: [string, RequestInit][] = [
      ['/graphql', { method: 'POST', body: '{"query":"{ viewer { role } }"}' }],
      ['/graphql?query=%7Bviewer%7Brole%7D%7D', {}],
      ['/api/audit/export', {}],
      ['/api/people/export', {}],
      ['/api/auth/hive/sessions', {}],
      ['/api/auth/hive/pair/start', { method: 'POST', body: '{}' }],
      ['/api/auth/hive/recovery-codes', { method: 'POST', body: '{}' }],
      ['/api/auth/sign-out', { method: 'POST', body: '{}' }],
      ['/schema.graphql', {}],
      ['/metrics', {}],
      ['/health', {}],
    ];
    for (const origin of foreignOrigins().filter((each) => each !== ''))
      for (const [path, init] of requests) {
        const answer = await hive.call(path, {
          ...init,
          headers: { cookie: cookie!, origin, 'content-type': 'application/json' },
        });
        expect([origin, path, answer.status]).toEqual([origin, path, 403]);
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
  });

  test('opens no WebSocket', async () => {
    const { cookie } = hive.ada.headers();
    for (const origin of foreignOrigins())
      await expect(openRaw(hive.url, { headers: { cookie: cookie!, origin } }), origin).rejects.toThrow(
        '403',
      );
    const own = await openRaw(hive.url, { headers: hive.ada.headers() });
    own.socket.close();
  });

  test('gets no preflight answered', async () => {
    const answer = await hive.call('/graphql', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  test('nor does a page of ours that another site sends the browser to by a form', async () => {
    const { cookie } = hive.ada.headers();
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])
      for (const path of ['/graphql', '/api/auth/sign-out', '/api/auth/hive/pair/start']) {
        const answer = await hive.call(path, {
          method: 'POST',
          headers: {
            cookie: cookie!,
            'content-type': type,
            'sec-fetch-site': 'cross-site',
            'sec-fetch-mode': 'navigate',
          },
          body: '{"query":"mutation { leaveWorkspace(input: {}) { __typename } }"}',
        });
        expect([415, 403]).toContain(answer.status);
      }
  });
});

describe('a socket', () => {
  test('that never says who it is, or asks before, is closed', async () => {
    const silent = await openRaw(hive.url, { init: false });
    const hasty = await openRaw(hive.url, { init: false });
    hasty.send(subscribeTo('1', '{ viewer { role } }'));
    expect([(await hasty.closed).code, (await silent.closed).code]).toEqual([4401, 4408]);
    expect([...hasty.messages, ...silent.messages]).toEqual([]);
  });

  test('that says it twice is closed, also with better credentials', async () => {
    const socket = await openRaw(hive.url, { headers: hive.vic.headers() });
    const key = await hive.key(hive.ada, { role: 'OWNER' }, hive.home);
    socket.send({ type: 'connection_init', payload: key.headers });
    expect((await socket.closed).code).toBe(4429);
  });

  test('of nobody, or for a workspace that is not theirs, is closed before any answer', async () => {
    const workspace = { workspace: `Workspace:${hive.abroad}` };
    const openings = [
      { init: {} },
      { init: { authorization: 'Bearer hive_wrong' } },
      { init: { authorization: 'Bearer hive_wrong' }, headers: hive.ada.headers() },
      { init: { cookie: hive.ada.headers()['cookie'] } },
      { init: workspace, headers: hive.eve.headers() },
    ];
    for (const opening of openings) await expect(openRaw(hive.url, opening)).rejects.toThrow('4403');
  });
});

type Ending = [what: string, end: (watched: Watched) => Promise<unknown>];
interface Watched {
  who: Somebody;
  key: { id: string };
}

async function changeMember(who: Somebody, input: object): Promise<void> {
  const changed = await hive.do(
    hive.ada.headers(hive.home),
    `mutation ($input: ChangeMemberInput!) { changeMember(input: $input) { __typename ... on Error { message } } }`,
    { input: { memberId: `Member:${who.id}`, ...input } },
  );
  expect(changed).toEqual({ changeMember: { __typename: 'Member' } });
}
let projectId: string;
const grant = () => ({ projectId: `Project:${projectId}`, role: 'OPERATOR' });
const removeMember: Ending[1] = ({ who }) =>
  hive.do(
    hive.ada.headers(hive.home),
    `mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { __typename ... on Error { message } } }`,
    { input: { memberId: `Member:${who.id}` } },
  );
const sql =
  (text: string, value: (watched: Watched) => string = ({ who }) => who.id): Ending[1] =>
  (watched) =>
    hive.pool.query(text, [value(watched)]);
const rawKeyId = ({ key }: Watched) => key.id.split(':')[1]!;

const bySession: Ending[] = [
  ['signing out', ({ who }) => who.browser.post('/sign-out')],
  ['a session deleted in the database', sql('delete from identity.session where user_id = $1')],
  [
    'a session expired in the database',
    sql('update identity.session set expires_at = now() where user_id = $1'),
  ],
  ['a lower role', ({ who }) => changeMember(who, { role: 'VIEWER' })],
  [
    'access to fewer projects',
    ({ who }) => changeMember(who, { projectAccess: 'GRANTED', grants: [grant()] }),
  ],
  ['a removal from the workspace', removeMember],
  ['an account erased in the database', sql('delete from membership where user_id = $1')],
];
const byKey: Ending[] = [
  [
    'a revoked key',
    ({ key }) =>
      hive.do(
        hive.ada.headers(hive.home),
        `mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { __typename } }`,
        { input: { apiKeyId: key.id } },
      ),
  ],
  ['a key expired in the database', sql('update api_key set expires_at = now() where id = $1', rawKeyId)],
  ['a key deleted in the database', sql('delete from api_key where id = $1', rawKeyId)],
  ['the lower role of who made the key', ({ who }) => changeMember(who, { role: 'VIEWER' })],
  ['the removal of who made the key', removeMember],
];

/** Tasks made all the time, so that there is something to be told, or not. */
async function whileEventsFlow(work: () => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const making = (async () => {
    while (!stopping.signal.aborted)
      await hive.do(
        hive.ada.headers(hive.home),
        `mutation { createTask(input: { title: "t", instruction: "i", runAt: "2100-01-01T00:00:00Z" }) { __typename } }`,
      );
  })();
  try {
    await work();
  } finally {
    stopping.abort();
    await making;
  }
}

const listen = subscribeTo('1', 'subscription { events { type subjectId } }');
async function readToEnd(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  for (let done = false; !done;) ({ done } = await reader.read());
}

let people = 0;
const newcomer = () => hive.join(`Newcomer${(people += 1)}`, 'OPERATOR');

async function expectEnd(socket: RawSocket, end: () => Promise<unknown>): Promise<void> {
  let lastAt = 0;
  socket.socket.on('message', () => (lastAt = performance.now()));
  socket.send(listen);
  await whileEventsFlow(async () => {
    for (let count = 0; count < 3; count += 1) expect(await socket.next()).toMatchObject({ type: 'next' });
    await end();
    const endedAt = performance.now();
    const { code } = await socket.closed;
    expect(code).toBe(4403);
    const closedAt = performance.now();
    expect(closedAt - endedAt).toBeLessThan(2_000);
    const heard = socket.messages.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(socket.messages).toHaveLength(heard);
    expect(lastAt).toBeLessThanOrEqual(closedAt);
  });
}

describe('a subscription ends within two seconds of', () => {
  test.each(bySession)('%s', async (_, end) => {
    const who = await newcomer();
    const socket = await openRaw(hive.url, { headers: who.headers() });
    await expectEnd(socket, () => end({ who, key: { id: '' } }));
  });

  test.each(byKey)('%s', async (_, end) => {
    const who = await newcomer();
    const key = await hive.key(who);
    const socket = await openRaw(hive.url, { init: key.headers });
    await expectEnd(socket, () => end({ who, key }));
  });

  test.each(byKey)('%s, for the token it was exchanged for', async (_, end) => {
    const who = await newcomer();
    const key = await hive.key(who);
    const { body } = await hive.browser().post('/hive/service-token', {}, key.headers);
    const socket = await openRaw(hive.url, { init: { authorization: `Bearer ${body.token}` } });
    await expectEnd(socket, () => end({ who, key }));
  });

  test.each([...bySession.slice(0, 3), ...bySession.slice(5)])('%s, also one over HTTP', async (_, end) => {
    const who = await newcomer();
    const stopping = new AbortController();
    const response = await fetch(`${hive.url}/graphql`, {
      method: 'POST',
      signal: stopping.signal,
      headers: { ...who.headers(), 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { events { type subjectId } }' }),
    });
    expect(response.status).toBe(200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await whileEventsFlow(async () => {
      let text = '';
      while (!text.includes('task.created')) text += (await reader.read()).value ?? '';
      await end({ who, key: { id: '' } });
      const patience = setTimeout(() => stopping.abort(new Error('it went on for two seconds')), 2_000);
      // Cut, since there is no word for it in this protocol; who asks again is told.
      const cut = await readToEnd(reader).catch((error: unknown) => error);
      clearTimeout(patience);
      expect(String(cut)).not.toContain('it went on');
      const again = async () =>
        (await hive.ask(who.headers(), '{ viewer { role } }')).errors?.[0]?.extensions?.code;
      await expect.poll(again).toMatch(/UNAUTHENTICATED|FORBIDDEN/);
    });
  });
});

test('who is let in anew gets what they may do now, not what they could before', async () => {
  const who = await newcomer();
  const create = 'mutation { createTask(input: { title: "t", instruction: "i" }) { __typename } }';
  const made = () => hive.ask<{ createTask: { __typename: string } }>(who.headers(), create);
  expect((await made()).data?.createTask.__typename).toBe('Task');
  await changeMember(who, { role: 'VIEWER' });
  await expect
    .poll(async () => (await made()).data?.createTask.__typename, { timeout: 2_000 })
    .toBe('ForbiddenError');
});
