import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import type { Scope } from './transaction.ts';

/** An owner of workspace B, stepped up, with ids of workspace A: the most that a neighbour can have. */
let world: AccessWorld;
let manager: AccessWorld['manager'];
let scope: Scope;
let theirs: { memberId: string; invitationId: string; apiKeyId: string; projectId: string };
let before: string;

beforeAll(async () => {
  world = await createAccessWorld();
  manager = world.manager;
  const owner = await world.person('Owner A', { role: 'OWNER' });
  const memberId = await world.person('Member A', { role: 'OPERATOR' });
  const ours = await world.workspace('b');
  const neighbour = await world.person('Owner B', { role: 'OWNER', workspaceId: ours });
  const asOwner = await world.scope(owner);
  const projectId = await world.project(world.home, 'a');
  const { invitation } = await manager.inviteMember(asOwner, { role: 'VIEWER' });
  const { apiKey } = await manager.createApiKey(asOwner, { name: 'a', role: 'OWNER' });
  theirs = { memberId, projectId, invitationId: invitation.id, apiKeyId: apiKey.id };
  scope = await world.scope(neighbour, ours);
  before = await everythingOfA();
});
afterAll(() => world.database.drop());

async function everythingOfA(): Promise<string> {
  const { rows } = await world.database.pool.query<{ text: string }>(
    `select string_agg(row::text, E'\\n' order by row::text) as text from (
      select membership::text as row from membership where workspace_id = $1
      union all select project_grant::text from project_grant where workspace_id = $1
      union all select invitation::text from invitation where workspace_id = $1
      union all select api_key::text from api_key where workspace_id = $1
      union all select audit_entry::text from audit_entry where workspace_id = $1
      union all select event.type || subject_id::text from event where workspace_id = $1
      union all select workspace::text from workspace where id = $1) rows`,
    [world.home],
  );
  return rows[0]!.text;
}

it.each<[string, () => Promise<unknown>]>([
  ['changeMember', () => manager.changeMember(scope, { memberId: theirs.memberId, role: 'OWNER' })],
  ['removeMember', () => manager.removeMember(scope, { memberId: theirs.memberId })],
  ['revokeInvitation', () => manager.revokeInvitation(scope, { invitationId: theirs.invitationId })],
  ['rotateApiKey', () => manager.rotateApiKey(scope, { apiKeyId: theirs.apiKeyId })],
  ['revokeApiKey', () => manager.revokeApiKey(scope, { apiKeyId: theirs.apiKeyId })],
  [
    'createApiKey',
    () => manager.createApiKey(scope, { name: 'x', role: 'VIEWER', projectIds: [theirs.projectId] }),
  ],
  [
    'inviteMember',
    () =>
      manager.inviteMember(scope, {
        ...{ role: 'VIEWER', projectAccess: 'GRANTED' },
        grants: [{ projectId: theirs.projectId, role: 'VIEWER' }],
      }),
  ],
  ['exportPerson', () => manager.exportPerson(scope, theirs.memberId)],
  ['erasePerson', () => manager.erasePerson(scope, { personId: theirs.memberId })],
])('%s does not find what belongs to another workspace, and leaves it alone', async (_, attempt) => {
  await expect(attempt()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await everythingOfA()).toBe(before);
});

it('lists nothing of another workspace', async () => {
  const page = { limit: 100, backward: false };
  expect((await manager.members(scope, page)).rows.map(({ id }) => id)).toEqual([scope.actor.id]);
  expect(await manager.countMembers(scope)).toBe(1);
  expect(await manager.findMembers(scope, [theirs.memberId])).toEqual([]);
  expect(await manager.invitations(scope)).toEqual([]);
  expect((await manager.apiKeys(scope, page, { includeRevoked: true })).rows).toEqual([]);
  expect(await manager.countApiKeys(scope)).toBe(0);
  expect(await manager.findApiKeys(scope, [theirs.apiKeyId])).toEqual([]);
  expect(await manager.findPeople(scope, [theirs.memberId])).toEqual([]);
});

it('refuses an actor of one workspace in the scope of another, whatever it asks', async () => {
  const crossed: Scope = { ...scope, workspaceId: world.home };
  const refused = { code: 'FORBIDDEN', reason: 'WORKSPACE' };
  const page = { limit: 1, backward: false };
  for (const attempt of [
    () => manager.members(crossed, page),
    () => manager.countMembers(crossed),
    () => manager.findMembers(crossed, [theirs.memberId]),
    () => manager.findPeople(crossed, [theirs.memberId]),
    () => manager.invitations(crossed),
    () => manager.apiKeys(crossed, page),
    () => manager.countApiKeys(crossed),
    () => manager.findApiKeys(crossed, [theirs.apiKeyId]),
    () => manager.inviteMember(crossed, { role: 'VIEWER' }),
    () => manager.revokeInvitation(crossed, { invitationId: theirs.invitationId }),
    () => manager.changeMember(crossed, { memberId: theirs.memberId, role: 'ADMIN' }),
    () => manager.removeMember(crossed, { memberId: theirs.memberId }),
    () => manager.leaveWorkspace(crossed, {}),
    () => manager.createApiKey(crossed, { name: 'x', role: 'VIEWER' }),
    () => manager.rotateApiKey(crossed, { apiKeyId: theirs.apiKeyId }),
    () => manager.revokeApiKey(crossed, { apiKeyId: theirs.apiKeyId }),
    () => manager.createWorkspace(crossed, { name: 'x', slug: 'x' }),
    () => manager.updateWorkspace(crossed, { name: 'x' }),
    () => manager.exportPerson(crossed, theirs.memberId),
    () => manager.erasePerson(crossed, { personId: theirs.memberId }),
  ])
    await expect(attempt(), attempt.toString()).rejects.toMatchObject(refused);
  expect(await everythingOfA()).toBe(before);
});

it('refuses a workspace whose folder was set aside to owners of any but the first', async () => {
  const input = { name: 'Kept', slug: 'kept' };
  await expect(manager.createWorkspace(scope, input)).rejects.toMatchObject({ reason: 'WORKSPACE' });
  const homeOwner = await world.person('Another owner A', { role: 'OWNER' });
  expect(await manager.createWorkspace(await world.scope(homeOwner), input)).toMatchObject({ slug: 'kept' });
});
