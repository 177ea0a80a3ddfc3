import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mutations, queries, subscriptions } from '../integration/api/permission-operations.ts';
import {
  newAgent,
  newApiKey,
  newGoal,
  newInvitation,
  newMember,
  newProject,
  newTask,
  type World,
} from '../integration/api/permission-world.ts';
import { next, socketClient, subscribe } from '../support/graphql-client.ts';
import { insertFinishedGoal } from '../support/fixtures.ts';
import { startHiveUnderAttack, type HiveUnderAttack, type Somebody } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
/** Everything that is made for a test is in the other workspace, of which Eve, who asks, is no member. */
let abroad: World;
const uuids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const invented = '0198c0de-0000-7000-8000-00000000dead';
const secretText = 'the neighbours secret';

beforeAll(async () => {
  hive = await startHiveUnderAttack();
  const place = { pool: hive.pool, workspaceId: hive.abroad };
  // Nobody works on what these tests make.
  await hive.pool.query(`update agent set status = 'PAUSED';
    create function paused() returns trigger language plpgsql as $$ begin new.status := 'PAUSED'; return new; end $$;
    create trigger paused before insert on agent for each row execute function paused()`);
  abroad = { ...place, projectId: await newProject(place), actor: undefined! };
  await insertFinishedGoal(hive.pool, hive.abroad, secretText);
  await hive.stepUp();
});
afterAll(() => hive?.stop());

const eves = () => hive.eve.headers();

describe.each(Object.keys(mutations))('%s', (field) => {
  const { text, variables } = mutations[field]!;

  test('does with ids of the other workspace what it does with ids nobody has', async () => {
    const foreign = JSON.stringify((await variables?.(abroad)) ?? {});
    if (!uuids.test(foreign.replace(/"(name|slug|value)":"[^"]*"/g, ''))) return;
    const unknown = foreign.replaceAll(uuids, invented);
    const before = await rowsAbroad();
    const answers: string[] = [];
    for (const given of [foreign, unknown]) {
      const answer = await hive.ask(eves(), text, JSON.parse(given) as object);
      answers.push(JSON.stringify(answer).replaceAll(uuids, 'uuid'));
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).toMatch(/"code":"(NOT_FOUND|VALIDATION)"/);
    expect(await rowsAbroad()).toEqual(before);
  });
});

describe('reads', () => {
  test.each(Object.keys(queries))('%s has nothing of it', async (field) => {
    const { text, variables } = queries[field]!;
    const given = (await variables?.(abroad)) ?? {};
    const answer = await hive.ask(eves(), text, given);
    const asked = JSON.stringify(given).match(uuids) ?? [];
    expect(answer.errors).toBeUndefined();
    expect(asked.filter((id) => JSON.stringify(answer.data).includes(id))).toEqual([]);
  });

  test.each([
    ['Goal', newGoal],
    ['Task', newTask],
    ['Agent', newAgent],
    ['Project', (world: World) => `Project:${world.projectId}`],
    ['WorkflowRun', async () => `WorkflowRun:${await anyId('workflow_run')}`],
    ['Crew', async () => `Crew:${await anyId('crew')}`],
    ['Member', async (world: World) => `Member:${await newMember(world)}`],
    ['ApiKey', newApiKey],
    ['Invitation', newInvitation],
    ['Workspace', (world: World) => `Workspace:${world.workspaceId}`],
  ] as const)('node and nodes give no %s of it', async (_, make) => {
    const id = await make(abroad);
    const text = 'query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id, $id]) { id } }';
    const [foreign, unknown] = await Promise.all(
      [id, id.replace(uuids, invented)].map(async (given) =>
        JSON.stringify(await hive.ask(eves(), text, { id: given })).replaceAll(uuids, 'uuid'),
      ),
    );
    expect(foreign).toBe(unknown);
    expect(foreign).not.toContain('"id":"');
  });

  test.each([
    ['tasks', `(where: { goalId: $id })`, async () => `Goal:${await anyId('goal')}`],
    ['tasks', `(where: { agentId: $id })`, async () => `Agent:${await anyId('agent')}`],
    ['agents', `(where: { crewId: $id })`, async () => `Crew:${await anyId('crew')}`],
    ['goals', `(where: { projectId: $id })`, async () => `Project:${abroad.projectId}`],
    ['events', `(where: { goalId: $id })`, async () => `Goal:${await anyId('goal')}`],
    ['events', `(where: { subjectId: $id })`, async () => `Task:${await anyId('task')}`],
    ['auditEntries', `(where: { actorId: $id })`, async () => `Person:${hive.bea.id}`],
    ['auditEntries', `(where: { subjectId: $id })`, async () => `Task:${await anyId('task')}`],
  ] as const)('%s%s is empty', async (field, where, make) => {
    const type = `query ($id: ${where.includes('subjectId') && field === 'auditEntries' ? 'String' : 'ID'})`;
    const answer = await hive.do<Record<string, { edges: unknown[] }>>(
      eves(),
      `${type} { ${field}${where} { edges { cursor } } }`,
      { id: await make() },
    );
    expect(answer[field]!.edges).toEqual([]);
  });

  test('a cursor of the other workspace gives none of its pages', async () => {
    const page = (after?: string) =>
      `{ goals(first: 50${after ? `, after: ${JSON.stringify(after)}` : ''}) { edges { cursor node { text } } } events(first: 50) { edges { cursor } } }`;
    type Page = { goals: { edges: { cursor: string }[] }; events: { edges: { cursor: string }[] } };
    const theirs = await hive.do<Page>(hive.bea.headers(), page());
    expect(JSON.stringify(theirs)).toContain(secretText);
    for (const { cursor } of theirs.goals.edges)
      expect(JSON.stringify(await hive.ask(eves(), page(cursor)))).not.toContain(secretText);
  });

  test('two tenants who load the same relations at the same moment get their own', async () => {
    await insertFinishedGoal(hive.pool, hive.home, 'what is at home');
    await insertFinishedGoal(hive.pool, hive.abroad, secretText);
    const text = `{ goals(first: 4) { edges { node { text run { id progress { total } } tasks(first: 5) { edges { node { id title output { text } steps { name } agent { name } dependsOn { id } } } } } } } }`;
    const ids = async (workspaceId: string) =>
      new Set(
        (
          await hive.pool.query<{ id: string }>('select id from task where workspace_id = $1', [workspaceId])
        ).rows.map(({ id }) => id),
      );
    const [home, away] = [await ids(hive.home), await ids(hive.abroad)];
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const who = index % 2 === 0 ? hive.eve : hive.bea;
        return { who, answer: JSON.stringify(await hive.do(who.headers(), text)) };
      }),
    );
    for (const { who, answer } of answers) {
      const [own, foreign] = who === hive.eve ? [home, away] : [away, home];
      const found = answer.match(uuids) ?? [];
      expect(found.some((id) => own.has(id))).toBe(true);
      expect(found.filter((id) => foreign.has(id))).toEqual([]);
      expect(answer.includes(secretText)).toBe(who === hive.bea);
    }
  });
});

describe('workspaces by name', () => {
  const text = '{ viewer { workspaceId } goals { edges { node { text } } } }';

  test('one that is not theirs is refused, and the same as one there is not', async () => {
    const answers = [];
    for (const id of [hive.abroad, invented]) {
      const answer = await hive.call('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...hive.eve.headers(id) },
        body: JSON.stringify({ query: text }),
      });
      expect(answer.status).toBe(403);
      answers.push(answer.text);
    }
    expect(answers[0]).toBe(answers[1]);
  });

  test('a key of one workspace does not open another, though its maker is a member of both', async () => {
    const key = await hive.key(hive.ada, {}, hive.home);
    const other = { ...key.headers, 'x-hive-workspace': `Workspace:${hive.abroad}` };
    expect((await hive.ask(other, text)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    const own = await hive.do<{ viewer: { workspaceId: string } }>(key.headers, text);
    expect(own.viewer.workspaceId).toBe(`Workspace:${hive.home}`);
  });

  test('what is remembered of a credential is not taken for another workspace', async () => {
    // Warm and cold, in turns, within the second for which answers are kept.
    for (let round = 0; round < 5; round += 1) {
      const [home, away, denied] = await Promise.all([
        hive.do<{ viewer: { workspaceId: string } }>(hive.ada.headers(hive.home), text),
        hive.do<{ viewer: { workspaceId: string } }>(hive.ada.headers(hive.abroad), text),
        hive.ask(hive.eve.headers(hive.abroad), text),
      ]);
      expect(home.viewer.workspaceId).toBe(`Workspace:${hive.home}`);
      expect(away.viewer.workspaceId).toBe(`Workspace:${hive.abroad}`);
      expect(JSON.stringify(home)).not.toContain(secretText);
      expect(denied.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    }
  });

  test.each(['/api/audit/export', '/api/people/export'])('%s is of the own workspace', async (path) => {
    const foreign = await hive.call(path, { headers: hive.eve.headers(hive.abroad) });
    expect(foreign.status).toBe(403);
    await hive.stepUp();
    const own = await hive.call(path, { headers: hive.eve.headers() });
    expect([own.status, own.text.includes(hive.bea.id)]).toEqual([200, false]);
  });

  test('nobody is exported by whoever shares no workspace with them', async () => {
    const person = (id: string) => hive.call(`/api/people/export?personId=Person:${id}`, { headers: eves() });
    const [bea, nobody] = [await person(hive.bea.id), await person(invented)];
    expect(bea.text.replaceAll(uuids, 'uuid')).toBe(nobody.text.replaceAll(uuids, 'uuid'));
    expect(bea.status).toBe(404);
  });
});

describe('one idempotency key', () => {
  const create = (headers: Record<string, string>, title: string, idempotencyKey: string) =>
    hive.do<{ createTask: { id?: string; __typename: string } }>(
      headers,
      `mutation ($input: CreateTaskInput!) { createTask(input: $input) { __typename ... on Task { id title } } }`,
      { input: { title, instruction: 'wait', runAt: '2100-01-01T00:00:00Z', idempotencyKey } },
    );

  test('in two workspaces is two', async () => {
    const [here, there] = await Promise.all([
      create(hive.eve.headers(), 'mine', 'k1'),
      create(hive.bea.headers(), 'mine', 'k1'),
    ]);
    expect(here.createTask.id).toBeDefined();
    expect(there.createTask.id).toBeDefined();
    expect(here.createTask.id).not.toBe(there.createTask.id);
  });

  test('of two people is two, and the secret behind it is shown once', async () => {
    const text = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { ... on ApiKeySecret { secret apiKey { id } } } }`;
    type Made = { createApiKey: { secret: string | null; apiKey: { id: string } } };
    const input = { name: 'repeated', role: 'VIEWER', idempotencyKey: 'k2' };
    const adas = hive.ada.headers(hive.home);
    const first = await hive.do<Made>(adas, text, { input });
    const again = await hive.do<Made>(adas, text, { input });
    const other = await hive.do<Made>(eves(), text, { input });
    expect(first.createApiKey.secret).toMatch(/^hive_/);
    expect(again.createApiKey).toEqual({ ...first.createApiKey, secret: null });
    expect(other.createApiKey.apiKey.id).not.toBe(first.createApiKey.apiKey.id);
    expect(other.createApiKey.secret).not.toBe(first.createApiKey.secret);
  });

  test('does not show a task to whoever may not see its project', async () => {
    const { rows } = await hive.pool.query<{ id: string }>(
      `insert into project (workspace_id, name, root_path, status) values ($1, 'open', '/srv/open', 'READY'), ($1, 'closed', '/srv/closed', 'READY') returning id`,
      [hive.home],
    );
    const [open, closed] = rows.map(({ id }) => id) as [string, string];
    const limited = await hive.join('Lim', 'VIEWER');
    await hive.do(
      hive.ada.headers(hive.home),
      `mutation ($input: ChangeMemberInput!) { changeMember(input: $input) { ... on Member { id } ... on Error { message } } }`,
      {
        input: {
          memberId: `Member:${limited.id}`,
          projectAccess: 'GRANTED',
          grants: [{ projectId: `Project:${open}`, role: 'OPERATOR' }],
        },
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const text = `mutation ($input: CreateTaskInput!) { createTask(input: $input) { __typename ... on Task { id title instruction } ... on Error { code } } }`;
    const input = {
      ...{ title: 'closed', instruction: secretText, projectId: `Project:${closed}` },
      ...{ runAt: '2100-01-01T00:00:00Z', idempotencyKey: 'k4' },
    };
    await hive.do(hive.ada.headers(hive.home), text, { input });
    const repeated = JSON.stringify(await hive.ask(limited.headers(), text, { input }));
    expect(repeated).not.toContain(secretText);
    expect(repeated).toMatch(/NOT_FOUND|ForbiddenError|FORBIDDEN/);
  });
});

describe('subscriptions', () => {
  const open = async (who: Somebody, role: string) =>
    socketClient(hive.url, { connectionParams: (await hive.key(who, { role })).headers });

  test.each(Object.keys(subscriptions))(
    '%s of an id abroad is refused like one of an id nobody has',
    async (field) => {
      const { text, variables } = subscriptions[field]!;
      if (!variables) return;
      const client = await open(hive.eve, 'OWNER');
      const given = JSON.stringify(await variables(abroad));
      const answers: string[] = [];
      for (const each of [given, given.replaceAll(uuids, invented)]) {
        const stream = subscribe(client, text, JSON.parse(each) as Record<string, unknown>);
        const answer = await next(stream).catch((error: unknown) => error);
        answers.push(JSON.stringify(answer).replaceAll(uuids, 'uuid'));
        await stream.return?.();
      }
      expect(answers[0]).toBe(answers[1]);
      expect(answers[0]).toContain('NOT_FOUND');
      await client.dispose();
    },
  );

  test('the same document from two workspaces at once brings each its own events', async () => {
    const eves = await open(hive.eve, 'OWNER');
    const beas = await open(hive.bea, 'ADMIN');
    const text = 'subscription { events(where: { types: ["task.created"] }) { type subjectId payload } }';
    const streams = [
      subscribe<{ events: { subjectId: string } }>(eves, text),
      subscribe<{ events: { subjectId: string } }>(beas, text),
    ] as const;
    const first = [streams[0].next(), streams[1].next()] as const;
    const create = (headers: Record<string, string>, title: string) =>
      hive.do<{ createTask: { id: string } }>(
        headers,
        `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ... on Task { id } } }`,
        { input: { title, instruction: 'wait', runAt: '2100-01-01T00:00:00Z' } },
      );
    // They listen from some moment on, so there is always another one.
    const making: Promise<unknown>[] = [];
    const timer = setInterval(() => {
      making.push(create(hive.eve.headers(), 'here'), create(hive.bea.headers(), 'there'));
    }, 100);
    const seen: [string[], string[]] = [[], []];
    for (const side of [0, 1] as const) {
      seen[side].push((await first[side]).value!.data!.events.subjectId);
      for (let count = 0; count < 4; count += 1)
        seen[side].push((await next(streams[side])).data!.events.subjectId);
    }
    clearInterval(timer);
    await Promise.all(making);
    expect(await workspacesOf(seen[0])).toEqual([hive.home]);
    expect(await workspacesOf(seen[1])).toEqual([hive.abroad]);
    await Promise.all([eves.dispose(), beas.dispose()]);
  });

  test('a cursor from abroad resumes with the own events only', async () => {
    const { latestEventCursor, events } = await hive.do<{
      latestEventCursor: string;
      events: { edges: { cursor: string }[] };
    }>(hive.bea.headers(), '{ latestEventCursor events(first: 1) { edges { cursor } } }');
    expect(latestEventCursor).toBeDefined();
    const client = await open(hive.eve, 'OWNER');
    const stream = subscribe<{ events: { subjectId: string } }>(
      client,
      'subscription ($after: String) { events(after: $after) { subjectId } }',
      { after: events.edges[0]!.cursor },
    );
    const { rows } = await hive.pool.query<{ id: string }>(
      'select distinct subject_id as id from event where workspace_id = $1',
      [hive.home],
    );
    const mine = new Set(rows.map(({ id }) => id));
    for (let count = 0; count < 5; count += 1) {
      const { subjectId } = (await next(stream)).data!.events;
      expect(mine.has(subjectId.split(':')[1]!)).toBe(true);
    }
    await client.dispose();
  });
});

async function workspacesOf(taskIds: readonly string[]): Promise<string[]> {
  const { rows } = await hive.pool.query<{ id: string }>(
    'select distinct workspace_id as id from task where id = any($1)',
    [taskIds.map((id) => id.split(':')[1])],
  );
  return rows.map(({ id }) => id);
}

async function anyId(table: string): Promise<string> {
  const { rows } = await hive.pool.query<{ id: string }>(
    `select id from ${table} where workspace_id = $1 order by id limit 1`,
    [hive.abroad],
  );
  return rows[0]!.id;
}

/** Everything a mutation of the other workspace could have changed. */
async function rowsAbroad(): Promise<unknown> {
  const tables = [
    'task',
    'goal',
    'agent',
    'project',
    'membership',
    'invitation',
    'api_key',
    'secret',
    'event',
  ];
  const { rows } = await hive.pool.query(
    `select ${tables.map((table) => `(select md5(string_agg(md5(t::text), '' order by md5(t::text))) from ${table} t where workspace_id = $1) as "${table}"`).join(', ')}`,
    [hive.abroad],
  );
  return rows[0];
}
