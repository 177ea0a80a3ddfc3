import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { scopeOf } from '../../../tests/support/scopes.ts';
import { hashApiKey } from '../engines/security/api-key.ts';
import { setPasswordHash } from '../identity/people-store.ts';
import { findKeyBySecret } from '../stores/access-reads.ts';
import { contactOf } from './people.ts';

let world: AccessWorld;
let manager: AccessWorld['manager'];
let owner: string;
let member: string;
let other: string;
let otherOwner: string;

beforeAll(async () => {
  world = await createAccessWorld();
  manager = world.manager;
  owner = await world.person('Owner', { role: 'OWNER' });
});
beforeEach(async () => {
  world.denied.length = 0;
  member = await world.person('Mia Member', { role: 'OPERATOR' });
  other = await world.workspace(`w${member.slice(-8)}`);
  otherOwner = await world.person('Other Owner', { role: 'OWNER', workspaceId: other });
});
afterAll(() => world.database.drop());

const addresses = async (userId: string) => {
  const { rows } = await world.database.pool.query('select address from audit_origin where user_id = $1', [
    userId,
  ]);
  return rows.length;
};

describe('workspaces', () => {
  it('belong to whoever makes them, with a trail of their own', async () => {
    const scope = await world.scope(owner);
    const slug = `new-${member.slice(-8)}`;
    const input = { name: 'Research', slug, idempotencyKey: slug };
    const made = await manager.createWorkspace(scope, input);
    expect(made).toMatchObject({ slug, name: 'Research' });
    expect(await manager.createWorkspace(scope, input)).toEqual(made);
    expect(world.prepared.filter((id) => id === made.id)).toHaveLength(2);
    expect(await manager.workspacesOf(owner)).toContainEqual({ ...made, role: 'OWNER' });
    for (const workspaceId of [world.home, made.id])
      expect((await world.audit(workspaceId)).at(-1)).toMatchObject({
        ...{ action: 'workspace.create', actor_id: owner, subject_id: made.id },
      });
    await expect(manager.createWorkspace(scope, { name: 'Again', slug })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await expect(manager.createWorkspace(scope, { name: 'x', slug: 'Not Good' })).rejects.toMatchObject({
      fields: [{ path: 'slug' }],
    });
    const renamed = await manager.updateWorkspace(await world.scope(owner, made.id), { name: 'Renamed' });
    expect(renamed).toEqual({ ...made, name: 'Renamed' });
    expect(await manager.workspace(await world.scope(owner, made.id))).toEqual(renamed);
    expect((await world.events(made.id)).map(({ type, payload }) => [type, payload])).toEqual([
      ['member.joined', { userId: owner }],
      ['workspace.updated', {}],
    ]);
  });

  it('are made by owners, and renamed by admins', async () => {
    const scope = await world.scope(member);
    await expect(manager.createWorkspace(scope, { name: 'n', slug: 'n' })).rejects.toMatchObject({
      reason: 'ROLE',
    });
    await expect(manager.updateWorkspace(scope, { name: 'n' })).rejects.toMatchObject({ reason: 'ROLE' });
    expect(world.denied.map(({ action }) => action)).toEqual(['workspace.create', 'workspace.update']);
    await expect(
      manager.createWorkspace(scopeOf(world.home), { name: 'n', slug: 'n' }),
    ).rejects.toMatchObject({ currentStatus: 'NO_OWNER' });
  });
});

describe('people', () => {
  it('show their address to admins and themselves', async () => {
    const [ofOwner] = await manager.findPeople(await world.scope(owner), [member]);
    expect(ofOwner).toMatchObject({ name: 'Mia Member', email: expect.stringContaining('mia.member') });
    const second = await world.person('Second', { role: 'OPERATOR' });
    expect(await manager.findPeople(await world.scope(second), [member, second])).toEqual(
      expect.arrayContaining([
        { id: member, name: 'Mia Member', email: null, erased: false },
        { id: second, name: 'Second', email: expect.stringContaining('second'), erased: false },
      ]),
    );
    const { actor } = await world.scope(owner);
    expect(contactOf(actor, { id: member, email: 'a@b', erased: true })).toBeNull();
  });

  it('are unknown in workspaces they have nothing to do with', async () => {
    expect(await manager.findPeople(await world.scope(otherOwner, other), [member, owner, 'x'])).toEqual([]);
  });

  it('are known by name, and not by address, after they left', async () => {
    await manager.createApiKey(await world.scope(member), { name: 'k', role: 'VIEWER' });
    await manager.removeMember(await world.scope(owner), { memberId: member });
    expect(await manager.findPeople(await world.scope(owner), [member])).toEqual([
      { id: member, name: 'Mia Member', email: null, erased: false },
    ]);
  });
});

describe('exporting a person', () => {
  it('gives everything there is, to themselves, without anything secret', async () => {
    await world.join(other, member, { role: 'ADMIN' });
    await setPasswordHash(world.systemSql, member, 'scrypt$hash-of-a-password');
    const scope = await world.scope(member);
    const { apiKey, secret } = await manager.createApiKey(scope, { name: 'Mia’s laptop', role: 'VIEWER' });
    const inOther = await world.scope(member, other);
    const { url } = await manager.inviteMember(inOther, { role: 'VIEWER', note: 'for a friend' });
    const { rows } = await world.database.pool.query<{ id: string }>(
      `insert into goal (workspace_id, text) values ($1, 'Find the bug') returning id`,
      [world.home],
    );
    await world.database.pool.query(
      `insert into audit_entry (workspace_id, actor_kind, actor_id, action, outcome, subject_type, subject_id)
      values ($1, 'API_KEY', $2, 'goal.dispatch', 'ALLOWED', 'Goal', $3)`,
      [world.home, apiKey.id, rows[0]!.id],
    );
    await manager.changeMember(await world.scope(owner), { memberId: member, role: 'ADMIN' });
    const file = (await manager.exportPerson(scope, member)) as {
      [section: string]: { [key: string]: unknown }[];
    };
    expect(file['person']).toMatchObject({ name: 'Mia Member' });
    expect(file['memberships']!.map((row) => String(row['workspaceId']))).toEqual(
      [world.home, other].toSorted(),
    );
    expect(file['apiKeys']).toEqual([expect.objectContaining({ name: 'Mia’s laptop', start: apiKey.start })]);
    expect(file['invitations']).toEqual([
      expect.objectContaining({ note: 'for a friend', sentByPerson: true }),
    ]);
    expect(file['goals']).toEqual([expect.objectContaining({ text: 'Find the bug' })]);
    expect(file['auditByPerson']!.map((entry) => String(entry['action'])).toSorted()).toEqual([
      ...['goal.dispatch', 'key.create', 'member.invite', 'person.export'],
    ]);
    expect(file['auditByPerson']).toContainEqual(expect.objectContaining({ address: '203.0.113.9' }));
    expect(file['auditAboutPerson']).toContainEqual(
      expect.objectContaining({ action: 'member.change', actorId: owner, address: null }),
    );
    const text = JSON.stringify(file);
    for (const hidden of [secret!.slice(9), url!.split('=')[1]!, 'scrypt$', 'hash'])
      expect(text).not.toContain(hidden);
  });

  it('gives others what their workspaces hold', async () => {
    await world.join(other, member, { role: 'VIEWER' });
    const scope = await world.scope(owner);
    const file = (await manager.exportPerson(scope, member)) as { [section: string]: unknown };
    expect(file['memberships']).toEqual([expect.objectContaining({ workspaceId: world.home })]);
    // The account is a member elsewhere too: what it holds is not this owner's business.
    expect(Object.keys(file['person'] as object).toSorted()).toEqual(['email', 'erased', 'id', 'name']);
    expect(JSON.stringify(file)).not.toContain(other);
  });

  it('is refused to others, without a step-up, and about strangers', async () => {
    await expect(manager.exportPerson(await world.scope(member), owner)).rejects.toMatchObject({
      reason: 'ROLE',
    });
    const hasty = await world.scope(owner, world.home, { steppedUp: false });
    await expect(manager.exportPerson(hasty, member)).rejects.toMatchObject({ reason: 'STEP_UP' });
    await expect(manager.exportPerson(await world.scope(otherOwner, other), member)).rejects.toMatchObject({
      ...{ code: 'NOT_FOUND', type: 'Person' },
    });
    await expect(manager.exportPerson(await world.scope(owner), 'x')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('erasing a person', () => {
  it('leaves a pseudonym, and nothing to sign in or call with', async () => {
    await setPasswordHash(world.systemSql, member, 'scrypt$hash');
    const scope = await world.scope(member);
    const { apiKey, secret } = await manager.createApiKey(scope, { name: 'Mia’s laptop', role: 'VIEWER' });
    expect(await addresses(member)).toBeGreaterThan(0);
    expect(await manager.erasePerson(await world.scope(owner), { personId: member })).toBe(member);
    expect(await findKeyBySecret(world.systemSql, hashApiKey(secret!))).toBeUndefined();
    const [key] = await manager.findApiKeys(await world.scope(owner), [apiKey.id]);
    expect(key).toMatchObject({ name: 'Key of an erased person', createdBy: member });
    expect(await addresses(member)).toBe(0);
    const [person] = await manager.findPeople(await world.scope(owner), [member]);
    expect(person).toMatchObject({ email: null, erased: true, name: expect.not.stringContaining('Mia') });
    const { rows } = await world.database.pool.query('select 1 from identity.account where user_id = $1', [
      member,
    ]);
    expect(rows).toEqual([]);
    // The trail keeps who did what, by id.
    const trail = await world.audit(world.home);
    expect(trail.filter(({ actor_id: id }) => id === member).length).toBeGreaterThan(0);
    expect(JSON.stringify(trail)).not.toContain('Mia');
    expect(JSON.stringify(await world.events(world.home))).not.toContain('Mia');
  });

  it('erases oneself everywhere, with the address it was done from', async () => {
    await world.join(other, member, { role: 'ADMIN' });
    expect(await manager.erasePerson(await world.scope(member), { personId: member })).toBe(member);
    expect(await manager.workspacesOf(member)).toEqual([]);
    expect(await addresses(member)).toBe(0);
    for (const workspaceId of [world.home, other])
      expect((await world.audit(workspaceId)).at(-1)).toMatchObject({
        ...{ action: 'person.erase', actor_id: member, subject_id: member },
      });
  });

  it('is refused for members of workspaces of others, who could otherwise be reached from here', async () => {
    await world.join(other, member, { role: 'VIEWER' });
    await expect(manager.erasePerson(await world.scope(owner), { personId: member })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      reason: 'WORKSPACE',
    });
    expect(await manager.workspacesOf(member)).toHaveLength(2);
    await expect(
      manager.erasePerson(await world.scope(otherOwner, other), { personId: owner }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('reaches accounts without a workspace from the first one only', async () => {
    const stray = await world.person('Stray', { workspaceId: other, role: 'OPERATOR' });
    const neighbour = await world.scope(otherOwner, other);
    await manager.createApiKey(await world.scope(stray, other), { name: 'k', role: 'VIEWER' });
    await manager.removeMember(neighbour, { memberId: stray });
    // Known there by the key they made, which is no reason to have the account.
    await expect(manager.erasePerson(neighbour, { personId: stray })).rejects.toMatchObject({
      reason: 'WORKSPACE',
    });
    const { person } = (await manager.exportPerson(neighbour, stray)) as { person: object };
    expect(Object.keys(person)).not.toContain('sessions');
    expect(await manager.erasePerson(await world.scope(owner), { personId: stray })).toBe(stray);
  });

  it('does not find accounts without a workspace from another than the first', async () => {
    const stray = await world.person('Stray');
    await expect(
      manager.erasePerson(await world.scope(otherOwner, other), { personId: stray }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await manager.erasePerson(await world.scope(owner), { personId: stray })).toBe(stray);
  });

  it('asks for a step-up and the rank, and takes back everything when it fails', async () => {
    const hasty = await world.scope(owner, world.home, { steppedUp: false });
    await expect(manager.erasePerson(hasty, { personId: member })).rejects.toMatchObject({
      reason: 'STEP_UP',
    });
    await expect(manager.erasePerson(await world.scope(member), { personId: owner })).rejects.toMatchObject({
      reason: 'ROLE',
    });
    await world.join(other, owner, { role: 'VIEWER' });
    // Of two workspaces the last owner of one: neither membership ends.
    await expect(manager.erasePerson(await world.scope(owner), { personId: owner })).rejects.toMatchObject({
      currentStatus: 'LAST_OWNER',
    });
    expect((await manager.workspacesOf(owner)).length).toBeGreaterThan(1);
  });
});
