import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { replayEventLog } from '../support/replay-log.ts';

const startScript = fileURLToPath(new URL('../../server/src/cli/start.ts', import.meta.url));
/** At least these many, however fast the machine is. */
const kills = 100;
const taskCount = 2_000;
const goalCount = 20;
const seed = Number(process.env['HIVE_TEST_SEED'] ?? Date.now() % 1_000_000);

let folder: string;
let databaseUrl: string;
let database: pg.Pool;
let port: number;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-crash-'));
  mkdirSync(join(folder, 'docs'));
  writeFileSync(
    join(folder, 'README.md'),
    '# Apiary\n\nThe apiary counts bees. Every event is written to the log before anybody sees it.\n',
  );
  for (let index = 0; index < 8; index += 1) {
    writeFileSync(
      join(folder, 'docs', `part-${index}.md`),
      `# Part ${index}\n\nPart ${index} explains honey, wax and event number ${index}. A queen leads the hive.\n`,
    );
  }
  databaseUrl = await createTestDatabaseUrl();
  database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  port = await freePort();
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await database.end();
  await dropTestDatabase(databaseUrl);
  rmSync(folder, { recursive: true, force: true });
});

it(
  `loses and repeats nothing through ${kills} SIGKILLs over ${taskCount} tasks with steps`,
  { timeout: 900_000 },
  async () => {
    process.stdout.write(`HIVE_TEST_SEED=${seed}\n`);
    const random = mulberry32(seed);
    let server = startServer();
    const acknowledged = { tasks: [] as string[], goals: [] as string[] };
    const projectId = await firstProjectId();
    const dispatching = dispatchAll(projectId, acknowledged);

    for (let kill = 0; kill < kills; kill += 1) {
      // Long enough on average to come up and work, short enough to die in the middle of starting now and then.
      await sleep(250 + random() * 1_700);
      server.kill('SIGKILL');
      await new Promise((resolve) => server.once('close', resolve));
      server = startServer();
    }
    await dispatching;
    await until('everything has ended', async () => {
      const { rows } = await database.query<{ open: number }>(
        `select (select count(*) from task where status not in ('SUCCEEDED', 'FAILED', 'CANCELED'))::int
        + (select count(*) from goal where status not in ('SUCCEEDED', 'FAILED', 'CANCELED'))::int as open`,
      );
      return rows[0]!.open === 0;
    });
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('close', resolve));

    expect(new Set(acknowledged.tasks).size).toBe(taskCount);
    expect(new Set(acknowledged.goals).size).toBe(goalCount);
    await expectEveryAcknowledgedTaskEnded(acknowledged);
    await expectNoFinishedStepRepeated();
    const { differences, subjects } = await replayEventLog(database);
    expect(differences).toEqual([]);
    expect(subjects).toBeGreaterThan(taskCount);
  },
);

async function expectEveryAcknowledgedTaskEnded(acknowledged: {
  tasks: string[];
  goals: string[];
}): Promise<void> {
  const tasks = await database.query<{ status: string; count: number }>(
    `select status, count(*)::int as count from task where id = any($1::uuid[]) group by 1`,
    [acknowledged.tasks.map(plainId)],
  );
  expect(tasks.rows).toEqual([{ status: 'SUCCEEDED', count: taskCount }]);
  const goals = await database.query<{ status: string; count: number }>(
    `select status, count(*)::int as count from goal where id = any($1::uuid[]) group by 1`,
    [acknowledged.goals.map(plainId)],
  );
  expect(goals.rows).toEqual([{ status: 'SUCCEEDED', count: goalCount }]);
  // nothing beyond what was acknowledged: a repeated request with its key made no second task
  const extra = await database.query(
    `select id from task where workflow_run_id is null and kind = 'AGENT' and id <> all($1::uuid[])`,
    [acknowledged.tasks.map(plainId)],
  );
  expect(extra.rows).toEqual([]);
  const outputs = await database.query(
    `select id from task t where status = 'SUCCEEDED' and not exists (select from output o where o.task_id = t.id)`,
  );
  expect(outputs.rows).toEqual([]);
  const attempts = await database.query(
    // the last attempt, which succeeded, is the task itself
    `select t.id from task t where t.attempt <> 1 + (select count(*) from attempt a where a.task_id = t.id)
      or t.last_owner is null`,
  );
  expect(attempts.rows).toEqual([]);
}

async function expectNoFinishedStepRepeated(): Promise<void> {
  const counted = await database.query<{ count: number }>(`select count(*)::int as count from step`);
  expect(counted.rows[0]!.count).toBeGreaterThan(taskCount);
  const finishedTwice = await database.query(
    `select payload ->> 'stepId' as step from event where type = 'task.step_succeeded' group by 1 having count(*) > 1`,
  );
  expect(finishedTwice.rows).toEqual([]);
  const startedAgain = await database.query(
    `select s.payload ->> 'stepId' as step from event s join event f on f.payload ->> 'stepId' = s.payload ->> 'stepId'
    where s.type = 'task.step_started' and f.type = 'task.step_succeeded' and (s.payload ->> 'attempt')::int > (f.payload ->> 'attempt')::int`,
  );
  expect(startedAgain.rows).toEqual([]);
  // a position that finished with two different inputs would be the same step done twice under another name
  const twice = await database.query(
    `select task_id, position from step where status = 'SUCCEEDED' group by 1, 2 having count(*) > 1`,
  );
  expect(twice.rows).toEqual([]);
}

async function dispatchAll(
  projectId: string,
  acknowledged: { tasks: string[]; goals: string[] },
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < taskCount; index = next++) {
      const input = {
        title: `Part ${index % 8}`,
        instruction: `Explain part ${index % 8} and event ${index}`,
        capabilities: ['research'],
        projectId,
        idempotencyKey: `task ${index}`,
      };
      acknowledged.tasks.push(
        await insist(
          'mutation ($input: CreateTaskInput!) { made: createTask(input: $input) { __typename ... on Task { id } ... on Error { message } } }',
          input,
        ),
      );
      // spread over the kills, so that each meets work in flight
      await sleep(50);
    }
  };
  const goals = async () => {
    for (let index = 0; index < goalCount; index += 1) {
      const input = {
        text: `Explain event number ${index % 8} with sources`,
        idempotencyKey: `goal ${index}`,
      };
      acknowledged.goals.push(
        await insist(
          'mutation ($input: DispatchGoalInput!) { made: dispatchGoal(input: $input) { __typename ... on Goal { id } ... on Error { message } } }',
          input,
        ),
      );
      await sleep(4_000);
    }
  };
  await Promise.all([...Array.from({ length: 6 }, worker), goals()]);
}

/** The same request with the same key until it is acknowledged, as a client with an outbox does. */
async function insist(query: string, input: { idempotencyKey: string }): Promise<string> {
  for (;;) {
    const answer = await post<{ made: { __typename: string; id?: string; message?: string } }>(query, {
      input,
    });
    if (answer?.made.id) return answer.made.id;
    if (answer && answer.made.__typename !== 'UnavailableError')
      throw new Error(`${answer.made.__typename}: ${answer.made.message}`);
    await sleep(40);
  }
}

async function firstProjectId(): Promise<string> {
  for (;;) {
    const answer = await post<{ projects: { edges: { node: { id: string; status: string } }[] } }>(
      '{ projects { edges { node { id status } } } }',
      {},
    );
    const project = answer?.projects.edges[0]?.node;
    if (project?.status === 'READY') return project.id;
    await sleep(50);
  }
}

/** Undefined while the server is down, starting or draining, or when it died before it answered. */
async function post<Data>(query: string, variables: object): Promise<Data | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(10_000),
    });
    const { data } = (await response.json()) as { data?: Data };
    return data ?? undefined;
  } catch {
    return undefined;
  }
}

function startServer(): ChildProcess {
  const child = spawn(process.execPath, [startScript], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HIVE_DATA_DIR: join(folder, '.hive'),
      HIVE_PORT: String(port),
      HIVE_APP_BUILD: 'never',
      HIVE_LLM_PROVIDERS: 'extractive',
      HIVE_LOG_LEVEL: 'error',
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Still not: ${what}`);
    await sleep(250);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const plainId = (globalId: string) => globalId.slice(globalId.indexOf(':') + 1);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
}

/** A small seeded generator (Mulberry32, Tommy Ettinger), so that a failing run can be repeated. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
