import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { request } from '../../support/graphql-client.ts';
import { as } from '../../support/principals.ts';
import {
  newAgent,
  newApiKey,
  newGoal,
  newInvitation,
  newMember,
  newProject,
  newTask,
  newWaitingTask,
  type World,
} from './permission-world.ts';

let database: TestDatabase;
let api: TestApi;
/** A workspace that the owner of the other one has nothing to do with. */
let abroad: World;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  const { pool, workspaceId } = database;
  const other = await pool.query<{ id: string }>(
    `insert into workspace (slug, name) values ('abroad', 'Abroad') returning id`,
  );
  const place = { pool, workspaceId: other.rows[0]!.id };
  abroad = { ...place, projectId: await newProject(place), actor: api.cast.local.actor };
  const userId = await newMember({ pool, workspaceId }, 'OWNER');
  api.cast.add('OWNER', { role: 'OWNER', id: userId, steppedUpAt: Date.now() });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const ask = (text: string, variables: Record<string, unknown> = {}) =>
  request<Record<string, unknown>>(api.url, text, variables, as('OWNER'));

const unknown = crypto.randomUUID();
const made: [name: string, input: string, make: (world: World) => Promise<Record<string, unknown>>][] = [
  ['cancelGoal', 'CancelGoalInput', async (world) => ({ goalId: await newGoal(world) })],
  ['acceptPlan', 'AcceptPlanInput', async (world) => ({ goalId: await newGoal(world) })],
  ['cancelTask', 'CancelTaskInput', async (world) => ({ taskId: await newTask(world) })],
  ['retryTask', 'RetryTaskInput', async (world) => ({ taskId: await newTask(world, 'FAILED') })],
  [
    'resolveStep',
    'ResolveStepInput',
    async (world) => ({ ...(await newWaitingTask(world)), decision: 'FAIL' }),
  ],
  ['pauseAgent', 'AgentActionInput', async (world) => ({ agentId: await newAgent(world) })],
  ['retireAgent', 'AgentActionInput', async (world) => ({ agentId: await newAgent(world) })],
  ['reindexProject', 'ReindexProjectInput', async ({ projectId }) => ({ projectId: `Project:${projectId}` })],
  [
    'changeMember',
    'ChangeMemberInput',
    async (world) => ({ memberId: `Member:${await newMember(world)}`, role: 'ADMIN' }),
  ],
  ['removeMember', 'RemoveMemberInput', async (world) => ({ memberId: `Member:${await newMember(world)}` })],
  ['erasePerson', 'ErasePersonInput', async (world) => ({ personId: `Person:${await newMember(world)}` })],
  [
    'revokeInvitation',
    'RevokeInvitationInput',
    async (world) => ({ invitationId: await newInvitation(world) }),
  ],
  ['rotateApiKey', 'RotateApiKeyInput', async (world) => ({ apiKeyId: await newApiKey(world) })],
  ['revokeApiKey', 'RevokeApiKeyInput', async (world) => ({ apiKeyId: await newApiKey(world) })],
  [
    'createTask',
    'CreateTaskInput',
    async ({ projectId }) => ({ title: 'x', instruction: 'x', projectId: `Project:${projectId}` }),
  ],
  [
    'inviteMember',
    'InviteMemberInput',
    async ({ projectId }) => ({
      role: 'VIEWER',
      projectAccess: 'GRANTED',
      grants: [{ projectId: `Project:${projectId}`, role: 'VIEWER' }],
    }),
  ],
  [
    'createApiKey',
    'CreateApiKeyInput',
    async ({ projectId }) => ({ name: 'x', role: 'VIEWER', projectIds: [`Project:${projectId}`] }),
  ],
];
const uuids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

test.for(made)('%s answers for its ids as for unknown ones', async ([name, type, make]) => {
  const text = `mutation ($input: ${type}!) { ${name}(input: $input) { __typename ... on Error { code message } } }`;
  const foreign = await make(abroad);
  const invented = JSON.parse(JSON.stringify(foreign).replace(uuids, unknown)) as Record<string, unknown>;
  const answers = [await ask(text, { input: foreign }), await ask(text, { input: invented })];
  const [first, second] = answers.map((answer) => JSON.stringify(answer).replace(uuids, 'uuid'));
  expect(first).toBe(second);
  expect(first).toContain('"code":"NOT_FOUND"');
});

test.for([
  ['goal', newGoal],
  ['task', newTask],
  ['agent', newAgent],
  ['node', newTask],
  ['node', newAgent],
] as const)('%s gives nothing of it', async ([field, make]) => {
  const text = `query ($id: ID!) { ${field}(id: $id) { __typename } }`;
  expect(await ask(text, { id: await make(abroad) })).toEqual({ data: { [field]: null } });
});

test('its members, keys and invitations are in no list', async () => {
  const ids = [`Member:${await newMember(abroad)}`, await newApiKey(abroad), await newInvitation(abroad)];
  const text =
    'query { members(first: 100) { edges { node { id } } } apiKeys(first: 100) { edges { node { id } } } invitations { id } }';
  const answer = JSON.stringify((await ask(text)).data);
  expect(ids.filter((id) => answer.includes(id))).toEqual([]);
});
