import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { createApiKeySecret } from '../engines/security/api-key.ts';
import type { Authenticator, Presented } from '../engines/security/principal.ts';
import { systemClock } from '../lib/clock.ts';
import type { NewAuditEntry } from '../stores/audit-store.ts';
import { removeMember } from '../stores/member-store.ts';
import type { Sql } from '../stores/sql.ts';
import { inSystemTransaction } from '../managers/transaction.ts';
import { createAuthenticator, type FoundSession, type KeyUse } from './authenticator.ts';
import { createMembershipPorts } from './membership-ports.ts';
import { createUseRecorder } from './use-recorder.ts';

let world: AccessWorld;
let authenticator: ReturnType<typeof create>;
let now: number;
/** Labels of the statements that were sent. */
let sent: string[];
let keyUses: KeyUse[];
let seen: string[];
let sessions: Map<string, FoundSession>;
let owner: string;

beforeAll(async () => {
  world = await createAccessWorld();
});
afterAll(() => world.database.drop());
beforeEach(() => {
  now = Date.now();
  [sent, keyUses, seen, sessions] = [[], [], [], new Map()];
  authenticator = create();
});

const tokens = new Map<string, { keyId: string; expiresAt: number }>();
const counted = (sql: Sql): Sql => ({
  rows(text, values) {
    sent.push(/\/\* (\w+)/.exec(text)?.[1] ?? text);
    return sql.rows(text, values);
  },
});
/** Sessions as the identity service answers for them; the rest is the real thing. */
function create() {
  return createAuthenticator({
    systemSql: counted(world.systemSql),
    identity: {
      async findSession(cookie, baseUrl) {
        sent.push('session');
        return baseUrl === 'https://hive.example' ? sessions.get(cookie) : undefined;
      },
      async findSessions(ids) {
        sent.push('sessions');
        return [...sessions.values()].filter(({ id }) => ids.includes(id));
      },
      verifyServiceToken: async (token) => tokens.get(token),
    },
    homeWorkspaceId: world.home,
    clock: { now: () => now },
    onKeyUsed: (use) => void keyUses.push(use),
    onMemberSeen: (workspaceId, userId) => void seen.push(`${workspaceId} ${userId}`),
  });
}
const present = (
  more: Partial<Presented> = {},
): Promise<Awaited<ReturnType<Authenticator['authenticate']>>> =>
  authenticator.authenticate({
    ...{ address: '203.0.113.7', isLocal: false, baseUrl: 'https://hive.example', userAgent: 'Test' },
    ...more,
  });
const bearer = (secret: string | null) => ({ authorization: `Bearer ${secret}` });
const hour = 3_600_000;
const signIn = (userId: string, more: Partial<FoundSession> = {}) => {
  const cookie = crypto.randomUUID();
  sessions.set(cookie, { id: crypto.randomUUID(), userId, expiresAt: now + hour, ...more });
  return { cookie };
};

describe('while nobody owns the hive', () => {
  it('whoever is at the machine is recognised, and nobody else', async () => {
    expect(await present({ isLocal: true })).toMatchObject({
      actor: { kind: 'LOCAL', role: 'OWNER', workspaceId: world.home, at: now },
      credential: { type: 'LOCAL' },
    });
    expect(await present({ isLocal: true, cookie: 'left=over' })).toMatchObject({ actor: { kind: 'LOCAL' } });
    expect(await present()).toBeUndefined();
    expect(await present({ isLocal: true, ...bearer('nonsense') })).toBeUndefined();
    await expect(present({ isLocal: true, workspaceId: crypto.randomUUID() })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('is asked at most once a second, and never again once somebody does', async () => {
    const local = (await present({ isLocal: true }))!;
    for (let count = 0; count < 50; count += 1) await present({ isLocal: true });
    expect(sent).toEqual(['hasOwner']);
    owner = await world.person('Owner', { role: 'OWNER' });
    expect(await authenticator.stillValid([local])).toEqual([false]);
    now += 1_000;
    expect(await present({ isLocal: true })).toBeUndefined();
    const asked = sent.length;
    for (let count = 0; count < 50; count += 1) expect(await authenticator.hasOwner()).toBe(true);
    expect(sent).toHaveLength(asked);
  });
});

describe('a session', () => {
  it('acts in the workspace asked for, else in the one last used', async () => {
    const person = await world.person('Two Homes', { role: 'OPERATOR' });
    const second = await world.workspace(`s${person.slice(-8)}`);
    await world.join(second, person, { role: 'ADMIN' });
    const cookie = signIn(person, { steppedUpAt: now - 1_000 });
    const first = (await present(cookie))!;
    expect(first.actor).toEqual({
      ...{ kind: 'USER', id: person, userId: person, workspaceId: world.home, role: 'OPERATOR' },
      ...{ projects: 'ALL', steppedUpAt: now - 1_000, at: now },
    });
    expect(first.credential).toMatchObject({ type: 'SESSION', userId: person });
    expect((await present({ ...cookie, workspaceId: second }))!.actor).toMatchObject({
      ...{ workspaceId: second, role: 'ADMIN' },
    });
    expect(seen).toEqual([`${world.home} ${person}`, `${second} ${person}`]);
    await world.database.pool.query('update membership set last_seen_at = now() where workspace_id = $1', [
      second,
    ]);
    now += 1_000;
    expect((await present(cookie))!.actor.workspaceId).toBe(second);
  });

  it('does not act in a workspace of others, nor in one that does not exist, in the same words', async () => {
    const person = await world.person('Curious', { role: 'VIEWER' });
    const foreign = await world.workspace(`f${person.slice(-8)}`);
    const cookie = signIn(person);
    const messages = await Promise.all(
      [foreign, crypto.randomUUID(), 'x'].map((workspaceId) =>
        present({ ...cookie, workspaceId }).catch((error: Error) => error.message),
      ),
    );
    expect(new Set(messages).size).toBe(1);
    await expect(present(signIn(await world.person('Stray')))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('ends with its time, and is another one under another origin', async () => {
    const cookie = signIn(await world.person('Short', { role: 'VIEWER' }), { expiresAt: now + 500 });
    expect(await present(cookie)).toBeDefined();
    expect(await present({ ...cookie, baseUrl: 'http://other.example' })).toBeUndefined();
    now += 500;
    expect(await present(cookie)).toBeUndefined();
  });

  it('costs fifty clients two questions a second', async () => {
    const cookie = signIn(await world.person('Busy', { role: 'VIEWER' }));
    await Promise.all(Array.from({ length: 50 }, () => present(cookie)));
    for (let count = 0; count < 50; count += 1) await present(cookie);
    expect(sent).toEqual(['session', 'findMembership']);
    now += 1_000;
    await present(cookie);
    expect(sent).toHaveLength(4);
  });

  it('is gone within a second of the end of the membership', async () => {
    const person = await world.person('Leaver', { role: 'VIEWER' });
    const cookie = signIn(person);
    const principal = (await present(cookie))!;
    expect(await authenticator.stillValid([principal])).toEqual([true]);
    await removeMember(world.systemSql, { workspaceId: world.home, userId: person });
    expect(await authenticator.stillValid([principal])).toEqual([false]);
    now += 1_000;
    await expect(present(cookie)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('what was found a moment ago', () => {
  it('is looked for anew once a change of it was noticed', async () => {
    const person = await world.person('Riser', { role: 'VIEWER' });
    const cookie = signIn(person);
    const principal = (await present(cookie))!;
    await world.manager.changeMember(await world.scope(owner), { memberId: person, role: 'OPERATOR' });
    expect((await present(cookie))!.actor.role, 'of the same second').toBe('VIEWER');
    expect(await authenticator.stillValid([principal])).toEqual([false]);
    expect((await present(cookie))!.actor.role).toBe('OPERATOR');
  });

  it('is looked for anew once the person has confirmed who they are', async () => {
    const person = await world.person('Confirmer', { role: 'OWNER' });
    const cookie = signIn(person);
    expect((await present(cookie))!.actor.steppedUpAt).toBeUndefined();
    for (const session of sessions.values()) session.steppedUpAt = now;
    expect((await present(cookie))!.actor.steppedUpAt, 'of the same second').toBeUndefined();
    authenticator.forget(person);
    expect((await present(cookie))!.actor.steppedUpAt).toBe(now);
  });
});

describe('an API key', () => {
  const keyOf = async (userId: string, input: object = {}) =>
    world.manager.createApiKey(await world.scope(userId), { name: 'k', role: 'OPERATOR', ...input });

  it('acts with its role, scopes and projects, for whoever made it', async () => {
    const maker = await world.person('Maker', { role: 'ADMIN' });
    const project = await world.project(world.home, `auth-${maker}`);
    const { apiKey, secret } = await keyOf(maker, { scopes: ['task.*'], projectIds: [project] });
    const principal = (await present(bearer(secret)))!;
    expect(principal.actor).toEqual({
      ...{ kind: 'API_KEY', id: apiKey.id, userId: maker, workspaceId: world.home, role: 'OPERATOR' },
      ...{ projects: new Map([[project, 'OPERATOR']]), scopes: ['task.*'], at: now },
    });
    expect(principal.credential).toMatchObject({ type: 'API_KEY', id: apiKey.id });
    expect(keyUses).toEqual([
      {
        ...{ keyId: apiKey.id, kind: 'API_KEY', workspaceId: world.home, userId: maker },
        ...{ address: '203.0.113.7', userAgent: 'Test' },
      },
    ]);
    expect((await present({ ...bearer(secret), workspaceId: world.home }))!.actor.id).toBe(apiKey.id);
    const elsewhere = await world.workspace(`k${maker.slice(-8)}`);
    await expect(present({ ...bearer(secret), workspaceId: elsewhere })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('falls and ends with its maker', async () => {
    const maker = await world.person('Maker', { role: 'ADMIN' });
    const { secret } = await keyOf(maker, { role: 'ADMIN' });
    const principal = (await present(bearer(secret)))!;
    expect(principal.actor.role).toBe('ADMIN');
    await world.manager.changeMember(await world.scope(owner), { memberId: maker, role: 'VIEWER' });
    expect(await authenticator.stillValid([principal])).toEqual([false]);
    now += 1_000;
    const lowered = (await present(bearer(secret)))!;
    expect(lowered.actor.role).toBe('VIEWER');
    expect(await authenticator.stillValid([lowered])).toEqual([true]);
    await removeMember(world.systemSql, { workspaceId: world.home, userId: maker });
    now += 1_000;
    expect(await present(bearer(secret))).toBeUndefined();
    expect(await authenticator.stillValid([lowered])).toEqual([false]);
  });

  it('is gone within a second of its revocation, rotation and expiry', async () => {
    const maker = await world.person('Maker', { role: 'OPERATOR' });
    const scope = await world.scope(maker);
    const [revoked, rotated, expired] = [await keyOf(maker), await keyOf(maker), await keyOf(maker)];
    const principals = [];
    for (const { secret } of [revoked, rotated, expired]) principals.push((await present(bearer(secret)))!);
    await world.manager.revokeApiKey(scope, { apiKeyId: revoked.apiKey.id });
    await world.manager.rotateApiKey(scope, { apiKeyId: rotated.apiKey.id, overlapHours: 0 });
    await world.database.pool.query('update api_key set expires_at = now() where id = $1', [
      expired.apiKey.id,
    ]);
    expect(await authenticator.stillValid(principals)).toEqual([false, false, false]);
    now += 1_000;
    for (const { secret } of [revoked, rotated, expired])
      expect(await present(bearer(secret))).toBeUndefined();
  });

  it('costs a query when it looks real, none when it does not, and never falls back to a cookie', async () => {
    const cookie = signIn(owner);
    const secret = createApiKeySecret();
    const broken = secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0');
    for (let count = 0; count < 20; count += 1)
      expect(await present({ ...cookie, ...bearer(broken) })).toBeUndefined();
    for (const authorization of ['Bearer', 'bearer ', 'Bearer a b', `Bearer\t${secret}`])
      expect(await present({ ...cookie, authorization })).toBeUndefined();
    expect(sent).toEqual([]);
    expect(await present({ ...cookie, ...bearer(secret) })).toBeUndefined();
    expect(sent).toEqual(['findKeyBySecret']);
    for (let count = 0; count < 100; count += 1) await present(bearer(createApiKeySecret()));
    expect(sent).toHaveLength(101);
    expect(await present({ ...cookie, authorization: 'Basic dXNlcjpwYXNz' })).toMatchObject({
      actor: { kind: 'USER' },
    });
  });

  it('lends itself to service tokens, which end with it', async () => {
    const maker = await world.person('Maker', { role: 'OPERATOR' });
    const { apiKey } = await keyOf(maker, { scopes: ['*.read'] });
    tokens.set('a.b.c', { keyId: apiKey.id, expiresAt: now + 900_000 });
    const principal = (await present(bearer('a.b.c')))!;
    expect(principal.actor).toMatchObject({ kind: 'SERVICE', id: apiKey.id, scopes: ['*.read'] });
    expect(principal.credential).toEqual({
      type: 'SERVICE_TOKEN',
      keyId: apiKey.id,
      expiresAt: now + 900_000,
    });
    expect(await authenticator.stillValid([principal])).toEqual([true]);
    await world.manager.revokeApiKey(await world.scope(maker), { apiKeyId: apiKey.id });
    expect(await authenticator.stillValid([principal])).toEqual([false]);
    now += 900_000;
    expect(await present(bearer('a.b.c'))).toBeUndefined();
    expect(await present(bearer('x.y.z'))).toBeUndefined();
  });
});

describe('looking again', () => {
  it('costs one query a kind, however many there are', async () => {
    const people = await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.person(`P${index}`, { role: 'OPERATOR' })),
    );
    const principals = [];
    for (const person of people) {
      principals.push((await present(signIn(person)))!);
      const { secret } = await world.manager.createApiKey(await world.scope(person), {
        name: 'k',
        role: 'VIEWER',
      });
      principals.push((await present(bearer(secret)))!);
    }
    sent.length = 0;
    expect(await authenticator.stillValid(principals)).toEqual(Array(40).fill(true));
    expect(sent.toSorted()).toEqual(['findKeys', 'findMemberships', 'sessions']);
    sessions.clear();
    expect((await authenticator.stillValid(principals)).filter(Boolean)).toHaveLength(20);
    expect(await authenticator.stillValid([])).toEqual([]);
  });

  it('notices a changed grant', async () => {
    const person = await world.person('Granted', { role: 'VIEWER' });
    const project = await world.project(world.home, `grant-${person}`);
    const principal = (await present(signIn(person)))!;
    const grants = [{ projectId: project, role: 'OPERATOR' as const }];
    await world.manager.changeMember(await world.scope(owner), { memberId: person, grants });
    expect(await authenticator.stillValid([principal])).toEqual([false]);
  });
});

it('notes uses once a minute, and the first one from an address in an hour for the audit trail', async () => {
  const maker = await world.person('Maker', { role: 'OPERATOR' });
  const { apiKey } = await world.manager.createApiKey(await world.scope(maker), {
    name: 'k',
    role: 'VIEWER',
  });
  const recorded: NewAuditEntry[] = [];
  const recorder = createUseRecorder({
    systemSql: counted(world.systemSql),
    clock: { now: () => now, sleep: systemClock.sleep },
    log: silentLog,
    record: (entry) => void recorded.push(entry),
  });
  const use = { keyId: apiKey.id, kind: 'API_KEY', workspaceId: world.home, userId: maker } as const;
  const use1 = { ...use, address: '203.0.113.1', userAgent: 'CI' };
  try {
    for (let count = 0; count < 100; count += 1) recorder.keyUsed(use1);
    recorder.keyUsed({ ...use1, address: '203.0.113.2' });
    recorder.memberSeen(world.home, maker);
    recorder.memberSeen(world.home, maker);
    await recorder.flush();
    expect(sent).toEqual(['touchApiKeys', 'touchMembers']);
    expect(recorded.map(({ action, address, actorId }) => [action, address, actorId])).toEqual([
      ['key.used', '203.0.113.1', apiKey.id],
      ['key.used', '203.0.113.2', apiKey.id],
    ]);
    const lastUsed = async () =>
      (await world.manager.findApiKeys(await world.scope(maker), [apiKey.id]))[0]!.lastUsedAt;
    expect(new Date((await lastUsed()) as Date).getTime()).toBe(now);
    now += 59_999;
    recorder.keyUsed(use1);
    await recorder.flush();
    expect(sent).toHaveLength(2);
    now += 1;
    recorder.keyUsed(use1);
    recorder.memberSeen(world.home, maker);
    await recorder.flush();
    expect(sent).toHaveLength(4);
    expect(new Date((await lastUsed()) as Date).getTime()).toBe(now);
    now += hour;
    recorder.keyUsed(use1);
    expect(recorded).toHaveLength(3);
  } finally {
    await recorder.stop();
  }
});

it('tells the identity service about members', async () => {
  let changes = 0;
  const ports = createMembershipPorts({
    systemSql: world.systemSql,
    inSystemTransaction: (work) => inSystemTransaction(world.database.systemPool, work),
    homeWorkspaceId: world.home,
    onChanged: () => void (changes += 1),
  });
  const person = await world.person('Late Owner');
  expect(await ports.isMember(person)).toBe(false);
  for (let count = 0; count < 2; count += 1) await ports.addOwner(person);
  expect(await ports.isMember(person)).toBe(true);
  const owners = await ports.listOwners();
  expect(owners[0]).toBe(owner);
  expect(owners).toContain(person);
  expect(await ports.hasOwner()).toBe(true);
  const viewer = await world.person('Viewer', { role: 'VIEWER' });
  await ports.addOwner(viewer);
  expect((await world.scope(viewer)).actor.role).toBe('OWNER');
  const { apiKey, secret } = await world.manager.createApiKey(await world.scope(owner), {
    name: 'k',
    role: 'VIEWER',
  });
  expect(await ports.verifyApiKey(secret!)).toEqual({ keyId: apiKey.id });
  expect(await ports.verifyApiKey('hive_nonsense')).toBeUndefined();
  expect(changes).toBe(3);
});
