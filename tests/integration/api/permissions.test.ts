import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Actor, Role } from '../../../server/src/engines/security/actor.ts';
import { rootActions } from '../../../server/src/graphql/root-actions.ts';
import { schema } from '../../../server/src/graphql/schema.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { next, request, socketClient, subscribe, type GraphQLAnswer } from '../../support/graphql-client.ts';
import { as } from '../../support/principals.ts';
import { mutations, queries, subscriptions, type Operation } from './permission-operations.ts';
import { newMember, newProject, type World } from './permission-world.ts';

/**
 * Written by hand, and on purpose not derived from the table of rules: whoever changes what a role may do has to say so here,
 * too. `yes`, or the reason of the refusal.
 *
 * LIMITED is an operator of one project and sees no other. KEY may do what an operator may, as far as it is `task.*`.
 */
const expectedQueries = table(`
                    OWNER ADMIN OPERATOR VIEWER LIMITED KEY
  viewer            yes   yes   yes      yes    yes     yes
  node              yes   yes   yes      yes    yes     yes
  nodes             yes   yes   yes      yes    yes     yes
  health            yes   yes   yes      yes    yes     SCOPE
  goal              yes   yes   yes      yes    yes     SCOPE
  goals             yes   yes   yes      yes    yes     SCOPE
  workflowRuns      yes   yes   yes      yes    yes     SCOPE
  task              yes   yes   yes      yes    yes     yes
  tasks             yes   yes   yes      yes    yes     yes
  events            yes   yes   yes      yes    yes     SCOPE
  latestEventCursor yes   yes   yes      yes    yes     SCOPE
  agent             yes   yes   yes      yes    yes     SCOPE
  agents            yes   yes   yes      yes    yes     SCOPE
  crews             yes   yes   yes      yes    yes     SCOPE
  project           yes   yes   yes      yes    yes     SCOPE
  projects          yes   yes   yes      yes    yes     SCOPE
  members           yes   yes   yes      yes    yes     SCOPE
  invitations       yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  apiKeys           yes   yes   yes      yes    yes     SCOPE
  auditEntries      yes   yes   ROLE     ROLE   ROLE    SCOPE
  auditState        yes   yes   ROLE     ROLE   ROLE    SCOPE
  secrets           yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  retention         yes   yes   yes      yes    yes     SCOPE
`);

const expectedMutations = table(`
                    OWNER ADMIN OPERATOR VIEWER LIMITED KEY
  dispatchGoal      yes   yes   yes      ROLE   yes     SCOPE
  acceptPlan        yes   yes   yes      ROLE   yes     SCOPE
  editPlan          yes   yes   yes      ROLE   yes     SCOPE
  cancelGoal        yes   yes   yes      ROLE   yes     SCOPE
  createTask        yes   yes   yes      ROLE   yes     yes
  cancelTask        yes   yes   yes      ROLE   yes     yes
  retryTask         yes   yes   yes      ROLE   yes     yes
  resolveStep       yes   yes   yes      ROLE   yes     SCOPE
  registerAgent     yes   yes   ROLE     ROLE   ROLE    SCOPE
  updateAgent       yes   yes   ROLE     ROLE   ROLE    SCOPE
  pauseAgent        yes   yes   yes      ROLE   ROLE    SCOPE
  resumeAgent       yes   yes   yes      ROLE   ROLE    SCOPE
  retireAgent       yes   yes   ROLE     ROLE   ROLE    SCOPE
  registerProject   yes   yes   ROLE     ROLE   ROLE    SCOPE
  reindexProject    yes   yes   yes      ROLE   yes     SCOPE
  createWorkspace   yes   ROLE  ROLE     ROLE   ROLE    PEOPLE_ONLY
  updateWorkspace   yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  leaveWorkspace    yes   yes   yes      yes    yes     PEOPLE_ONLY
  inviteMember      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  revokeInvitation  yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  changeMember      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  removeMember      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  createApiKey      yes   yes   yes      ROLE   ROLE    PEOPLE_ONLY
  rotateApiKey      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  revokeApiKey      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  setSecret         yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  deleteSecret      yes   yes   ROLE     ROLE   ROLE    PEOPLE_ONLY
  rotateSecrets     yes   ROLE  ROLE     ROLE   ROLE    PEOPLE_ONLY
  erasePerson       yes   ROLE  ROLE     ROLE   ROLE    PEOPLE_ONLY
`);

const expectedSubscriptions = table(`
                    OWNER ADMIN OPERATOR VIEWER LIMITED KEY
  events            yes   yes   yes      yes    yes     SCOPE
  taskUpdated       yes   yes   yes      yes    yes     yes
  taskOutput        yes   yes   yes      yes    yes     yes
  planUpdated       yes   yes   yes      yes    yes     SCOPE
  agentStatus       yes   yes   yes      yes    yes     SCOPE
  memoryOperations  yes   yes   yes      yes    yes     SCOPE
  systemHealth      yes   yes   yes      yes    yes     SCOPE
`);

type ActorName = 'OWNER' | 'ADMIN' | 'OPERATOR' | 'VIEWER' | 'LIMITED' | 'KEY';
type Expected = Readonly<Record<string, Readonly<Record<ActorName, string>>>>;

function table(text: string): Expected {
  const [head, ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    rows.map(([field, ...outcomes]) => [
      field!,
      Object.fromEntries(head!.map((actor, index) => [actor, outcomes[index]!])) as Record<ActorName, string>,
    ]),
  );
}

const actors = Object.keys(Object.values(expectedQueries)[0]!) as ActorName[];
const cases = (expected: Expected) =>
  Object.entries(expected).flatMap(([field, outcomes]) =>
    actors.map((actor) => ({ field, actor, outcome: outcomes[actor] })),
  );

let database: TestDatabase;
let api: TestApi;
let world: Omit<World, 'actor'>;
const present = new Map<ActorName, Actor>();

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  const { workspaceId } = database;
  world = { pool: database.pool, workspaceId, projectId: '' };
  world.projectId = await newProject(world);
  // Somebody who stays when the owner of the test leaves.
  await newMember(world, 'OWNER');
  const person = async (role: Role, more: Partial<Actor> = {}) => ({
    ...{ role, id: await newMember(world, role), steppedUpAt: Date.now() },
    ...more,
  });
  const cast: Record<ActorName, Partial<Actor> & { role: Role }> = {
    OWNER: await person('OWNER'),
    ADMIN: await person('ADMIN'),
    OPERATOR: await person('OPERATOR'),
    VIEWER: await person('VIEWER'),
    LIMITED: await person('VIEWER', { projects: new Map([[world.projectId, 'OPERATOR']]) }),
    KEY: {
      ...{ role: 'OPERATOR', kind: 'API_KEY', scopes: ['task.*'] },
      userId: await newMember(world, 'OPERATOR'),
    },
  };
  for (const name of actors) present.set(name, api.cast.add(name, cast[name]).actor);
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

const fieldsOf = (type: 'Query' | 'Mutation' | 'Subscription') =>
  Object.keys(
    {
      Query: schema.getQueryType(),
      Mutation: schema.getMutationType(),
      Subscription: schema.getSubscriptionType(),
    }[type]!.getFields(),
  ).sort();

async function variablesFor(operation: Operation, actor: ActorName): Promise<Record<string, unknown>> {
  const { userId, role, projects } = present.get(actor)!;
  // Somebody who has left before is back.
  await database.pool.query(
    `insert into membership (workspace_id, user_id, role, project_access) values ($1, $2, $3, $4) on conflict do nothing`,
    [database.workspaceId, userId, role, projects === 'ALL' ? 'ALL' : 'GRANTED'],
  );
  return (await operation.variables?.({ ...world, actor: present.get(actor)! })) ?? {};
}

/** `yes`, the reason of a refusal, or what else went wrong, which no table expects. */
function outcomeOf(answer: GraphQLAnswer): string {
  const [error] = answer.errors ?? [];
  if (error) return String(error.extensions?.reason ?? `${error.extensions?.code}: ${error.message}`);
  const result = Object.values(answer.data ?? {})[0] as {
    __typename?: string;
    reason?: string;
    message?: string;
  } | null;
  if (result?.__typename === 'ForbiddenError') return result.reason!;
  return result?.__typename?.endsWith('Error') ? `${result.__typename}: ${result.message}` : 'yes';
}

describe('every root field of the schema has its place in the table', () => {
  test('queries', () => expect(Object.keys(expectedQueries).sort()).toEqual(fieldsOf('Query')));
  test('mutations', () => expect(Object.keys(expectedMutations).sort()).toEqual(fieldsOf('Mutation')));
  test('subscriptions', () =>
    expect(Object.keys(expectedSubscriptions).sort()).toEqual(fieldsOf('Subscription')));
});

describe('queries and mutations', () => {
  const operations = { ...queries, ...mutations };

  test.for(cases({ ...expectedQueries, ...expectedMutations }))(
    '$field as $actor: $outcome',
    async ({ field, actor, outcome }) => {
      const operation = operations[field]!;
      const variables = await variablesFor(operation, actor);
      const answer = await request(api.url, operation.text, variables, as(actor));
      expect(outcomeOf(answer)).toBe(outcome);
    },
  );

  test.for(Object.keys(operations))('%s as nobody: not signed in', async (field) => {
    const operation = operations[field]!;
    const variables = await variablesFor(operation, 'VIEWER');
    const answer = await request(api.url, operation.text, variables, as('nobody'));
    expect(answer.errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
    expect(answer.data).toBeUndefined();
  });
});

describe('subscriptions', () => {
  /** What makes the silent ones speak; a refusal is there before. */
  async function provoke(field: string): Promise<void> {
    if (field === 'memoryOperations') {
      const { workspaceId, projectId } = world;
      api.hub.publish('memory.operation', { workspaceId, projectId, operation: 'index.start' });
    }
    if (field === 'events') {
      const { text } = mutations['createTask']!;
      await request(api.url, text, await variablesFor(mutations['createTask']!, 'OWNER'), as('OWNER'));
    }
    if (field === 'taskOutput')
      await database.pool.query(
        `update task set status = 'CANCELED', finished_at = now() where status = 'QUEUED'`,
      );
  }

  test.for(cases(expectedSubscriptions))('$field as $actor: $outcome', async ({ field, actor, outcome }) => {
    const operation = subscriptions[field]!;
    const client = socketClient(api.url, { connectionParams: as(actor) });
    const results = subscribe(client, operation.text, await variablesFor(operation, actor));
    const first = next(results).then(outcomeOf, (error: unknown) => outcomeOf({ errors: error as never }));
    const provoking = setInterval(() => void provoke(field), 50);
    try {
      expect(await first).toBe(outcome);
    } finally {
      clearInterval(provoking);
      await results.return?.();
      await client.dispose();
    }
  });

  test('a socket of nobody is closed before any operation', async () => {
    const client = socketClient(api.url, { connectionParams: as('nobody') });
    const results = subscribe(client, subscriptions['systemHealth']!.text);
    await expect(next(results)).rejects.toMatchObject({ code: 4403 });
    await client.dispose();
  });
});

/** Each action there is a root field for: what the app shows or leaves out by it is what the API then does. */
test.for(actors)('what viewer.permissions says to %s is what happens', async (actor) => {
  const text = 'query { viewer { permissions { action allowed reason } } }';
  const answer = await request<{
    viewer: { permissions: { action: string; allowed: boolean; reason: string | null }[] };
  }>(api.url, text, {}, as(actor));
  const said = new Map(
    answer.data!.viewer.permissions.map(({ action, allowed, reason }) => [action, allowed ? 'yes' : reason!]),
  );
  const tables = { Query: expectedQueries, Mutation: expectedMutations, Subscription: expectedSubscriptions };
  // Keys one made oneself can be listed by everybody.
  const own = ['apiKeys'];
  for (const type of ['Query', 'Mutation', 'Subscription'] as const) {
    for (const [field, rule] of Object.entries(rootActions[type])) {
      if (rule === 'SELF' || own.includes(field)) continue;
      expect(`${field}: ${said.get(rule)}`).toBe(`${field}: ${tables[type][field]![actor]}`);
    }
  }
});
