import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { scopeOf } from '../../../tests/support/scopes.ts';
import { hashApiKey, parseApiKey } from '../engines/security/api-key.ts';
import { findKeyBySecret } from '../stores/access-reads.ts';
import type { CreateApiKeyInput } from './api-keys.ts';

let world: AccessWorld;
let manager: AccessWorld['manager'];
let owner: string;
let admin: string;
let operator: string;
let viewer: string;

beforeAll(async () => {
  world = await createAccessWorld();
  manager = world.manager;
  owner = await world.person('Owner', { role: 'OWNER' });
  admin = await world.person('Admin', { role: 'ADMIN' });
  viewer = await world.person('Viewer', { role: 'VIEWER' });
});
beforeEach(async () => {
  operator = await world.person('Operator', { role: 'OPERATOR' });
});
afterAll(() => world.database.drop());

const create = async (userId: string, input: Partial<CreateApiKeyInput> = {}) =>
  manager.createApiKey(await world.scope(userId), { name: 'CI', role: 'OPERATOR', ...input });
const find = (secret: string | null) => findKeyBySecret(world.systemSql, hashApiKey(secret!));
const days = (from: unknown, to: unknown) =>
  Math.round((new Date(to as string).getTime() - new Date(from as string).getTime()) / 86_400_000);
const page = { limit: 100, backward: false };

describe('making a key', () => {
  it('shows its secret once and keeps a hash', async () => {
    const project = await world.project(world.home, `key-${operator}`);
    const input = { scopes: ['task.*', '*.read', 'task.*'], projectIds: [project], idempotencyKey: 'once' };
    const { apiKey, secret } = await create(operator, input);
    expect(parseApiKey(secret!)).toBe(secret);
    expect(apiKey).toMatchObject({
      ...{ name: 'CI', role: 'OPERATOR', scopes: ['task.*', '*.read'], projectIds: [project] },
      ...{ start: secret!.slice(0, 9), createdBy: operator, lastUsedAt: null, revokedAt: null },
    });
    expect(days(apiKey.createdAt, apiKey.expiresAt)).toBe(90);
    expect(await create(operator, input)).toEqual({ apiKey, secret: null });
    expect(await find(secret)).toMatchObject({
      id: apiKey.id,
      maker: { userId: operator, role: 'OPERATOR' },
    });
    const { rows } = await world.database.pool.query<{ text: string }>(
      'select api_key::text as text from api_key',
    );
    expect(rows.some(({ text }) => text.includes(secret!.slice(10)))).toBe(false);
    const entry = (await world.audit(world.home)).findLast(({ subject_id: id }) => id === apiKey.id);
    expect(entry).toMatchObject({ action: 'key.create', actor_id: operator, subject_type: 'ApiKey' });
    expect(JSON.stringify(entry)).not.toContain(secret!.slice(5, 20));
  });

  it.each([
    [{ scopes: ['task.create', 'task.explode'] }, 'scopes.1', /must be an action such as task\.read/],
    [{ scopes: ['member.invite'] }, 'scopes.0', /is for people who are signed in/],
    [{ scopes: ['*.rotate'] }, 'scopes.0', /is for people who are signed in/],
    [{ scopes: ['tas*'] }, 'scopes.0', /or a pattern such as/],
    [{ scopes: [] }, 'scopes', /at least one action/],
    [{ projectIds: [] }, 'projectIds', /at least one project/],
    [{ expiresInDays: 366 }, 'expiresInDays', /at most 365 days/],
    [{ expiresInDays: 0 }, 'expiresInDays', />=1/],
    [{ name: ' ' }, 'name', /must not be empty/],
  ])('refuses %j', async (input, path, message) => {
    await expect(create(operator, input)).rejects.toMatchObject({
      code: 'VALIDATION',
      fields: [expect.objectContaining({ path, message: expect.stringMatching(message) })],
    });
  });

  it('refuses a role above one’s own, viewers, programs, and projects of others', async () => {
    await expect(create(operator, { role: 'ADMIN' })).rejects.toMatchObject({ reason: 'RANK' });
    await expect(create(viewer, { role: 'VIEWER' })).rejects.toMatchObject({ reason: 'ROLE' });
    const scope = await world.scope(owner);
    const program = { ...scope, actor: { ...scope.actor, kind: 'API_KEY' as const } };
    await expect(manager.createApiKey(program, { name: 'k', role: 'VIEWER' })).rejects.toMatchObject({
      reason: 'PEOPLE_ONLY',
    });
    const foreign = await world.project(await world.workspace(`k${operator.slice(-8)}`), 'foreign');
    await expect(create(operator, { projectIds: [foreign] })).rejects.toMatchObject({
      ...{ code: 'NOT_FOUND', type: 'Project' },
    });
  });

  it('waits for an account', async () => {
    await expect(
      manager.createApiKey(scopeOf(world.home), { name: 'k', role: 'VIEWER' }),
    ).rejects.toMatchObject({ currentStatus: 'NO_OWNER' });
  });
});

describe('rotating a key', () => {
  it('keeps the old one for the overlap and names its successor', async () => {
    const { apiKey: old, secret } = await create(operator, { scopes: ['task.*'], expiresInDays: 30 });
    const next = await manager.rotateApiKey(await world.scope(operator), { apiKeyId: old.id });
    expect(next.apiKey).toMatchObject({
      name: 'CI',
      role: 'OPERATOR',
      scopes: ['task.*'],
      createdBy: operator,
    });
    expect(days(next.apiKey.createdAt, next.apiKey.expiresAt)).toBe(30);
    expect(await find(secret)).toBeDefined();
    expect(await find(next.secret)).toBeDefined();
    const [replaced] = await manager.findApiKeys(await world.scope(operator), [old.id]);
    expect(replaced).toMatchObject({ replacedBy: next.apiKey.id, revokedAt: null });
    expect(days(old.createdAt, replaced!.expiresAt)).toBe(1);
    await expect(
      manager.rotateApiKey(await world.scope(operator), { apiKeyId: old.id }),
    ).rejects.toMatchObject({ currentStatus: 'REPLACED' });
    const types = (await world.events(world.home)).filter(({ subject_id: id }) => id === old.id);
    expect(types.map(({ type, payload }) => [type, payload])).toEqual([
      ['key.created', { apiKeyId: old.id }],
      ['key.rotated', { apiKeyId: old.id }],
    ]);
  });

  it('ends the old one at once without an overlap', async () => {
    const { apiKey, secret } = await create(operator);
    const input = { apiKeyId: apiKey.id, overlapHours: 0, idempotencyKey: `r-${apiKey.id}` };
    const next = await manager.rotateApiKey(await world.scope(operator), input);
    expect(await find(secret)).toBeUndefined();
    expect(await find(next.secret)).toBeDefined();
    expect(await manager.rotateApiKey(await world.scope(operator), input)).toEqual({ ...next, secret: null });
  });

  it('never makes an old key live longer', async () => {
    const { apiKey } = await create(operator, { expiresInDays: 1 });
    await manager.rotateApiKey(await world.scope(operator), { apiKeyId: apiKey.id, overlapHours: 168 });
    const [replaced] = await manager.findApiKeys(await world.scope(operator), [apiKey.id]);
    expect(replaced!.expiresAt).toEqual(apiKey.expiresAt);
  });

  it('is for its maker and admins, and never gives an admin an owner’s rights', async () => {
    const { apiKey: ofOwner } = await create(owner, { role: 'OWNER' });
    const { apiKey: low } = await create(owner, { role: 'VIEWER' });
    await expect(
      manager.rotateApiKey(await world.scope(operator), { apiKeyId: low.id }),
    ).rejects.toMatchObject({ reason: 'ROLE' });
    await expect(
      manager.rotateApiKey(await world.scope(admin), { apiKeyId: ofOwner.id }),
    ).rejects.toMatchObject({ reason: 'RANK' });
    const taken = await manager.rotateApiKey(await world.scope(admin), { apiKeyId: low.id });
    expect(taken.apiKey.createdBy).toBe(admin);
    await manager.revokeApiKey(await world.scope(admin), { apiKeyId: ofOwner.id });
  });

  it('happens once, however many ask', async () => {
    const { apiKey } = await create(operator);
    const scope = await world.scope(operator);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => manager.rotateApiKey(scope, { apiKeyId: apiKey.id })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('ending a key', () => {
  it('works at once, and again', async () => {
    const { apiKey, secret } = await create(operator);
    const scope = await world.scope(operator);
    for (let times = 0; times < 2; times += 1) {
      expect((await manager.revokeApiKey(scope, { apiKeyId: apiKey.id })).revokedAt).not.toBeNull();
      expect(await find(secret)).toBeUndefined();
    }
    const types = (await world.events(world.home)).filter(({ subject_id: id }) => id === apiKey.id);
    expect(types.map(({ type }) => type)).toEqual(['key.created', 'key.revoked']);
    await expect(manager.rotateApiKey(scope, { apiKeyId: apiKey.id })).rejects.toMatchObject({
      currentStatus: 'REVOKED',
    });
  });

  it('comes by itself', async () => {
    const { apiKey, secret } = await create(operator);
    await world.database.pool.query('update api_key set expires_at = now() where id = $1', [apiKey.id]);
    expect(await find(secret)).toBeUndefined();
    await expect(
      manager.rotateApiKey(await world.scope(operator), { apiKeyId: apiKey.id }),
    ).rejects.toMatchObject({ currentStatus: 'EXPIRED' });
  });
});

describe('the list of keys', () => {
  it('is of all for admins, and of one’s own for everybody else', async () => {
    const { apiKey: mine } = await create(operator);
    const { apiKey: other } = await create(admin, { role: 'ADMIN' });
    const { apiKey: gone } = await create(operator);
    await manager.revokeApiKey(await world.scope(operator), { apiKeyId: gone.id });
    const ids = async (userId: string, includeRevoked?: boolean) =>
      (await manager.apiKeys(await world.scope(userId), page, { includeRevoked })).rows.map(({ id }) => id);
    expect(await ids(operator)).toEqual([mine.id]);
    expect(await ids(operator, true)).toEqual([gone.id, mine.id]);
    expect(await manager.countApiKeys(await world.scope(operator), { includeRevoked: true })).toBe(2);
    expect(await ids(admin)).toEqual(expect.arrayContaining([mine.id, other.id]));
    expect(await ids(viewer)).toEqual([]);
    expect(await manager.findApiKeys(await world.scope(operator), [mine.id, other.id, 'x'])).toHaveLength(1);
    expect(JSON.stringify(await manager.apiKeys(await world.scope(admin), page))).not.toMatch(/hash/i);
  });
});
