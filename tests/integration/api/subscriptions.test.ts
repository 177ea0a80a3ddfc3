import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeCodes } from '../../../server/src/http/close-codes.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { insertTask } from '../../support/fixtures.ts';
import {
  next,
  request,
  requestData,
  socketClient,
  subscribe,
  type SocketClient,
} from '../../support/graphql-client.ts';
import { countStatements } from '../../support/sql-count.ts';

let database: TestDatabase;
let api: TestApi;
const clients: SocketClient[] = [];
const open = (target: TestApi = api, options?: Parameters<typeof socketClient>[1]) => {
  const client = socketClient(target.url, options);
  clients.push(client);
  return client;
};

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const writeEvent = (type: string, subjectId: string, size = 0) =>
  database.pool.query(`insert into event (workspace_id, type, subject_id, detail) values ($1, $2, $3, $4)`, [
    database.workspaceId,
    type,
    subjectId,
    JSON.stringify({ text: 'x'.repeat(size) }),
  ]);
const eventsQuery = `subscription ($after: String, $where: EventFilter) { events(after: $after, where: $where) { cursor type subjectId payload } }`;
type EventData = { events: { cursor: string; type: string; subjectId: string } };
const someId = '0198c0de-0000-7000-8000-000000000001';

test('a query and a mutation work over the socket, too', async () => {
  const answer = await next(subscribe(open(), '{ viewer { workspaceName } }'));
  expect(answer.data).toEqual({ viewer: { workspaceName: 'My hive' } });
});

test('events resume behind their cursor without gap or repeat', async () => {
  const { latestEventCursor } = await requestData<{ latestEventCursor: string }>(
    api.url,
    '{ latestEventCursor }',
  );
  for (let index = 0; index < 5; index += 1) await writeEvent(`task.resume${index}`, someId);
  const client = open();
  const first = subscribe<EventData>(client, eventsQuery, { after: latestEventCursor });
  const seen = [(await next(first)).data!.events, (await next(first)).data!.events];
  client.cut();
  const second = subscribe<EventData>(open(), eventsQuery, { after: seen[1]!.cursor });
  await writeEvent('task.resume5', someId);
  for (let index = 2; index < 6; index += 1) seen.push((await next(second)).data!.events);
  expect(seen.map((event) => event.type)).toEqual([0, 1, 2, 3, 4, 5].map((index) => `task.resume${index}`));
});

test.each(['nonsense', '', 'ZTEuMS4x='])(
  'a malformed cursor %j is refused with VALIDATION',
  async (after) => {
    const answer = await next(subscribe(open(), eventsQuery, { after }));
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION', field: 'after' });
  },
);

test('a task is delivered as it is now, then after its events', async () => {
  const id = await insertTask(database.pool, database.workspaceId);
  const updates = subscribe<{ taskUpdated: { status: string } }>(
    open(),
    `subscription ($id: ID!) { taskUpdated(id: $id) { status } }`,
    { id: `Task:${id}` },
  );
  expect((await next(updates)).data?.taskUpdated.status).toBe('QUEUED');
  await database.pool.query(`update task set status = 'CANCELED' where id = $1`, [id]);
  await writeEvent('task.canceled', id);
  expect((await next(updates)).data?.taskUpdated.status).toBe('CANCELED');
});

test('each event is executed on fresh data, also below the subject', async () => {
  const { goal } = await requestData<{ goal: { id: string } }>(
    api.url,
    `mutation { goal: dispatchGoal(input: { text: "fresh" }) { ... on Goal { id } } }`,
  );
  const task = await insertTask(database.pool, database.workspaceId);
  await database.pool.query(`update task set goal_id = $2 where id = $1`, [task, goal.id.slice(5)]);
  const updates = subscribe<{ taskUpdated: { goal: { status: string } } }>(
    open(),
    `subscription ($id: ID!) { taskUpdated(id: $id) { goal { status } } }`,
    { id: `Task:${task}` },
  );
  expect((await next(updates)).data?.taskUpdated.goal.status).toBe('PLANNING');
  await database.pool.query(`update goal set status = 'CANCELED' where id = $1`, [goal.id.slice(5)]);
  await writeEvent('task.changed', task);
  expect((await next(updates)).data?.taskUpdated.goal.status).toBe('CANCELED');
});

test('unknown subjects are NOT_FOUND', async () => {
  for (const query of [
    `subscription { taskUpdated(id: "Task:${someId}") { id } }`,
    `subscription { planUpdated(goalId: "Goal:${someId}") { id } }`,
    `subscription { agentStatus(agentId: "Agent:${someId}") { id } }`,
    `subscription { taskOutput(id: "Task:${someId}") { text } }`,
  ]) {
    expect((await next(subscribe(open(), query))).errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  }
});

test('agentStatus without an id delivers every agent, then changes', async () => {
  await requestData(
    api.url,
    `mutation { registerAgent(input: { name: "Grace", role: "r", kind: EXTRACTIVE, capabilities: ["write"] }) { __typename } }`,
  );
  const updates = subscribe<{ agentStatus: { id: string; name: string; status: string } }>(
    open(),
    `subscription { agentStatus { id name status } }`,
  );
  const agent = (await next(updates)).data!.agentStatus;
  expect(agent.name).toBe('Grace');
  const paused = await requestData(
    api.url,
    `mutation ($id: ID!) { pauseAgent(input: { agentId: $id }) { __typename ... on Agent { status } } }`,
    { id: agent.id },
  );
  expect(paused).toEqual({ pauseAgent: { __typename: 'Agent', status: 'PAUSED' } });
  expect((await next(updates)).data?.agentStatus.status).toBe('PAUSED');
});

test('health is delivered at once and then again', async () => {
  const updates = subscribe<{ systemHealth: { status: string; checks: { name: string }[] } }>(
    open(),
    `subscription { systemHealth { status checks { name } at } }`,
  );
  expect((await next(updates)).data?.systemHealth.checks.some((check) => check.name === 'database')).toBe(
    true,
  );
  await next(updates);
});

test('fifty subscribers of the same document share one execution; a late one gets the state at once', async () => {
  const id = await insertTask(database.pool, database.workspaceId);
  const other = await startTestApi(database);
  const query = `subscription ($id: ID!) { taskUpdated(id: $id) { title status agent { name } } }`;
  type Data = { taskUpdated: { title: string } };
  const updates = Array.from({ length: 50 }, () => subscribe<Data>(open(other), query, { id: `Task:${id}` }));
  for (const update of updates) expect((await next(update)).data?.taskUpdated.title).toBe('a task');
  const late = subscribe<Data>(open(other), query, { id: `Task:${id}` });
  expect((await next(late)).data?.taskUpdated.title).toBe('a task');
  await database.pool.query(`update task set title = 'changed' where id = $1`, [id]);
  const statements = await countStatements(database.tenantPool, async () => {
    await writeEvent('task.changed', id);
    for (const update of [...updates, late])
      expect((await next(update)).data?.taskUpdated.title).toBe('changed');
  });
  const reads = statements.filter((text) => text.startsWith('select id,')).length;
  expect(reads).toBeGreaterThanOrEqual(1);
  expect(reads).toBeLessThanOrEqual(2);
  const metrics = await (await fetch(`${other.url}/metrics`)).text();
  expect(metrics).toContain('hive_shared_subscriptions 1');
  for (const update of [...updates, late]) await update.return?.();
  await other.close();
});

test('a shared execution ends with its last subscriber, also while nothing happens', async () => {
  const other = await startTestApi(database);
  const shared = async () =>
    /hive_shared_subscriptions (\d+)/.exec(await (await fetch(`${other.url}/metrics`)).text())?.[1];
  const first = open(other);
  const second = open(other);
  const updates = [
    subscribe<EventData>(first, eventsQuery, { where: { types: ['quiet.*'] } }),
    subscribe<EventData>(second, eventsQuery, { where: { types: ['quiet.*'] } }),
  ];
  const pending = updates.map((update) => update.next().catch(() => undefined));
  let running: string | undefined;
  for (const deadline = Date.now() + 5_000; running !== '1' && Date.now() < deadline;)
    running = await shared();
  expect(running).toBe('1');
  await first.dispose();
  expect(await shared()).toBe('1');
  await second.dispose();
  for (const deadline = Date.now() + 5_000; running !== '0' && Date.now() < deadline;)
    running = await shared();
  expect(running).toBe('0');
  await Promise.all(pending);
  await other.close();
});

test('limits hold on the socket as on HTTP', async () => {
  const deep = `subscription { events { subject { ${'... on Task { run { goal { run { '.repeat(5)} id ${'} } } }'.repeat(5)} } } }`;
  for (const query of [deep, `{ ${'__typename '.repeat(3_000)} }`]) {
    const failure = await subscribe(open(), query)
      .next()
      .then(
        (result) => result.value as unknown,
        (error: unknown) => error,
      );
    expect(JSON.stringify(failure)).toContain('LIMIT_EXCEEDED');
  }
});

interface RawSocket {
  socket: WebSocket;
  closed: Promise<{ code: number; reason: string }>;
}
function rawSocket(
  target: TestApi,
  options: { headers?: Record<string, string>; protocol?: string } = {},
): RawSocket {
  const socket = new WebSocket(
    `${target.url.replace('http', 'ws')}/graphql`,
    options.protocol ?? 'graphql-transport-ws',
    { headers: options.headers ?? {} },
  );
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    socket.once('unexpected-response', (_, response) =>
      resolve({ code: response.statusCode ?? 0, reason: '' }),
    );
    socket.on('error', () => {});
  });
  return { socket, closed };
}

test.each([
  [{ origin: 'https://evil.example' }, 403],
  [{ host: 'evil.example' }, 421],
])('a socket with %j is refused', async (headers, status) => {
  expect((await rawSocket(api, { headers: headers as unknown as Record<string, string> }).closed).code).toBe(
    status,
  );
});

test('a socket that never initialises is closed with 4408', async () => {
  const other = await startTestApi(database, { http: { sockets: { initTimeoutMs: 50 } } });
  expect((await rawSocket(other).closed).code).toBe(4408);
  await other.close();
});

test('a message over 1 MiB closes the socket with 1009', async () => {
  const { socket, closed } = rawSocket(api);
  socket.once('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { x: 'x'.repeat(1_100_000) } })),
  );
  expect((await closed).code).toBe(1009);
});

test('another subprotocol is refused', async () => {
  expect((await rawSocket(api, { protocol: 'graphql-ws' }).closed).code).not.toBe(1000);
});

test('a socket that answers no ping is dropped', async () => {
  const other = await startTestApi(database, { http: { sockets: { pingIntervalMs: 50 } } });
  const { socket, closed } = rawSocket(other);
  socket.pong = () => {};
  expect((await closed).code).toBe(1006);
  await other.close();
});

test('who reads too slowly is closed with the code that means: resume from your cursor', async () => {
  const other = await startTestApi(database, { http: { sockets: { maxBufferedBytes: 300_000 } } });
  const { socket, closed } = rawSocket(other);
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await new Promise((resolve) => socket.once('message', resolve));
  socket.send(
    JSON.stringify({
      id: '1',
      type: 'subscribe',
      payload: { query: eventsQuery, variables: { where: { types: ['task.flood'] } } },
    }),
  );
  const fast = subscribe<EventData>(open(other), eventsQuery, { where: { types: ['task.flood'] } });
  const firstFast = next(fast);
  // Both must be listening before the client stops reading.
  await new Promise((done) => setTimeout(done, 200));
  socket.pause();
  for (let index = 0; index < 150; index += 1) {
    await writeEvent('task.flood', someId, 100_000);
    await (index === 0 ? firstFast : next(fast));
  }
  socket.resume();
  expect(await closed).toEqual(closeCodes.slowConsumer);
  await other.close();
});

test('a draining server tells its sockets to come back', async () => {
  const other = await startTestApi(database);
  const { socket, closed } = rawSocket(other);
  await new Promise((resolve) => socket.once('open', resolve));
  await Promise.all([other.drain(), expect(closed).resolves.toEqual(closeCodes.serverRestart)]);
  await other.close();
});

test('a subscription by HTTP (server-sent events) is executed the same way', async () => {
  const id = await insertTask(database.pool, database.workspaceId, { title: 'by sse' });
  const controller = new AbortController();
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: `subscription { taskUpdated(id: "Task:${id}") { title } }` }),
    signal: controller.signal,
  });
  const reader = response.body!.getReader();
  let text = '';
  while (!text.includes('by sse')) text += new TextDecoder().decode((await reader.read()).value);
  expect(text).toContain('event: next');
  controller.abort();
});

test('an operation that does not parse is an error of the operation, not of the socket', async () => {
  const client = open();
  const failure = await subscribe(client, 'subscription {')
    .next()
    .then(
      (result) => result.value as unknown,
      (error: unknown) => error,
    );
  expect(JSON.stringify(failure)).toContain('VALIDATION');
  expect((await request(api.url, '{ __typename }')).data).toEqual({ __typename: 'Query' });
});
