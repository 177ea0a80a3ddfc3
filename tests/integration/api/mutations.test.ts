import { afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { DomainError } from '../../../server/src/lib/errors.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { insertFinishedGoal, insertTask } from '../../support/fixtures.ts';
import { request, requestData } from '../../support/graphql-client.ts';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

// Inside the interface, because not every result has every error.
const errorFields = `... on Error { __typename code message ... on ValidationError { fields { path message value } }
  ... on NotFoundError { id } ... on InvalidStateError { currentStatus } ... on IdempotencyConflictError { idempotencyKey } }`;
type Outcome = Record<string, unknown> & { __typename: string };

async function run(
  name: string,
  type: string,
  input: Record<string, unknown>,
  fields = '... on Node { id }',
): Promise<Outcome> {
  const data = await requestData<Record<string, Outcome>>(
    api.url,
    `mutation ($input: ${type}!) { ${name}(input: $input) { __typename ${fields} ${errorFields} } }`,
    { input },
  );
  return data[name]!;
}
const unknownGoal = 'Goal:0198c0de-0000-7000-8000-000000000000';
const countRows = async (table: string) =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n;

test('a goal is dispatched, and the same key and input gives the same one', async () => {
  const input = { text: 'Explain this', idempotencyKey: 'key-1' };
  const first = await run(
    'dispatchGoal',
    'DispatchGoalInput',
    input,
    '... on Goal { id text status autoStart plan { summary } progress { total } }',
  );
  expect(first).toMatchObject({
    __typename: 'Goal',
    text: 'Explain this',
    status: 'PLANNING',
    autoStart: true,
    plan: null,
    progress: { total: 0 },
  });
  expect((await run('dispatchGoal', 'DispatchGoalInput', input))['id']).toBe(first['id']);
  expect(await run('dispatchGoal', 'DispatchGoalInput', { ...input, text: 'Something else' })).toMatchObject({
    __typename: 'IdempotencyConflictError',
    code: 'IDEMPOTENCY_CONFLICT',
    idempotencyKey: 'key-1',
  });
});

test.each([
  ['dispatchGoal', 'DispatchGoalInput', { text: '' }, 'text'],
  ['dispatchGoal', 'DispatchGoalInput', { text: 'x'.repeat(100_000) }, 'text'],
  ['dispatchGoal', 'DispatchGoalInput', { text: 'x', projectId: 'nonsense' }, 'projectId'],
  ['dispatchGoal', 'DispatchGoalInput', { text: 'x', crewId: unknownGoal }, 'crewId'],
  ['cancelGoal', 'CancelGoalInput', { goalId: 'Task:0198c0de-0000-7000-8000-000000000000' }, 'goalId'],
  ['createTask', 'CreateTaskInput', { title: '', instruction: 'x' }, 'title'],
  ['createTask', 'CreateTaskInput', { title: 'x', instruction: 'x', maxAttempts: 0 }, 'maxAttempts'],
  [
    'resolveStep',
    'ResolveStepInput',
    { taskId: 'Task:0198c0de-0000-7000-8000-000000000000', stepId: 'x', decision: 'FAIL' },
    'stepId',
  ],
  ['registerAgent', 'RegisterAgentInput', { name: '', role: 'r', kind: 'LLM', capabilities: [] }, 'name'],
])('%s(%s) refuses %j', async (name, type, input, path) => {
  const before = [
    await countRows('goal'),
    await countRows('task'),
    await countRows('agent'),
    await countRows('event'),
  ];
  const outcome = await run(name, type, input);
  expect(outcome).toMatchObject({ __typename: 'ValidationError', code: 'VALIDATION' });
  expect((outcome['fields'] as { path: string }[])[0]?.path).toBe(path);
  expect([
    await countRows('goal'),
    await countRows('task'),
    await countRows('agent'),
    await countRows('event'),
  ]).toEqual(before);
});

test('what does not exist is a typed error with its global id', async () => {
  expect(await run('cancelGoal', 'CancelGoalInput', { goalId: unknownGoal })).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
    id: unknownGoal,
  });
  const project = 'Project:0198c0de-0000-7000-8000-000000000000';
  expect(await run('dispatchGoal', 'DispatchGoalInput', { text: 'x', projectId: project })).toMatchObject({
    __typename: 'NotFoundError',
    id: project,
  });
});

test('canceling what is finished, and retrying what runs, says the state', async () => {
  const { goalId, taskIds } = await insertFinishedGoal(database.pool, database.workspaceId);
  expect(await run('cancelTask', 'CancelTaskInput', { taskId: `Task:${taskIds['look']}` })).toMatchObject({
    __typename: 'InvalidStateError',
    currentStatus: 'SUCCEEDED',
  });
  expect(await run('cancelGoal', 'CancelGoalInput', { goalId: `Goal:${goalId}` })).toMatchObject({
    __typename: 'InvalidStateError',
  });
  const queued = await insertTask(database.pool, database.workspaceId);
  expect(await run('retryTask', 'RetryTaskInput', { taskId: `Task:${queued}` })).toMatchObject({
    __typename: 'InvalidStateError',
    currentStatus: 'QUEUED',
  });
});

test('a plan with a cycle is refused with the path of the cycle', async () => {
  const goal = await run('dispatchGoal', 'DispatchGoalInput', { text: 'plan me', autoStart: false });
  await database.pool.query(`update goal set status = 'AWAITING_ACCEPTANCE', plan = $2 where id = $1`, [
    String(goal['id']).slice(5),
    JSON.stringify({
      summary: 's',
      nodes: [
        {
          id: 'a',
          title: 'a',
          instruction: 'a',
          capabilities: [],
          dependsOn: [],
          risk: 'LOW',
          estimatedCostMicroUsd: 0,
          input: {},
        },
      ],
    }),
  ]);
  const nodes = [
    { id: 'a', title: 'a', instruction: 'a', dependsOn: ['b'] },
    { id: 'b', title: 'b', instruction: 'b', dependsOn: ['a'] },
  ];
  const outcome = await run('editPlan', 'EditPlanInput', { goalId: goal['id'], nodes });
  expect(outcome).toMatchObject({ __typename: 'ValidationError' });
  expect(outcome['message']).toContain('cycle');
});

test('a task and an agent are made, changed and ended', async () => {
  const task = await run(
    'createTask',
    'CreateTaskInput',
    {
      title: 't',
      instruction: 'i',
      capabilities: ['research'],
      priority: 3,
      timeoutSeconds: 1.5,
      runAt: '2100-01-01T00:00:00Z',
    },
    '... on Task { id priority timeoutSeconds runAt requiredCapabilities queuedReason }',
  );
  expect(task).toMatchObject({
    __typename: 'Task',
    priority: 3,
    timeoutSeconds: 1.5,
    runAt: '2100-01-01T00:00:00.000Z',
    requiredCapabilities: ['research'],
  });
  expect(
    await run('cancelTask', 'CancelTaskInput', { taskId: task['id'] }, '... on Task { id status }'),
  ).toMatchObject({ status: 'CANCELED' });
  const agent = await run(
    'registerAgent',
    'RegisterAgentInput',
    { name: 'Ada', role: 'writer', kind: 'EXTRACTIVE', capabilities: ['write'] },
    '... on Agent { id maxConcurrency }',
  );
  expect(agent).toMatchObject({ __typename: 'Agent', maxConcurrency: 2 });
  const changed = await run(
    'updateAgent',
    'UpdateAgentInput',
    { agentId: agent['id'], maxConcurrency: 7 },
    '... on Agent { id name maxConcurrency }',
  );
  expect(changed).toMatchObject({ name: 'Ada', maxConcurrency: 7 });
  expect(
    await run('pauseAgent', 'AgentActionInput', { agentId: agent['id'] }, '... on Agent { id status }'),
  ).toMatchObject({ status: 'PAUSED' });
  expect(
    await run('retireAgent', 'AgentActionInput', { agentId: agent['id'] }, '... on Agent { id status }'),
  ).toMatchObject({ status: 'RETIRED' });
  expect(await run('pauseAgent', 'AgentActionInput', { agentId: agent['id'] })).toMatchObject({
    __typename: 'InvalidStateError',
    currentStatus: 'RETIRED',
  });
});

const failingOrchestrator = (error: unknown) => ({
  dispatchGoal: () => Promise.reject(error),
  createTask: () => Promise.reject(error),
});

test('a database that is away, and a timeout inside, are UnavailableError', async () => {
  const failing = async (error: unknown) => {
    const other = await startTestApi(database, {
      overrides: { orchestrator: failingOrchestrator(error) },
    });
    try {
      const data = await requestData<{ dispatchGoal: unknown }>(
        other.url,
        `mutation { dispatchGoal(input: { text: "x" }) { ... on Error { __typename code } } }`,
      );
      return data.dispatchGoal;
    } finally {
      await other.close();
    }
  };
  expect(await failing(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))).toEqual({
    __typename: 'UnavailableError',
    code: 'UNAVAILABLE',
  });
  expect(await failing(new DomainError('TIMEOUT', 'took too long'))).toEqual({
    __typename: 'UnavailableError',
    code: 'TIMEOUT',
  });
});

test('an unexpected error is masked with a request id and logged once', async () => {
  const other = await startTestApi(database, {
    overrides: { orchestrator: failingOrchestrator(new Error('secret detail')) },
  });
  const answer = await request(other.url, `mutation { dispatchGoal(input: { text: "x" }) { __typename } }`);
  await other.close();
  expect(JSON.stringify(answer)).not.toContain('secret');
  const { requestId, code } = answer.errors![0]!.extensions!;
  expect(code).toBe('INTERNAL');
  const logged = other.log.lines.filter((line) => line.level === 'error');
  expect(logged).toHaveLength(1);
  expect(logged[0]?.fields['requestId']).toBe(requestId);
});

test('a query while the database is away fails quickly with UNAVAILABLE', async () => {
  // Nothing listens on the discard port.
  const pool = new pg.Pool({ connectionString: 'postgres://127.0.0.1:9/none' });
  const away = {
    em: {
      fork: () =>
        Object.assign(database.orm.em.fork(), {
          getConnection: () => ({ getNativeClient: () => Promise.resolve(pool) }),
        }),
    },
  };
  const other = await startTestApi(database, { overrides: { orm: away as never } });
  const answer = await request(other.url, `{ agents { edges { node { id } } } }`);
  await other.close();
  await pool.end();
  expect(answer.errors?.[0]?.extensions?.code).toBe('UNAVAILABLE');
});
