import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { insertFinishedGoal, insertTask, type GoalFixture } from '../../support/fixtures.ts';
import { request, requestData } from '../../support/graphql-client.ts';
import { countStatements } from '../../support/sql-count.ts';

let database: TestDatabase;
let api: TestApi;
let goal: GoalFixture;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  goal = await insertFinishedGoal(database.pool, database.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

test('a goal is read with its plan, run, progress, result and tasks', async () => {
  const data = await requestData<Record<string, unknown>>(
    api.url,
    `query ($id: ID!) { goal(id: $id) {
      id text status project { id } crew { id } usesLanguageModel failure { code } finishedAt
      plan { source cached recipe summary estimatedCostMicroUsd nodes { id dependsOn task { nodeId status } } }
      run { id status goal { id } progress { total succeeded } }
      progress { total succeeded blocked queued running waiting failed canceled }
      result { text extractive citations { marker path startLine url } }
      tasks(first: 2) { pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { nodeId } } }
    } }`,
    { id: `Goal:${goal.goalId}` },
  );
  expect(data['goal']).toMatchObject({
    id: `Goal:${goal.goalId}`,
    status: 'SUCCEEDED',
    project: null,
    plan: {
      source: 'RECIPE',
      recipe: 'explain',
      estimatedCostMicroUsd: 15,
      nodes: [
        { id: 'look', task: { nodeId: 'look', status: 'SUCCEEDED' } },
        { dependsOn: ['look'] },
        { id: 'review' },
      ],
    },
    run: {
      id: `WorkflowRun:${goal.runId}`,
      goal: { id: `Goal:${goal.goalId}` },
      progress: { total: 3, succeeded: 3 },
    },
    progress: { total: 3, succeeded: 3, blocked: 0 },
    result: {
      text: 'output of review [1]',
      extractive: true,
      citations: [{ marker: 1, path: 'README.md', startLine: 1, url: null }],
    },
    tasks: {
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
      edges: [{ node: { nodeId: 'look' } }, { node: { nodeId: 'write' } }],
    },
  });
});

test('the tasks of a goal go on behind their cursor', async () => {
  const query = `query ($id: ID!, $after: String) { goal(id: $id) { tasks(first: 2, after: $after) { pageInfo { hasNextPage endCursor } edges { node { nodeId } } } } }`;
  type Data = { goal: { tasks: { pageInfo: { endCursor: string }; edges: { node: { nodeId: string } }[] } } };
  const first = await requestData<Data>(api.url, query, { id: `Goal:${goal.goalId}` });
  const second = await requestData<Data>(api.url, query, {
    id: `Goal:${goal.goalId}`,
    after: first.goal.tasks.pageInfo.endCursor,
  });
  expect(second.goal.tasks.edges.map((edge) => edge.node.nodeId)).toEqual(['review']);
});

test('a task is read with attempts, steps, outputs and dependencies', async () => {
  const data = await requestData<Record<string, unknown>>(
    api.url,
    `query ($id: ID!) { task(id: $id) {
      nodeId goal { id } run { id } agent { name } dependsOn { nodeId } attempt maxAttempts timeoutSeconds queuedReason
      attempts { number status leaseOwner agent { role } } steps { position name status input output notes }
      output { text provider } partialOutput { attempt text offset }
    } }`,
    { id: `Task:${goal.taskIds['write']}` },
  );
  expect(data['task']).toMatchObject({
    nodeId: 'write',
    dependsOn: [{ nodeId: 'look' }],
    timeoutSeconds: 600,
    queuedReason: null,
    attempts: [{ number: 1, status: 'SUCCEEDED', leaseOwner: 'node-1', agent: { role: 'researcher' } }],
    steps: [{ position: 0, name: 'project.search', input: { q: 1 }, output: null, notes: ['first note'] }],
    output: { text: 'output of write [1]', provider: 'extractive' },
    partialOutput: { attempt: 1, text: 'first second', offset: 0 },
  });
});

test('the running attempt is the task itself', async () => {
  const id = await insertTask(database.pool, database.workspaceId);
  await database.pool.query(
    `update task set status = 'RUNNING', lease_owner = 'node-2', lease_expires_at = now(), attempt = 2, attempt_started_at = '2026-01-01T00:00:00Z' where id = $1`,
    [id],
  );
  await database.pool.query(
    `insert into attempt (task_id, number, workspace_id, lease_owner, status, started_at) values ($1, 1, $2, 'node-1', 'LOST', now())`,
    [id, database.workspaceId],
  );
  const data = await requestData<{ task: unknown }>(
    api.url,
    `query ($id: ID!) { task(id: $id) { attempts { number status leaseOwner startedAt finishedAt } } }`,
    { id: `Task:${id}` },
  );
  expect(data.task).toMatchObject({
    attempts: [
      { number: 1, status: 'LOST' },
      {
        number: 2,
        status: 'RUNNING',
        leaseOwner: 'node-2',
        startedAt: '2026-01-01T00:00:00.000Z',
        finishedAt: null,
      },
    ],
  });
});

test('a queued task says why it waits', async () => {
  const read = async (id: string) =>
    (
      await requestData<{ task: { queuedReason: string | null } }>(
        api.url,
        `query ($id: ID!) { task(id: $id) { queuedReason } }`,
        { id: `Task:${id}` },
      )
    ).task.queuedReason;
  expect(
    await read(await insertTask(database.pool, database.workspaceId, { routingNote: 'no agent can do x' })),
  ).toBe('no agent can do x');
  expect(
    await read(await insertTask(database.pool, database.workspaceId, { runAt: '2100-01-01T00:00:00Z' })),
  ).toBe('first attempt due at 2100-01-01T00:00:00.000Z');
});

test('pages walk the whole list in both directions without gap or repeat', async () => {
  for (let index = 0; index < 7; index += 1)
    await insertTask(database.pool, database.workspaceId, { status: 'CANCELED', title: `t${index}` });
  const query = `query ($first: Int, $after: String, $last: Int, $before: String) {
    tasks(first: $first, after: $after, last: $last, before: $before, where: { status: [CANCELED] }) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { title } } } }`;
  type Data = {
    tasks: {
      totalCount: number;
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
      edges: { node: { title: string } }[];
    };
  };
  const titles: string[] = [];
  let after: string | undefined;
  for (let more = true; more;) {
    const { tasks } = await requestData<Data>(api.url, query, { first: 3, after });
    expect(tasks.totalCount).toBe(7);
    titles.push(...tasks.edges.map((edge) => edge.node.title));
    after = tasks.pageInfo.endCursor;
    more = tasks.pageInfo.hasNextPage;
  }
  expect(titles).toEqual(['t6', 't5', 't4', 't3', 't2', 't1', 't0']);
  const last = (await requestData<Data>(api.url, query, { last: 2 })).tasks;
  expect(last.edges.map((edge) => edge.node.title)).toEqual(['t1', 't0']);
  expect(last.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
  const before = (await requestData<Data>(api.url, query, { last: 3, before: last.pageInfo.startCursor }))
    .tasks;
  expect(before.edges.map((edge) => edge.node.title)).toEqual(['t4', 't3', 't2']);
});

test.each([
  ['goals(first: 101)', 'first'],
  ['goals(first: 0)', 'first'],
  ['tasks(first: -1)', 'first'],
  ['agents(last: 1000)', 'last'],
  ['goals(after: "nonsense")', 'after'],
  ['tasks(before: "")', 'before'],
  ['events(first: 101)', 'first'],
  ['events(after: "x")', 'after'],
  ['goals(where: { projectId: "Task:0198c0de-0000-7000-8000-000000000000" })', 'where.projectId'],
])('%s is refused with VALIDATION naming %s', async (field, name) => {
  const answer = await request(api.url, `{ ${field} { edges { cursor } } }`);
  expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION', field: name });
});

test.each([
  'nonsense',
  'Goal:1',
  '0198c0de-0000-7000-8000-000000000000',
  'Agent:0198c0de-0000-7000-8000-000000000000',
  'Goal:0198c0de-0000-7000-8000-000000000000:x',
])('goal(id: "%s") names the field', async (id) => {
  const answer = await request(api.url, `query ($id: ID!) { goal(id: $id) { id } }`, { id });
  expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION', field: 'id' });
});

test('an unknown id gives null', async () => {
  expect(
    await requestData(
      api.url,
      `{ goal(id: "Goal:0198c0de-0000-7000-8000-000000000000") { id } node(id: "Task:0198c0de-0000-7000-8000-000000000000") { id } }`,
    ),
  ).toEqual({ goal: null, node: null });
});

test('node and nodes load every type by its global id', async () => {
  const ids = [
    `Goal:${goal.goalId}`,
    `Task:${goal.taskIds['look']}`,
    `WorkflowRun:${goal.runId}`,
    'Agent:0198c0de-0000-7000-8000-000000000000',
  ];
  const data = await requestData<{ nodes: unknown; node: unknown }>(
    api.url,
    `query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { __typename id } node(id: $id) { ... on Goal { text } } }`,
    { ids, id: ids[0] },
  );
  expect(data.nodes).toEqual([
    { __typename: 'Goal', id: ids[0] },
    { __typename: 'Task', id: ids[1] },
    { __typename: 'WorkflowRun', id: ids[2] },
    null,
  ]);
  expect(data.node).toEqual({ text: 'Explain the project' });
});

test('rows of another workspace are invisible', async () => {
  const other = (
    await database.pool.query<{ id: string }>(
      `insert into workspace (slug, name) values ('other', 'Other') returning id`,
    )
  ).rows[0]!.id;
  const foreign = await insertTask(database.pool, other, { title: 'foreign' });
  const data = await requestData<{ task: unknown; tasks: { edges: { node: { title: string } }[] } }>(
    api.url,
    `query ($id: ID!) { task(id: $id) { id } tasks(first: 100) { edges { node { title } } } }`,
    { id: `Task:${foreign}` },
  );
  expect(data.task).toBeNull();
  expect(data.tasks.edges.some((edge) => edge.node.title === 'foreign')).toBe(false);
});

test('a list of n goals with everything below it takes as many statements as a list of one', async () => {
  const query = `query ($first: Int) { goals(first: $first) { edges { node { id project { id } crew { id } progress { total } run { progress { total } }
    plan { nodes { task { id } } } result { text } tasks(first: 2) { edges { node { agent { name } dependsOn { id } attempts { number agent { id } } steps { id } output { text } partialOutput { text } } } } } } } }`;
  await requestData(api.url, query, { first: 1 });
  const single = await countStatements(database.tenantPool, () => requestData(api.url, query, { first: 1 }));
  for (let index = 0; index < 10; index += 1)
    await insertFinishedGoal(database.pool, database.workspaceId, `goal ${index}`);
  const many = await countStatements(database.tenantPool, () => requestData(api.url, query, { first: 11 }));
  expect(many.toSorted()).toEqual(single.toSorted());
  expect(single.length).toBeGreaterThan(5);
  expect(single.length).toBeLessThan(25);
});

test('a list of n agents with their tasks takes as many statements as a list of one', async () => {
  const query = `query ($first: Int) { agents(first: $first) { totalCount edges { node { id crew { id agents { id } } activeTaskCount activeTasks { goal { id } } breaker { state } } } } }`;
  const single = await countStatements(database.tenantPool, () => requestData(api.url, query, { first: 1 }));
  const many = await countStatements(database.tenantPool, () => requestData(api.url, query, { first: 10 }));
  expect(single.length).toBeGreaterThan(1);
  expect(many.length).toBe(single.length);
});

test('the event log is read oldest first and by type, goal and subject', async () => {
  await database.pool.query(
    `insert into event (workspace_id, type, subject_id, goal_id) values ($1, 'goal.planned', $2, $2), ($1, 'task.succeeded', $3, $2)`,
    [database.workspaceId, goal.goalId, goal.taskIds['look']],
  );
  type Data = {
    events: {
      pageInfo: { hasNextPage: boolean; endCursor: string };
      edges: { node: { type: string; subjectId: string; subject: { __typename: string } } }[];
    };
    latestEventCursor: string;
  };
  const query = `query ($first: Int, $after: String, $where: EventFilter) { latestEventCursor events(first: $first, after: $after, where: $where) {
    pageInfo { hasNextPage endCursor } edges { node { type subjectId subject { __typename } } } } }`;
  const readFirst = () =>
    requestData<Data>(api.url, query, { first: 1, where: { goalId: `Goal:${goal.goalId}` } });
  // Other test files write in the same cluster: an open transaction of theirs holds events back for a moment.
  let first = await readFirst();
  while (!first.events.pageInfo.hasNextPage) first = await readFirst();
  expect(first.events.edges[0]?.node).toEqual({
    type: 'goal.planned',
    subjectId: `Goal:${goal.goalId}`,
    subject: { __typename: 'Goal' },
  });
  expect(first.events.pageInfo.hasNextPage).toBe(true);
  const second = await requestData<Data>(api.url, query, {
    after: first.events.pageInfo.endCursor,
    where: { types: ['task.*'] },
  });
  expect(second.events.edges.map((edge) => edge.node.subjectId)).toEqual([`Task:${goal.taskIds['look']}`]);
  expect(second.latestEventCursor).toBe(second.events.pageInfo.endCursor);
});

test('an unknown enum value is refused before anything runs', async () => {
  const answer = await request(api.url, `{ goals(where: { status: [PAUSED] }) { totalCount } }`);
  expect(answer.errors?.[0]?.message).toContain('PAUSED');
  expect(answer.errors?.[0]?.extensions?.code).toBe('VALIDATION');
});
