import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Actor, Role } from '../../../server/src/engines/security/actor.ts';
import type { ProviderStatus } from '../../../server/src/graphql/provider-status.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { next, request, requestData, socketClient, subscribe } from '../../support/graphql-client.ts';
import { as } from '../../support/principals.ts';
import { countStatements } from '../../support/sql-count.ts';
import {
  newAgent,
  newApiKey,
  newGoal,
  newMember,
  newProject,
  newTask,
  type World,
} from './permission-world.ts';

let database: TestDatabase;
let api: TestApi;
/** The workspace everybody acts in, in the project that LIMITED was granted. */
let here: World;
/** The same workspace, in a project that LIMITED was not granted. */
let beside: World;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  const { pool, workspaceId } = database;
  const worldOf = async (): Promise<World> => {
    const projectId = await newProject({ pool, workspaceId });
    return { pool, workspaceId, projectId, actor: api.cast.local.actor };
  };
  [here, beside] = [await worldOf(), await worldOf()];
  const person = async (name: string, role: Role, more: Partial<Actor> = {}) =>
    api.cast.add(name, { role, id: await newMember(here, role), steppedUpAt: Date.now(), ...more });
  await person('OWNER', 'OWNER');
  await person('ADMIN', 'ADMIN');
  await person('OPERATOR', 'OPERATOR');
  await person('VIEWER', 'VIEWER');
  await person('LIMITED', 'VIEWER', { projects: new Map([[here.projectId, 'OPERATOR']]) });
  const key = { role: 'OPERATOR', kind: 'API_KEY', scopes: ['task.*'] } as const;
  api.cast.add('KEY', { ...key, userId: await newMember(here, 'OPERATOR') });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const ask = (actor: string, text: string, variables: Record<string, unknown> = {}) =>
  request<Record<string, unknown>>(api.url, text, variables, as(actor));
const askData = (actor: string, text: string, variables: Record<string, unknown> = {}) =>
  requestData<Record<string, unknown>>(api.url, text, variables, as(actor));

describe('fields', () => {
  test.for([
    ['OPERATOR', 'Keep it secret.'],
    ['VIEWER', ''],
    ['LIMITED', ''],
  ])('instructions of an agent, to %s', async ([actor, instructions]) => {
    const id = await newAgent(here);
    const data = await askData(actor!, 'query ($id: ID!) { agent(id: $id) { instructions } }', { id });
    expect(data).toEqual({ agent: { instructions } });
  });

  test.for([
    ['OPERATOR', true],
    ['LIMITED', true],
    ['VIEWER', false],
  ] as const)('the folder of a project, to %s: %s', async ([actor, isShown]) => {
    const id = `Project:${here.projectId}`;
    const data = (await askData(actor, 'query ($id: ID!) { project(id: $id) { rootPath } }', { id })) as {
      project: { rootPath: string };
    };
    expect(data.project.rootPath !== '').toBe(isShown);
  });

  test('a mail address is shown to admins and to whoever has it', async () => {
    const text = 'query { members(first: 100) { totalCount edges { node { isViewer person { email } } } } }';
    const emailsFor = async (actor: string) => {
      const { members } = (await askData(actor, text)) as {
        members: { edges: { node: { isViewer: boolean; person: { email: string | null } } }[] };
      };
      return members.edges.map(({ node }) => ({ own: node.isViewer, shown: node.person.email !== null }));
    };
    expect((await emailsFor('ADMIN')).every(({ shown }) => shown)).toBe(true);
    const toViewer = await emailsFor('VIEWER');
    expect(toViewer.filter(({ own }) => own)).toEqual([{ own: true, shown: true }]);
    expect(toViewer.filter(({ own, shown }) => !own && shown)).toEqual([]);
  });

  test('a list of n members, keys or entries takes as many statements as a list of one', async () => {
    for (let index = 0; index < 5; index += 1) {
      const apiKeyId = await newApiKey(here);
      await askData(
        'ADMIN',
        'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { __typename } }',
        { input: { apiKeyId } },
      );
    }
    // One by one: of lists that are read at the same time it depends on the moment whose people are looked up together.
    const lists = [
      'members(first: $first) { edges { node { person { name email } grants { project { name } } } } }',
      'apiKeys(first: $first, includeRevoked: true) { edges { node { createdBy { name } projects { name } } } }',
      'auditEntries(first: $first) { edges { node { actorLabel actor { name } } } }',
    ];
    const counted = async (first: number) => {
      const read = async () => {
        for (const list of lists) await askData('ADMIN', `query ($first: Int) { ${list} }`, { first });
      };
      let ofHive: string[] = [];
      const ofTenant = await countStatements(database.tenantPool, async () => {
        ofHive = await countStatements(database.systemPool, read);
      });
      return [...ofTenant, ...ofHive.filter((statement) => statement.includes('findPeople'))].length;
    };
    const single = await counted(1);
    expect(single).toBeGreaterThan(3);
    expect(await counted(5)).toBe(single);
  });

  test('where providers are, and what they said, is for operators', async () => {
    const provider: ProviderStatus = {
      ...{ name: 'ollama', kind: 'OLLAMA', status: 'DOWN', address: 'http://10.0.0.7:11434', models: [] },
      ...{
        failure: { code: 'UNREACHABLE', message: 'http://10.0.0.7:11434: refused' },
        breakerState: 'CLOSED',
      },
    };
    const gateway = { status: (): ProviderStatus[] => [provider], languageModelConnected: false };
    const report = api.deps.health.report();
    const detail = 'none reachable; tried ollama (http://10.0.0.7:11434)';
    const health = {
      report: () => ({
        ...report,
        checks: [{ name: 'language models', status: 'DEGRADED' as const, detail }],
      }),
    };
    const other = await startTestApi(database, { overrides: { gateway, health } });
    const text = 'query { health { checks { detail } providers { address failure { code message } } } }';
    try {
      for (const role of ['OPERATOR', 'VIEWER'] as const) other.cast.add(role, { role });
      const answerTo = async (actor: string) => JSON.stringify(await request(other.url, text, {}, as(actor)));
      expect((await answerTo('OPERATOR')).match(/10\.0\.0\.7/g)).toHaveLength(3);
      expect(await answerTo('VIEWER')).toContain('UNREACHABLE');
      expect(await answerTo('VIEWER')).not.toContain('10.0.0.7');
    } finally {
      await other.close();
    }
  });

  test('what tells about the machine and other workspaces, is for operators of the first one', async () => {
    const report = api.deps.health.report();
    const check = (name: string, detail: string, status: 'UP' | 'DOWN' = 'UP') => ({ name, status, detail });
    const checks = [
      check('disk', '12.3 GB free at /srv/hive'),
      check('database', 'connect ECONNREFUSED 10.0.0.8:5432', 'DOWN'),
      check('queue', '4711 queued, 4712 running'),
    ];
    const health = { report: () => ({ ...report, checks, queuedTaskCount: 4711, runningTaskCount: 4712 }) };
    const other = await startTestApi(database, { overrides: { health } });
    const text =
      'query { health { checks { detail } queuedTaskCount runningTaskCount } tasks(where: { status: [QUEUED] }) { totalCount } }';
    const limited = { projects: new Map([[here.projectId, 'OPERATOR' as const]]) };
    const { rows } = await database.pool.query<{ id: string }>(
      `insert into workspace (slug, name) values ('neighbour', 'Neighbour') returning id`,
    );
    try {
      await newTask(here);
      other.cast.add('OPERATOR', { role: 'OPERATOR' });
      other.cast.add('VIEWER', { role: 'VIEWER' });
      other.cast.add('LIMITED', { role: 'VIEWER', ...limited });
      other.cast.add('NEIGHBOUR', { role: 'OWNER', workspaceId: rows[0]!.id });
      type Seen = { health: { queuedTaskCount: number }; tasks: { totalCount: number } };
      const answerTo = (actor: string) => requestData<Seen>(other.url, text, {}, as(actor));
      expect(JSON.stringify(await answerTo('OPERATOR'))).toMatch(/srv.*10\.0\.0\.8.*4711 queued.*:4711/);
      for (const actor of ['VIEWER', 'LIMITED', 'NEIGHBOUR']) {
        const data = await answerTo(actor);
        expect(JSON.stringify(data), actor).not.toMatch(/srv|10\.0\.0\.8|471[12]/);
        expect(data.health.queuedTaskCount, actor).toBe(data.tasks.totalCount);
      }
      expect((await answerTo('NEIGHBOUR')).health.queuedTaskCount).toBe(0);
    } finally {
      await other.close();
    }
  });

  test('the viewer is told who they are, where, and until when they need not confirm', async () => {
    const text =
      'query { viewer { workspaceName actorKind role hasOwner steppedUpUntil person { id name } workspaces { slug role } } }';
    const { viewer } = (await askData('OPERATOR', text)) as { viewer: Record<string, unknown> };
    expect(viewer).toMatchObject({
      ...{ workspaceName: 'My hive', actorKind: 'USER', role: 'OPERATOR', hasOwner: true },
      person: { name: 'operator person' },
      workspaces: [{ slug: 'default', role: 'OPERATOR' }],
    });
    expect(Date.parse(String(viewer['steppedUpUntil']))).toBeGreaterThan(Date.now() + 200_000);
    expect(await askData('KEY', 'query { viewer { actorKind steppedUpUntil workspaces { slug } } }')).toEqual(
      {
        viewer: { actorKind: 'API_KEY', steppedUpUntil: null, workspaces: [{ slug: 'default' }] },
      },
    );
  });
});

test('what asks for a confirmation says so, in the permissions and when it is tried', async () => {
  api.cast.add('LATE', { role: 'OWNER', id: await newMember(here, 'OWNER') });
  const { viewer } = (await askData('LATE', 'query { viewer { permissions { action reason } } }')) as {
    viewer: { permissions: { action: string; reason: string | null }[] };
  };
  expect(viewer.permissions).toContainEqual({ action: 'secret.rotate', reason: 'STEP_UP' });
  const text = 'mutation { rotateSecrets(input: {}) { __typename ... on ForbiddenError { reason action } } }';
  expect(await askData('LATE', text)).toEqual({
    rotateSecrets: { __typename: 'ForbiddenError', reason: 'STEP_UP', action: 'secret.rotate' },
  });
});

test('a grant lets a viewer do in one project what the role does not, and nothing elsewhere', async () => {
  api.cast.add('GRANTED', { role: 'VIEWER', grants: new Map([[here.projectId, 'OPERATOR']]) });
  const text =
    'mutation ($input: CancelTaskInput!) { cancelTask(input: $input) { __typename ... on ForbiddenError { reason } } }';
  const cancel = async (world: World) =>
    askData('GRANTED', text, { input: { taskId: await newTask(world) } });
  expect(await cancel(here)).toEqual({ cancelTask: { __typename: 'Task' } });
  expect(await cancel(beside)).toEqual({ cancelTask: { __typename: 'ForbiddenError', reason: 'ROLE' } });
});

describe('a key', () => {
  test('reaches from what its scopes allow nothing that they do not', async () => {
    const id = await newTask(here);
    await database.pool.query('update task set goal_id = $1 where id = $2', [
      (await newGoal(here)).slice('Goal:'.length),
      id.slice('Task:'.length),
    ]);
    const answer = await ask('KEY', 'query ($id: ID!) { task(id: $id) { id goal { text } } }', { id });
    expect(answer.data).toEqual({ task: { id, goal: null } });
    expect(answer.errors).toMatchObject([
      { path: ['task', 'goal'], extensions: { code: 'FORBIDDEN', reason: 'SCOPE', action: 'goal.read' } },
    ]);
  });

  test('gets by its global id what it may read, and is refused the rest', async () => {
    const text = 'query ($id: ID!) { node(id: $id) { id } }';
    const taskId = await newTask(here);
    expect(await askData('KEY', text, { id: taskId })).toEqual({ node: { id: taskId } });
    const answer = await ask('KEY', text, { id: await newGoal(here) });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', action: 'goal.read' });
  });
});

describe('access limited to projects', () => {
  const readable = [
    ['goal', newGoal],
    ['task', newTask],
    ['node', newTask],
    ['node', newGoal],
  ] as const;

  test.for(readable)('%s gives what is in them and nothing else', async ([field, make]) => {
    const text = `query ($id: ID!) { ${field}(id: $id) { ... on Node { id } } }`;
    const [seen, unseen] = [await make(here), await make(beside)];
    expect(await askData('LIMITED', text, { id: seen })).toEqual({ [field]: { id: seen } });
    expect(await askData('LIMITED', text, { id: unseen })).toEqual({ [field]: null });
    expect(await askData('VIEWER', text, { id: unseen })).toEqual({ [field]: { id: unseen } });
  });

  test('lists and counts hold nothing else', async () => {
    await newGoal(here);
    await newGoal(beside);
    const text =
      'query { goals(first: 100) { totalCount edges { node { project { id } } } } projects { edges { node { id } } } }';
    const data = (await askData('LIMITED', text)) as {
      goals: { totalCount: number; edges: { node: { project: { id: string } } }[] };
      projects: { edges: { node: { id: string } }[] };
    };
    const projectIds = [
      ...data.goals.edges.map(({ node }) => node.project.id),
      ...data.projects.edges.map(({ node }) => node.id),
    ];
    expect(new Set(projectIds)).toEqual(new Set([`Project:${here.projectId}`]));
    expect(data.goals.totalCount).toBe(data.goals.edges.length);
  });

  test('live events and memory operations are those of the projects', async () => {
    const client = socketClient(api.url, { connectionParams: as('LIMITED') });
    const events = subscribe<{ events: { subjectId: string } }>(
      client,
      'subscription { events(where: { types: ["task.*"] }) { subjectId } }',
    );
    const operations = subscribe<{ memoryOperations: { detail: string } }>(
      client,
      'subscription { memoryOperations { detail } }',
    );
    const [firstEvent, firstOperation] = [next(events), next(operations)];
    const create = (world: World) =>
      requestData<{ createTask: { id: string } }>(
        api.url,
        'mutation ($input: CreateTaskInput!) { createTask(input: $input) { ... on Task { id } } }',
        { input: { title: 'a task', instruction: 'do it', projectId: `Project:${world.projectId}` } },
        as('OWNER'),
      );
    const provoking = setInterval(() => {
      const { workspaceId } = here;
      for (const [world, detail] of [
        [beside, 'unseen'],
        [here, 'seen'],
      ] as const) {
        const { projectId } = world;
        api.hub.publish('memory.operation', { workspaceId, projectId, operation: 'index.file', detail });
      }
      void create(beside).then(() => create(here));
    }, 100);
    try {
      expect((await firstOperation).data?.memoryOperations.detail).toBe('seen');
      const { subjectId } = (await firstEvent).data!.events;
      // Of any task there: an event from before, which came late, is no reason to fail.
      const { rows } = await database.pool.query<{ project_id: string }>(
        'select project_id from task where id = $1',
        [subjectId.slice('Task:'.length)],
      );
      expect(rows).toMatchObject([{ project_id: here.projectId }]);
    } finally {
      clearInterval(provoking);
      await client.dispose();
    }
  });

  test('a subscription to what is outside is refused as if it did not exist', async () => {
    const client = socketClient(api.url, { connectionParams: as('LIMITED') });
    const id = await newTask(beside);
    const answer = await next(
      subscribe(client, 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }', { id }),
    ).catch((errors: unknown) => ({ errors }));
    expect(JSON.stringify(answer)).toContain('NOT_FOUND');
    await client.dispose();
  });
});

test('what was refused is on record, whether a query, a mutation or a field', async () => {
  await ask('VIEWER', 'query { auditState { sealedCount } }');
  await ask('VIEWER', 'mutation { updateWorkspace(input: { name: "Mine" }) { __typename } }');
  await ask('KEY', 'query { goals(first: 1) { edges { cursor } } }');
  await api.recorded();
  const text =
    'query { auditEntries(first: 100, where: { outcome: DENIED }) { edges { node { action outcome actorKind actorLabel detail } } } }';
  const { auditEntries } = (await askData('ADMIN', text)) as {
    auditEntries: { edges: { node: Record<string, unknown> }[] };
  };
  const entries = auditEntries.edges.map(({ node }) => node);
  const denied = {
    outcome: 'DENIED',
    actorKind: 'USER',
    actorLabel: 'viewer person',
    detail: { reason: 'ROLE' },
  };
  expect(entries).toContainEqual({ action: 'audit.read', ...denied });
  expect(entries).toContainEqual({ action: 'workspace.update', ...denied });
  expect(entries).toContainEqual(
    expect.objectContaining({ action: 'goal.read', actorKind: 'API_KEY', detail: { reason: 'SCOPE' } }),
  );
});

test('a change is on record under the name of who made it, with a global id of what it was about', async () => {
  const memberId = `Member:${await newMember(here)}`;
  const change = 'mutation ($input: ChangeMemberInput!) { changeMember(input: $input) { __typename } }';
  await askData('ADMIN', change, { input: { memberId, role: 'OPERATOR' } });
  const text =
    'query ($subject: String!) { auditEntries(where: { subjectId: $subject, action: "member.*" }) { edges { node { subjectId action actorLabel actor { name } sealed } } } }';
  expect(await askData('ADMIN', text, { subject: memberId })).toMatchObject({
    auditEntries: {
      edges: [
        {
          node: {
            ...{ subjectId: memberId, action: 'member.change', actorLabel: 'admin person', sealed: false },
            actor: { name: 'admin person' },
          },
        },
      ],
    },
  });
});
