import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Client } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startServer, type ServerProcess } from '../support/server-process.ts';

// The main job as an integrator does it: nothing but fetch, a WebSocket and the graphql-ws client.

let folder: string;
let server: ServerProcess;
const clients: Client[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-main-job-'));
  writeProject(folder);
  server = await startServer({ cwd: folder, dataDir: join(folder, '.hive') });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function ask<Data>(query: string, variables: object = {}): Promise<Data> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data?: Data; errors?: unknown };
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data!;
}

function connect(): Client {
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: true,
  });
  clients.push(client);
  return client;
}

interface EventData {
  events: { cursor: string; type: string; subjectId: string; payload: Record<string, unknown> };
}
const eventsDocument =
  'subscription ($after: String) { events(after: $after) { cursor type subjectId payload } }';

const dispatch = async (input: { text: string; autoStart?: boolean; idempotencyKey?: string }) =>
  (
    await ask<{ dispatchGoal: { __typename: string; id: string; status: string } }>(
      'mutation ($input: DispatchGoalInput!) { dispatchGoal(input: $input) { __typename ... on Goal { id status } ... on Error { code message } } }',
      { input },
    )
  ).dispatchGoal;

interface GoalData {
  id: string;
  status: string;
  usesLanguageModel: boolean;
  plan: {
    source: string;
    recipe: string;
    nodes: {
      id: string;
      title: string;
      instruction: string;
      capabilities: string[];
      dependsOn: string[];
      task: { id: string } | null;
    }[];
  } | null;
  tasks: {
    edges: {
      node: {
        id: string;
        title: string;
        status: string;
        attempt: number;
        agent: { name: string } | null;
        steps: { name: string; status: string }[];
      };
    }[];
  };
  progress: { total: number; succeeded: number };
  result: {
    text: string;
    extractive: boolean;
    notice: string | null;
    citations: { marker: number; path: string; startLine: number; endLine: number; quote: string }[];
  } | null;
  failure: { message: string } | null;
}
const goalOf = async (id: string) =>
  (
    await ask<{ goal: GoalData }>(
      `query ($id: ID!) { goal(id: $id) {
      id status usesLanguageModel plan { source recipe nodes { id title instruction capabilities dependsOn task { id } } }
      tasks { edges { node { id title status attempt agent { name } steps { name status } } } }
      progress { total succeeded } result { text extractive notice citations { marker path startLine endLine quote } } failure { message }
    } }`,
      { id },
    )
  ).goal;

async function untilGoal(id: string, ...statuses: string[]): Promise<GoalData> {
  for (const deadline = Date.now() + 45_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const goal = await goalOf(id);
    if (statuses.includes(goal.status)) return goal;
    if (goal.status === 'FAILED' || Date.now() > deadline)
      throw new Error(`goal is ${goal.status}: ${goal.failure?.message}`);
  }
}

describe('a goal from dispatch to result', () => {
  it('is planned, run and answered with citations that are really there, while everything is seen live', async () => {
    const { latestEventCursor } = await ask<{ latestEventCursor: string }>('{ latestEventCursor }');
    const client = connect();
    const events = client.iterate<EventData>({
      query: eventsDocument,
      variables: { after: latestEventCursor },
    });
    const goal = await dispatch({ text: 'Explain how the honey counter works, with sources' });
    expect(goal.status).toBe('PLANNING');
    const seen: EventData['events'][] = [];
    for await (const { data } of events) {
      seen.push(data!.events);
      if (data!.events.subjectId === goal.id && data!.events.type === 'goal.succeeded') break;
    }
    const types = new Set(seen.map((event) => event.type));
    for (const type of [
      'goal.created',
      'goal.planned',
      'task.started',
      'task.step_succeeded',
      'task.succeeded',
      'workflow_run.succeeded',
    ])
      expect(types).toContain(type);
    expect(new Set(seen.map((event) => event.cursor)).size).toBe(seen.length);

    const done = await untilGoal(goal.id, 'SUCCEEDED');
    expect(done.progress.succeeded).toBe(done.progress.total);
    expect(done.usesLanguageModel).toBe(false);
    expect(done.result).toMatchObject({
      extractive: true,
      notice: expect.stringContaining('extractive, no language model connected') as string,
    });
    expect(done.result!.citations.length).toBeGreaterThan(0);
    for (const { path, startLine, endLine, quote } of done.result!.citations) {
      const lines = readFileSync(join(folder, path), 'utf8')
        .split('\n')
        .slice(startLine - 1, endLine)
        .join('\n');
      expect(lines.replace(/\s+/g, ' '), `${path}:${startLine}`).toContain(quote.replace(/\s+/g, ' '));
    }
    expect(done.result!.text).toMatch(/honey/i);

    // whoever comes late gets the whole text of a task, in order
    const task = done.tasks.edges.at(-1)!.node;
    let text = '';
    for await (const { data } of client.iterate<{
      taskOutput: { attempt: number; offset: number; text: string; done: boolean };
    }>({
      query: 'subscription ($id: ID!) { taskOutput(id: $id) { attempt offset text done } }',
      variables: { id: task.id },
    })) {
      expect(data!.taskOutput.offset).toBe(text.length);
      text += data!.taskOutput.text;
    }
    expect(text.length).toBeGreaterThan(20);
  });

  it('plans different goals differently', async () => {
    const texts = [
      'Explain the honey counter',
      'Compare the counter and the queen',
      'Find every place that mentions wax',
      'Summarise this project',
      'List the open questions',
    ];
    const shapes = new Set<string>();
    for (const text of texts) {
      const { id } = await dispatch({ text, autoStart: false });
      const goal = await untilGoal(id, 'AWAITING_ACCEPTANCE');
      shapes.add(
        `${goal.plan!.recipe}: ${goal.plan!.nodes.map((node) => `${node.title} <- ${node.dependsOn.join()}`).join('; ')}`,
      );
    }
    expect(shapes.size).toBe(texts.length);
  });

  it('waits for acceptance, runs the edited plan and nothing else', async () => {
    const { id } = await dispatch({ text: 'Explain the queen', autoStart: false });
    const planned = await untilGoal(id, 'AWAITING_ACCEPTANCE');
    expect(planned.tasks.edges).toEqual([]);
    const [first, ...rest] = planned.plan!.nodes.map(({ task: _task, ...node }) => node);
    const nodes = [{ ...first!, title: 'My own title' }, ...rest];
    const edit = `mutation ($input: EditPlanInput!) { editPlan(input: $input) { __typename ... on Goal { plan { source } } ... on Error { message } } }`;
    expect(await ask(edit, { input: { goalId: id, nodes } })).toEqual({
      editPlan: { __typename: 'Goal', plan: { source: 'EDITED' } },
    });
    await ask('mutation ($id: ID!) { acceptPlan(input: { goalId: $id }) { __typename } }', { id });
    const done = await untilGoal(id, 'SUCCEEDED');
    expect(done.tasks.edges.map((edge) => edge.node.title)).toContain('My own title');
    expect(done.tasks.edges).toHaveLength(nodes.length);
  });

  it('goes on to its end when the server is killed in the middle, and a client that resumes misses and repeats nothing', async () => {
    const { latestEventCursor } = await ask<{ latestEventCursor: string }>('{ latestEventCursor }');
    const seen: EventData['events'][] = [];
    const port = new URL(server.url).port;
    const goals: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      goals.push((await dispatch({ text: `Explain the honey counter, round ${round}` })).id);
      const follower = connect();
      try {
        for await (const { data } of follower.iterate<EventData>({
          query: eventsDocument,
          variables: { after: seen.at(-1)?.cursor ?? latestEventCursor },
        })) {
          seen.push(data!.events);
          if (data!.events.type === 'task.step_started') break;
        }
      } finally {
        await follower.dispose();
      }
      // the built-in PostgreSQL goes on without its server, and is taken over by the next
      await server.kill();
      server = await startServer({ cwd: folder, dataDir: server.dataDir, port: Number(port) });
    }
    for (const id of goals) await untilGoal(id, 'SUCCEEDED');
    const newest = (await ask<{ latestEventCursor: string }>('{ latestEventCursor }')).latestEventCursor;
    for await (const { data } of connect().iterate<EventData>({
      query: eventsDocument,
      variables: { after: seen.at(-1)!.cursor },
    })) {
      seen.push(data!.events);
      if (data!.events.cursor === newest) break;
    }
    const whole: string[] = [];
    for (let after = latestEventCursor; ; after = whole.at(-1)!) {
      const page = await ask<{
        events: { edges: { node: { cursor: string } }[]; pageInfo: { hasNextPage: boolean } };
      }>(
        'query ($after: String) { events(first: 100, after: $after) { edges { node { cursor } } pageInfo { hasNextPage } } }',
        { after },
      );
      whole.push(...page.events.edges.map((edge) => edge.node.cursor));
      if (!page.events.pageInfo.hasNextPage) break;
    }
    expect(seen.map((event) => event.cursor)).toEqual(whole.slice(0, seen.length));
  });
});

describe('the server as a neighbour', () => {
  it('serves the schema it is built from', async () => {
    const committed = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
    expect((await (await fetch(`${server.url}/schema.graphql`)).text()).trim()).toBe(committed.trim());
  });

  it('refuses a second start in the same folder and says which is running', async () => {
    await expect(
      startServer({ cwd: folder, dataDir: server.dataDir, readyTimeoutMs: 20_000 }),
    ).rejects.toThrow(/running/i);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('stops cleanly with its database and finds everything again', async () => {
    const { id } = await dispatch({ text: 'Explain wax' });
    await untilGoal(id, 'SUCCEEDED');
    const { dataDir } = server;
    const databaseRuns = () => existsSync(join(dataDir, 'postgres/data/postmaster.pid'));
    expect(databaseRuns()).toBe(true);
    expect(await server.stop()).toBe(0);
    expect(databaseRuns()).toBe(false);
    server = await startServer({ cwd: folder, dataDir });
    expect((await goalOf(id)).status).toBe('SUCCEEDED');
  });
});

function writeProject(root: string): void {
  mkdirSync(join(root, 'src'));
  writeFileSync(
    join(root, 'README.md'),
    `# Honey counter

The honey counter adds up the honey of every comb. It reads each comb once a minute and writes the sum to the ledger.

## Wax

Wax is made by the bees and kept out of the honey count. Is wax ever counted twice?

## The queen

The queen decides how many combs there are. She never counts honey herself.
`,
  );
  writeFileSync(
    join(root, 'src/counter.ts'),
    `import { combs } from './queen.ts';

/** Adds up the honey of every comb, in grams. */
export function countHoney(): number {
  // TODO: skip combs that hold wax
  return combs().reduce((sum, comb) => sum + comb.honey, 0);
}
`,
  );
  writeFileSync(
    join(root, 'src/queen.ts'),
    `export interface Comb {
  /** Grams of honey. */
  honey: number;
}

/** The combs the queen has decided on. */
export function combs(): Comb[] {
  return [{ honey: 12 }, { honey: 30 }];
}
`,
  );
}
