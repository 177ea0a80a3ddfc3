import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Authenticator, Credential, Principal } from '../../../server/src/engines/security/principal.ts';
import { closeCodes } from '../../../server/src/http/close-codes.ts';
import { startTestApi, type TestApi, type TestApiOptions } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { as, createCast, type Cast } from '../../support/principals.ts';
import { openRaw, subscribeTo, type RawSocket, type RawSocketOptions } from '../../support/raw-socket.ts';

let database: TestDatabase;
const open: { api: TestApi[]; sockets: RawSocket[] } = { api: [], sockets: [] };

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const { socket } of open.sockets.splice(0)) socket.terminate();
  await Promise.all(open.api.splice(0).map((api) => api.close()));
});
afterAll(() => database?.drop());

interface Stage {
  api: TestApi;
  cast: Cast;
  /** Fails every look-up while it is set. */
  setAway(away: boolean): void;
  setOwned(owned: boolean): void;
  /** Times that sockets were looked at, and how many principals in the last one. */
  looks: { count: number; principals: number };
}

/** A server whose cast can change under it. */
async function stage(http: TestApiOptions['http'] = {}): Promise<Stage> {
  const cast = createCast(database.workspaceId);
  const looks = { count: 0, principals: 0 };
  let isAway = false;
  let isOwned = false;
  const failWhenAway = () => {
    if (isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  };
  const authenticator: Authenticator = {
    async authenticate(presented) {
      failWhenAway();
      const found = await cast.authenticator.authenticate(presented);
      return found === cast.local && isOwned ? undefined : found;
    },
    async stillValid(principals) {
      looks.count += 1;
      looks.principals = principals.length;
      failWhenAway();
      const valid = await cast.authenticator.stillValid(principals);
      return principals.map(({ credential }, index) =>
        credential.type === 'LOCAL' ? !isOwned : valid[index]!,
      );
    },
    hasOwner: async () => isOwned,
  };
  const api = await startTestApi(database, {
    server: { trustedProxies: ['127.0.0.1'] },
    http: { authenticator, ...http },
  });
  open.api.push(api);
  return {
    ...{ api, cast, looks },
    setAway: (away) => (isAway = away),
    setOwned: (owned) => (isOwned = owned),
  };
}

async function connect(api: TestApi, options?: RawSocketOptions): Promise<RawSocket> {
  const raw = await openRaw(api.url, options);
  open.sockets.push(raw);
  return raw;
}

const events = 'subscription { events { type } }';
const writeEvent = (type: string) =>
  database.pool.query(
    `insert into event (workspace_id, type, subject_id, detail) values ($1, $2, gen_random_uuid(), '{}')`,
    [database.workspaceId, type],
  );

/** A subscription that has just been asked for may not listen yet: events are written until one arrives. */
async function untilDelivered(raw: RawSocket, type: string): Promise<void> {
  const writing = setInterval(() => void writeEvent(type), 20);
  while (!JSON.stringify(await raw.next()).includes(type));
  clearInterval(writing);
}

describe('who may open one', () => {
  test.each([
    ['without credentials', {}],
    ['with a token nobody has', as('nobody')],
    ['with something else than text', { authorization: 7 }],
  ])('nobody from elsewhere %s', async (_, init) => {
    const { api } = await stage();
    const raw = await connect(api, { init: false, headers: { 'x-forwarded-for': '203.0.113.9' } });
    raw.send({ type: 'connection_init', payload: init });
    expect(await raw.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect(raw.messages).toEqual([]);
  });

  test('whoever has a token in connectionParams, or in a header', async () => {
    const { api, cast } = await stage();
    cast.add('ada', { role: 'VIEWER' });
    await connect(api, { init: as('ada') });
    await connect(api, { headers: as('ada') });
  });

  test('a workspace that is no id is a bad request', async () => {
    const { api } = await stage();
    const raw = await connect(api, { init: false });
    raw.send({ type: 'connection_init', payload: { workspace: 'nonsense' } });
    expect((await raw.closed).code).toBe(4400);
  });

  test('nobody, while who they are cannot be looked up: they are told to come back', async () => {
    const { api, setAway } = await stage();
    setAway(true);
    const raw = await connect(api, { init: false });
    raw.send({ type: 'connection_init' });
    expect(await raw.closed).toEqual(closeCodes.cannotCheck);
  });

  test('a foreign origin is refused before anything is read, credentials or not', async () => {
    const { api, cast } = await stage();
    cast.add('ada', { role: 'OWNER' });
    await expect(
      connect(api, { headers: { ...as('ada'), cookie: 'hive.session=x', origin: 'https://evil.example' } }),
    ).rejects.toThrow('403');
  });
});

describe('an end of access', () => {
  test.each([
    ['a credential that was revoked', (cast: Cast) => cast.remove('ada')],
    ['rights that changed', (cast: Cast) => void cast.add('ada', { role: 'VIEWER' })],
  ])('%s closes within two seconds, and nothing is delivered from then on', async (_, change) => {
    const { api, cast } = await stage();
    cast.add('ada', { role: 'OWNER' });
    const raw = await connect(api, { init: as('ada') });
    raw.send(subscribeTo('1', events));
    await untilDelivered(raw, 'task.before');
    change(cast);
    const began = performance.now();
    // Events go on, as many as there can be: what counts is that none comes behind the close.
    const writing = setInterval(() => void writeEvent('task.after'), 5);
    const { code } = await raw.closed;
    const closedAfterMs = performance.now() - began;
    clearInterval(writing);
    expect(code).toBe(4403);
    expect(closedAfterMs).toBeLessThan(2_000);
    await expect.poll(() => metric(api, 'hive_shared_subscriptions')).toBe(0);
    expect(await metric(api, 'hive_websockets')).toBe(0);
  });

  test('one who goes takes nobody along, though they shared the execution', async () => {
    const { api, cast } = await stage();
    cast.add('ada', { role: 'OPERATOR' });
    cast.add('bob', { role: 'OPERATOR' });
    const [ada, bob] = [await connect(api, { init: as('ada') }), await connect(api, { init: as('bob') })];
    for (const raw of [ada, bob]) {
      raw.send(subscribeTo('1', events));
      await untilDelivered(raw, 'task.for_both');
    }
    expect(await metric(api, 'hive_shared_subscriptions')).toBe(1);
    cast.remove('ada');
    expect((await ada.closed).code).toBe(4403);
    await untilDelivered(bob, 'task.for_bob');
    expect(JSON.stringify(ada.messages)).not.toContain('task.for_bob');
  });

  test('an operation notices it at once, also when the socket has not been looked at yet', async () => {
    const { api, cast } = await stage({ watch: { intervalMs: 60_000 } });
    cast.add('ada', { role: 'OWNER' });
    const raw = await connect(api, { init: as('ada') });
    cast.add('ada', { role: 'VIEWER' });
    raw.send(subscribeTo('1', '{ __typename }'));
    expect((await raw.closed).code).toBe(4403);
    expect(raw.messages.filter(({ type }) => type !== 'connection_ack')).toEqual([]);
  });

  test('a key or token ends at its very moment, without being looked at', async () => {
    const { api, cast } = await stage({ watch: { intervalMs: 60_000 } });
    const ends = (name: string, credential: (expiresAt: number) => Credential) => {
      const principal: Principal = cast.add(name, { role: 'OWNER' });
      principal.credential = credential(Date.now() + 400);
    };
    ends('key', (expiresAt) => ({ type: 'API_KEY', id: 'k', expiresAt }));
    ends('token', (expiresAt) => ({ type: 'SERVICE_TOKEN', keyId: 'k', expiresAt }));
    const began = performance.now();
    const sockets = [await connect(api, { init: as('key') }), await connect(api, { init: as('token') })];
    for (const raw of sockets) expect((await raw.closed).code).toBe(4403);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  test('a session that was prolonged meanwhile goes on, one that was not ends', async () => {
    const { api, cast, looks } = await stage({ watch: { intervalMs: 60_000 } });
    const principal = cast.add('ada', { role: 'OWNER' });
    principal.credential = {
      type: 'SESSION',
      id: 's',
      userId: principal.actor.id,
      expiresAt: Date.now() + 300,
    };
    const raw = await connect(api, { init: as('ada') });
    const before = looks.count;
    await expect.poll(() => looks.count).toBeGreaterThan(before);
    raw.send(subscribeTo('1', '{ __typename }'));
    expect((await raw.next()).type).toBe('next');

    principal.credential = { ...principal.credential, expiresAt: Date.now() + 300 } as Credential;
    const other = await connect(api, { init: as('ada') });
    cast.remove('ada');
    expect((await other.closed).code).toBe(4403);
  });

  test('what waits for a slow reader goes with the connection', async () => {
    const { api, cast } = await stage({ sockets: { maxBufferedBytes: 64_000_000 } });
    cast.add('ada', { role: 'OWNER' });
    const raw = await connect(api, { init: as('ada') });
    raw.send(subscribeTo('1', 'subscription { events { type payload } }'));
    await untilDelivered(raw, 'task.before');
    const seen = raw.messages.length;
    // Nothing is read any more, and more is sent than the network's buffers hold.
    (raw.socket as unknown as { _socket: Socket })._socket.pause();
    await database.pool.query(
      `insert into event (workspace_id, type, subject_id, detail)
       select $1, 'task.large', gen_random_uuid(), jsonb_build_object('text', repeat('x', 100000)) from generate_series(1, 80)`,
      [database.workspaceId],
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    cast.remove('ada');
    await expect.poll(() => metric(api, 'hive_websockets'), { timeout: 3_000 }).toBe(0);
    (raw.socket as unknown as { _socket: Socket })._socket.resume();
    await raw.closed;
    expect(raw.messages.length - seen).toBeLessThan(80);
  });

  test('whoever is at the machine signs in from the moment the hive has an owner', async () => {
    const { api, setOwned } = await stage();
    const raw = await connect(api);
    setOwned(true);
    expect((await raw.closed).code).toBe(4403);
  });
});

test('a hundred sockets of one person are one question, and none asks none', async () => {
  const { api, cast, looks } = await stage();
  cast.add('ada', { role: 'OWNER' });
  cast.add('bob', { role: 'OWNER' });
  const sockets = await Promise.all(
    Array.from({ length: 100 }, (_, index) => connect(api, { init: as(index % 2 ? 'ada' : 'bob') })),
  );
  const before = looks.count;
  await expect.poll(() => looks.count, { timeout: 5_000 }).toBeGreaterThan(before);
  expect(looks.principals).toBe(2);
  for (const { socket } of sockets) socket.terminate();
  await expect.poll(() => metric(api, 'hive_websockets')).toBe(0);
  const idle = looks.count;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(looks.count).toBe(idle);
});

test('when nobody can be looked up, sockets are kept for a while, then told to come back; the machine itself stays', async () => {
  const { api, cast, setAway, looks } = await stage({ watch: { intervalMs: 20, patienceMs: 600 } });
  cast.add('ada', { role: 'OWNER' });
  const remote = await connect(api, { init: as('ada') });
  const local = await connect(api);
  setAway(true);
  const before = looks.count;
  await expect.poll(() => looks.count).toBeGreaterThan(before + 1);
  expect(remote.socket.readyState).toBe(remote.socket.OPEN);
  remote.send(subscribeTo('1', '{ __typename }'));
  expect(await remote.next()).toMatchObject({
    type: 'error',
    payload: [{ extensions: { code: 'UNAVAILABLE' } }],
  });
  expect(await remote.closed).toEqual(closeCodes.cannotCheck);
  expect(local.socket.readyState).toBe(local.socket.OPEN);
});

test('a short outage closes nothing', async () => {
  const { api, cast, setAway, looks } = await stage({ watch: { intervalMs: 20 } });
  cast.add('ada', { role: 'OWNER' });
  const raw = await connect(api, { init: as('ada') });
  setAway(true);
  let seen = looks.count;
  await expect.poll(() => looks.count).toBeGreaterThan(seen + 1);
  setAway(false);
  seen = looks.count;
  await expect.poll(() => looks.count, { timeout: 10_000 }).toBeGreaterThan(seen + 2);
  expect(raw.socket.readyState).toBe(raw.socket.OPEN);
});

describe('what is shared', () => {
  const project = (role: 'OPERATOR' | 'VIEWER') => new Map([['0198c0de-0000-7000-8000-00000000000a', role]]);
  test.each<[string, Partial<Parameters<Cast['add']>[1]>, Partial<Parameters<Cast['add']>[1]>]>([
    ['another role', { role: 'OWNER' }, { role: 'VIEWER' }],
    ['other projects', { role: 'VIEWER' }, { role: 'VIEWER', projects: project('VIEWER') }],
    ['another role in the same project', { projects: project('OPERATOR') }, { projects: project('VIEWER') }],
    ['a grant', { role: 'VIEWER' }, { role: 'VIEWER', grants: project('OPERATOR') }],
    ['scopes', { kind: 'API_KEY', scopes: ['*'] }, { kind: 'API_KEY', scopes: ['event.read'] }],
    ['being a program', { role: 'OWNER' }, { role: 'OWNER', kind: 'API_KEY' }],
    [
      'another workspace',
      { role: 'OWNER' },
      { role: 'OWNER', workspaceId: '0198c0de-0000-7000-8000-0000000000ff' },
    ],
  ])('%s shares nothing', async (_, left, right) => {
    const { api, cast } = await stage();
    cast.add('left', { role: 'VIEWER', ...left });
    cast.add('right', { role: 'VIEWER', ...right });
    for (const name of ['left', 'right']) {
      const raw = await connect(api, { init: as(name) });
      raw.send(subscribeTo('1', events));
    }
    await expect.poll(() => metric(api, 'hive_shared_subscriptions')).toBe(2);
  });
});

async function metric(api: TestApi, name: string): Promise<number> {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}
