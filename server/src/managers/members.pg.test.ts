import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { scopeOf } from '../../../tests/support/scopes.ts';
import { acceptInvitation, findOpenInvitation } from '../stores/invitation-store.ts';
import { removeMember } from '../stores/member-store.ts';
import { inSystemTransaction } from './transaction.ts';

let world: AccessWorld;
let manager: AccessWorld['manager'];
let owner: string;
let admin: string;
let viewer: string;

beforeAll(async () => {
  world = await createAccessWorld();
  manager = world.manager;
  owner = await world.person('Olga Owner', { role: 'OWNER' });
});
beforeEach(async () => {
  world.denied.length = 0;
  admin = await world.person('Ada Admin', { role: 'ADMIN' });
  viewer = await world.person('Vera Viewer', { role: 'VIEWER' });
});
afterAll(() => world.database.drop());

const hashOf = (url: string | null) =>
  createHash('sha256')
    .update(/^https:\/\/hive\.example\/join#token=([\w-]{43})$/.exec(url ?? '')![1]!)
    .digest();
const accept = (url: string | null, userId: string) =>
  inSystemTransaction(world.database.systemPool, (sql) => acceptInvitation(sql, hashOf(url), userId));
const page = { limit: 100, backward: false };

describe('invitations', () => {
  it('let one person join, once, with what the invitation says', async () => {
    const project = await world.project(world.home, 'invited');
    const scope = await world.scope(admin);
    const { invitation, url } = await manager.inviteMember(scope, {
      ...{ role: 'VIEWER', projectAccess: 'GRANTED', note: 'for Vera’s sister', expiresInHours: 1 },
      grants: [{ projectId: project, role: 'OPERATOR' }],
    });
    expect(invitation).toMatchObject({ role: 'VIEWER', projectAccess: 'GRANTED', invitedBy: admin });
    expect(await findOpenInvitation(world.systemSql, hashOf(url))).toMatchObject({
      workspaceId: world.home,
      workspaceName: 'My hive',
      role: 'VIEWER',
    });
    const [one, two] = [await world.person('One'), await world.person('Two')];
    const outcomes = await Promise.all([accept(url, one), accept(url, two)]);
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['GONE', 'JOINED']);
    const joined = outcomes[0]!.outcome === 'JOINED' ? one : two;
    expect(await manager.findMembers(scope, [one, two])).toEqual([
      expect.objectContaining({
        ...{ id: joined, role: 'VIEWER', projectAccess: 'GRANTED' },
        grants: [{ projectId: project, role: 'OPERATOR' }],
      }),
    ]);
    expect(await world.events(world.home)).toContainEqual({
      ...{ type: 'member.joined', subject_id: joined, payload: { userId: joined } },
    });
    const entry = (await world.audit(world.home)).findLast(({ action }) => action === 'member.invite');
    expect(entry).toMatchObject({ actor_id: admin, outcome: 'ALLOWED', subject_id: invitation.id });
    expect(JSON.stringify(entry)).not.toContain('sister');
  });

  it('stay open when a member uses them', async () => {
    const { url } = await manager.inviteMember(await world.scope(admin), { role: 'VIEWER' });
    expect(await accept(url, viewer)).toMatchObject({ outcome: 'MEMBER' });
    expect(await accept(url, await world.person('Late'))).toMatchObject({ outcome: 'JOINED' });
  });

  it('cannot be used after they expired or were revoked', async () => {
    const scope = await world.scope(admin);
    const expired = await manager.inviteMember(scope, { role: 'VIEWER' });
    await world.database.pool.query('update invitation set expires_at = now() where id = $1', [
      expired.invitation.id,
    ]);
    const revoked = await manager.inviteMember(scope, { role: 'VIEWER' });
    const invitationId = revoked.invitation.id;
    for (let times = 0; times < 2; times += 1)
      expect((await manager.revokeInvitation(scope, { invitationId })).revokedAt).not.toBeNull();
    const person = await world.person('Nobody');
    for (const { url } of [expired, revoked]) expect(await accept(url, person)).toEqual({ outcome: 'GONE' });
    const listed = (await manager.invitations(scope)).map(({ id }) => id);
    expect(listed).toContain(expired.invitation.id);
    expect(listed).not.toContain(invitationId);
  });

  it('cannot be revoked once accepted', async () => {
    const scope = await world.scope(admin);
    const { invitation, url } = await manager.inviteMember(scope, { role: 'VIEWER' });
    await accept(url, await world.person('Fast'));
    await expect(manager.revokeInvitation(scope, { invitationId: invitation.id })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      currentStatus: 'ACCEPTED',
    });
  });

  it('end when whoever made them may no longer make them', async () => {
    const byAdmin = await manager.inviteMember(await world.scope(admin), { role: 'VIEWER' });
    await manager.changeMember(await world.scope(owner), { memberId: admin, role: 'OPERATOR' });
    expect(await accept(byAdmin.url, await world.person('X'))).toEqual({ outcome: 'GONE' });

    const second = await world.person('Second Owner', { role: 'OWNER' });
    const scope = await world.scope(second);
    const [high, low] = [
      await manager.inviteMember(scope, { role: 'OWNER' }),
      await manager.inviteMember(scope, { role: 'ADMIN' }),
    ];
    await manager.changeMember(await world.scope(owner), { memberId: second, role: 'ADMIN' });
    expect(await accept(high.url, await world.person('Y'))).toEqual({ outcome: 'GONE' });
    expect(await accept(low.url, await world.person('Z'))).toMatchObject({ outcome: 'JOINED' });
  });

  it('show their link once: a repeat does not make another one', async () => {
    const scope = await world.scope(admin);
    const first = await manager.inviteMember(scope, { role: 'VIEWER', idempotencyKey: 'k1' });
    const again = await manager.inviteMember(scope, { role: 'VIEWER', idempotencyKey: 'k1' });
    expect(again).toEqual({ invitation: first.invitation, url: null });
    // The same key of somebody else is another key.
    const other = await manager.inviteMember(await world.scope(owner), {
      role: 'ADMIN',
      idempotencyKey: 'k1',
    });
    expect(other.url).not.toBeNull();
  });

  it.each([
    [{ role: 'ADMIN', projectAccess: 'GRANTED', grants: [] }, 'projectAccess'],
    [{ role: 'VIEWER', projectAccess: 'GRANTED', grants: [] }, 'grants'],
    [{ role: 'BOSS' }, 'role'],
    [{ role: 'VIEWER', expiresInHours: 721 }, 'expiresInHours'],
    [{ role: 'VIEWER', note: 'x'.repeat(201) }, 'note'],
  ] as const)('refuse %j', async (input, path) => {
    const scope = await world.scope(admin);
    await expect(manager.inviteMember(scope, input as never)).rejects.toMatchObject({
      code: 'VALIDATION',
      fields: [expect.objectContaining({ path })],
    });
  });

  it('wait for an account', async () => {
    await expect(manager.inviteMember(scopeOf(world.home), { role: 'VIEWER' })).rejects.toMatchObject({
      currentStatus: 'NO_OWNER',
    });
  });
});

describe('changing members', () => {
  it('changes what is given and leaves the rest', async () => {
    const project = await world.project(world.home, `p-${viewer}`);
    const scope = await world.scope(admin);
    const grants = [{ projectId: project, role: 'OPERATOR' as const }];
    const limited = await manager.changeMember(scope, { memberId: viewer, projectAccess: 'GRANTED', grants });
    expect(limited).toMatchObject({ role: 'VIEWER', projectAccess: 'GRANTED', grants, version: 2 });
    const raised = await manager.changeMember(scope, { memberId: viewer, role: 'OPERATOR' });
    expect(raised).toMatchObject({ role: 'OPERATOR', projectAccess: 'GRANTED', grants, version: 3 });
    const high = await manager.changeMember(await world.scope(owner), { memberId: viewer, role: 'ADMIN' });
    expect(high).toMatchObject({ role: 'ADMIN', projectAccess: 'ALL' });
    expect((await world.audit(world.home)).at(-1)).toMatchObject({
      ...{ action: 'member.change', subject_type: 'Member', subject_id: viewer },
      detail: { detail: { before: { role: 'OPERATOR' }, after: { role: 'ADMIN', projectAccess: 'ALL' } } },
    });
  });

  it('is refused against rank, and on the record', async () => {
    const other = await world.person('Other Admin', { role: 'ADMIN' });
    const scope = await world.scope(admin);
    for (const memberId of [other, owner, admin])
      await expect(manager.changeMember(scope, { memberId, role: 'VIEWER' })).rejects.toMatchObject({
        ...{ code: 'FORBIDDEN', reason: 'RANK', action: 'member.change' },
      });
    await expect(manager.changeMember(scope, { memberId: viewer, role: 'OWNER' })).rejects.toMatchObject({
      reason: 'RANK',
    });
    await expect(
      manager.changeMember(await world.scope(viewer), { memberId: viewer, role: 'OWNER' }),
    ).rejects.toMatchObject({ reason: 'ROLE' });
    expect(world.denied).toHaveLength(5);
    expect(world.denied.at(-1)).toEqual({ action: 'member.change', reason: 'ROLE', workspaceId: world.home });
  });

  it('asks for a step-up before an owner is made or ended', async () => {
    const second = await world.person('Second', { role: 'OWNER' });
    const scope = await world.scope(owner, world.home, { steppedUp: false });
    for (const attempt of [
      () => manager.changeMember(scope, { memberId: second, role: 'ADMIN' }),
      () => manager.changeMember(scope, { memberId: viewer, role: 'OWNER' }),
      () => manager.removeMember(scope, { memberId: second }),
      () => manager.inviteMember(scope, { role: 'OWNER' }),
      () => manager.leaveWorkspace(scope, {}),
    ])
      await expect(attempt()).rejects.toMatchObject({ reason: 'STEP_UP' });
    await manager.changeMember(scope, { memberId: viewer, role: 'OPERATOR' });
  });

  it('is not undone by who was demoted while they asked', async () => {
    const scope = await world.scope(admin);
    await manager.changeMember(await world.scope(owner), { memberId: admin, role: 'VIEWER' });
    for (const late of [
      () => manager.changeMember(scope, { memberId: admin, role: 'ADMIN' }),
      () => manager.changeMember(scope, { memberId: viewer, role: 'ADMIN' }),
      () => manager.removeMember(scope, { memberId: viewer }),
    ])
      await expect(late()).rejects.toMatchObject({ code: 'FORBIDDEN', reason: 'ROLE' });
    await manager.removeMember(await world.scope(owner), { memberId: admin });
    await expect(manager.removeMember(scope, { memberId: viewer })).rejects.toMatchObject({ reason: 'ROLE' });
  });

  it('keeps grants in the workspace', async () => {
    const elsewhere = await world.workspace(`w${viewer.slice(-8)}`);
    const foreign = await world.project(elsewhere, 'foreign');
    const grants = [{ projectId: foreign, role: 'VIEWER' as const }];
    await expect(
      manager.changeMember(await world.scope(admin), { memberId: viewer, grants }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND', type: 'Project' });
    await expect(
      world.database.pool.query('insert into project_grant values ($1, $2, $3, $4)', [
        ...[world.home, viewer, foreign, 'VIEWER'],
      ]),
    ).rejects.toThrow(/foreign key/);
  });
});

describe('removing members', () => {
  it('ends what hangs on the membership, and nothing else', async () => {
    const second = await world.workspace(`r${admin.slice(-8)}`);
    await world.join(second, admin, { role: 'ADMIN' });
    const scope = await world.scope(admin);
    const { apiKey } = await manager.createApiKey(scope, { name: 'mine', role: 'ADMIN' });
    const kept = await manager.createApiKey(await world.scope(admin, second), {
      name: 'other',
      role: 'ADMIN',
    });
    const { url } = await manager.inviteMember(scope, { role: 'VIEWER' });
    expect(await manager.removeMember(await world.scope(owner), { memberId: admin })).toBe(admin);

    expect(await manager.findMembers(await world.scope(owner), [admin])).toEqual([]);
    const [revoked] = await manager.findApiKeys(await world.scope(owner), [apiKey.id]);
    expect(revoked!.revokedAt).not.toBeNull();
    expect(await accept(url, await world.person('X'))).toEqual({ outcome: 'GONE' });
    const [stays] = await manager.findApiKeys(await world.scope(admin, second), [kept.apiKey.id]);
    expect(stays!.revokedAt).toBeNull();
    const types = (await world.events(world.home)).filter(
      ({ subject_id: id }) => id === admin || id === apiKey.id,
    );
    expect(types.map(({ type }) => type)).toEqual([
      ...['member.joined', 'key.created', 'key.revoked', 'member.removed'],
    ]);
    await expect(manager.removeMember(await world.scope(owner), { memberId: admin })).rejects.toMatchObject({
      ...{ code: 'NOT_FOUND', type: 'Member' },
    });
  });

  it('lets anybody leave, with limited access too', async () => {
    const project = await world.project(world.home, `left-${viewer}`);
    const grants = [{ projectId: project, role: 'VIEWER' as const }];
    await manager.changeMember(await world.scope(admin), {
      memberId: viewer,
      projectAccess: 'GRANTED',
      grants,
    });
    expect(await manager.leaveWorkspace(await world.scope(viewer), {})).toBe(world.home);
    await expect(world.scope(viewer)).rejects.toThrow(/no member/);
    const { rows } = await world.database.pool.query('select 1 from project_grant where user_id = $1', [
      viewer,
    ]);
    expect(rows).toEqual([]);
  });

  it('does not end the last owner, by any way', async () => {
    const id = await world.workspace(`last${viewer.slice(-8)}`);
    await world.join(id, owner, { role: 'OWNER' });
    const scope = await world.scope(owner, id);
    for (const attempt of [
      () => manager.leaveWorkspace(scope, {}),
      () => manager.removeMember(scope, { memberId: owner }),
      () => manager.changeMember(scope, { memberId: owner, role: 'ADMIN' }),
      () => manager.erasePerson(scope, { personId: owner }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'INVALID_STATE', currentStatus: 'LAST_OWNER' });
    await expect(
      world.database.pool.query('delete from membership where workspace_id = $1', [id]),
    ).rejects.toThrow('A workspace keeps at least one owner.');
  });

  it('keeps one of two owners who remove each other at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = await world.workspace(`race${round}${viewer.slice(-8)}`);
      const [left, right] = [await world.person('Left'), await world.person('Right')];
      for (const person of [left, right]) await world.join(id, person, { role: 'OWNER' });
      const [one, two] = [await world.scope(left, id), await world.scope(right, id)];
      const outcomes = await Promise.allSettled([
        manager.removeMember(one, { memberId: right }),
        manager.removeMember(two, { memberId: left }),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const { rows } = await world.database.pool.query('select 1 from membership where workspace_id = $1', [
        id,
      ]);
      expect(rows).toHaveLength(1);
    }
  });

  it('keeps one of two owners in the database itself, behind open transactions', async () => {
    const id = await world.workspace(`open${viewer.slice(-8)}`);
    const [left, right] = [await world.person('Left'), await world.person('Right')];
    for (const person of [left, right]) await world.join(id, person, { role: 'OWNER' });
    const remove = (userId: string) =>
      inSystemTransaction(world.database.systemPool, (sql) => removeMember(sql, { workspaceId: id, userId }));
    const outcomes = await Promise.allSettled([remove(left), remove(right)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('finds the key that was being made at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const maker = await world.person('Maker', { role: 'OPERATOR' });
      const scope = await world.scope(maker);
      const made = manager.createApiKey(scope, { name: 'k', role: 'OPERATOR' });
      const [key] = await Promise.allSettled([
        made,
        manager.removeMember(await world.scope(owner), { memberId: maker }),
      ]);
      if (key.status === 'rejected') {
        expect(key.reason).toMatchObject({ code: 'FORBIDDEN' });
        continue;
      }
      const { rows } = await world.database.pool.query<{ revoked: boolean }>(
        'select revoked_at is not null as revoked from api_key where id = $1',
        [key.value.apiKey.id],
      );
      expect(rows).toEqual([{ revoked: true }]);
    }
  });
});

describe('the list of members', () => {
  it('pages through everybody, and tells who was seen to those who may know', async () => {
    const id = await world.workspace(`list${viewer.slice(-8)}`);
    await world.join(id, owner, { role: 'OWNER' });
    for (let count = 0; count < 4; count += 1) await world.join(id, await world.person(`M${count}`));
    await world.join(id, viewer);
    await world.database.pool.query('update membership set last_seen_at = now() where workspace_id = $1', [
      id,
    ]);
    const scope = await world.scope(owner, id);
    const first = await manager.members(scope, { limit: 4, backward: false });
    expect(first).toMatchObject({ hasNext: true, hasPrevious: false });
    const rest = await manager.members(scope, { limit: 4, backward: false, after: first.rows.at(-1)!.id });
    expect(rest.rows).toHaveLength(2);
    expect(rest.hasNext).toBe(false);
    const back = await manager.members(scope, { limit: 4, backward: true, before: rest.rows[0]!.id });
    expect(back.rows).toEqual(first.rows);
    expect(await manager.countMembers(scope)).toBe(6);
    expect(first.rows.every(({ lastSeenAt }) => lastSeenAt !== null)).toBe(true);
    const seen = await manager.members(await world.scope(viewer, id), page);
    expect(seen.rows.filter(({ lastSeenAt }) => lastSeenAt !== null).map(({ id: who }) => who)).toEqual([
      viewer,
    ]);
  });
});
