import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { startRun } from '../engines/workflow/start-run.ts';
import type { Graph } from '../engines/workflow/graph.ts';
import { inTransaction } from '../managers/transaction.ts';
import { insertGoal, moveGoal } from '../stores/goal-store.ts';
import { once } from '../stores/idempotency-store.ts';
import { saveFiles } from '../stores/project-index-store.ts';
import { insertProject } from '../stores/project-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { enqueueTasks } from '../stores/task-enqueue.ts';
import { replayTask } from '../stores/task-lease.ts';
import { cancelTasks } from '../stores/task-settle.ts';
import { sqlOfTenant, type Tenancy } from '../stores/tenancy.ts';
import { cancelRuns } from '../stores/workflow-run-store.ts';

const graph: Graph = {
  summary: 's',
  nodes: ['a', 'b'].map((id, index) => ({
    ...{
      id,
      title: id,
      instruction: id,
      capabilities: ['work'],
      risk: 'LOW',
      estimatedCostMicroUsd: 0,
      input: {},
    },
    dependsOn: index === 0 ? [] : ['a'],
  })),
} as Graph;

let database: TestDatabase;
let system: Sql;
let [open, closed]: [string, string] = ['', ''];
const goals = new Map<string | null, string>();

beforeAll(async () => {
  database = await createTestDatabase();
  system = sqlOfPool(database.systemPool);
  const { workspaceId } = database;
  const project = async (name: string) =>
    (await insertProject(system, { workspaceId, name, rootPath: `/${name}` }))!.id;
  [open, closed] = [await project('open'), await project('closed')];
  await system.rows(`insert into crew (workspace_id, name) values ($1, 'crew')`, [workspaceId]);
  for (const projectId of [open, closed, null]) goals.set(projectId, await fill(projectId));
});
afterAll(() => database.drop());

/** A goal with a run, and a row in every table that hangs on it. @returns its id */
async function fill(projectId: string | null): Promise<string> {
  const { workspaceId } = database;
  const goalId = await insertGoal(system, {
    workspaceId,
    projectId,
    crewId: null,
    text: 'g',
    autoStart: true,
  });
  await startRun(system, { workspaceId, goalId, projectId, crewId: null, graph });
  const taskOf = `(select min(id::text)::uuid from task where goal_id = $2)`;
  for (const statement of [
    `insert into attempt (workspace_id, task_id, number, lease_owner, status, started_at) values ($1, ${taskOf}, 1, 'x', 'FAILED', now())`,
    `insert into step (workspace_id, task_id, position, input_hash, attempt, kind, name, idempotent, status, input)
      values ($1, ${taskOf}, 0, 'h', 1, 'TOOL', 't', true, 'SUCCEEDED', '{}')`,
    `insert into output (workspace_id, task_id, attempt) values ($1, ${taskOf}, 1)`,
    `insert into output_chunk (workspace_id, task_id, attempt, start_offset, text) values ($1, ${taskOf}, 1, 0, 'x')`,
  ])
    await system.rows(statement, [workspaceId, goalId]);
  if (projectId === null) return goalId;
  await system.rows(`insert into event (workspace_id, subject_id, type) values ($1, $2, 'project.ready')`, [
    workspaceId,
    projectId,
  ]);
  await saveFiles(
    system,
    { workspaceId, projectId },
    [
      {
        path: 'f',
        contentHash: 'h',
        byteCount: 1,
        lineCount: 1,
        language: 'text',
        kind: 'PROSE',
        summary: null,
      },
    ],
    [
      {
        path: 'f',
        title: '',
        startLine: 1,
        endLine: 1,
        content: 'words',
        titleWords: '',
        bodyWords: 'words',
      },
    ],
  );
  return goalId;
}

const limited = (...projectIds: string[]): Tenancy => ({ workspaceId: database.workspaceId, projectIds });
const asLimited = (...projectIds: string[]) => sqlOfTenant(database.tenantPool, limited(...projectIds));
const count = async (sql: Sql, table: string) =>
  (await sql.rows<{ n: number }>(`select count(*)::int as n from ${table}`))[0]!.n;

const tables = [
  ...[
    'project',
    'goal',
    'workflow_run',
    'task',
    'task_dependency',
    'attempt',
    'step',
    'output',
    'output_chunk',
  ],
  ...['event', 'project_file', 'project_chunk'],
];

describe('with access limited to projects', () => {
  it.each(tables)('%s shows what is in them', async (table) => {
    const [one, other, both] = [asLimited(open), asLimited(closed), asLimited(open, closed)];
    const everything = await count(
      sqlOfTenant(database.tenantPool, { workspaceId: database.workspaceId }),
      table,
    );
    const seen = await count(one, table);
    expect(seen).toBeGreaterThan(0);
    expect(await count(other, table)).toBe(seen);
    expect(await count(both, table)).toBe(2 * seen);
    // What is in no project is seen by those who see everything.
    if (table.startsWith('project')) expect(everything).toBe(2 * seen);
    else expect(everything).toBeGreaterThan(2 * seen);
    expect(await count(asLimited(), table)).toBe(0);
  });

  it('shows what belongs to the workspace as a whole, and its events', async () => {
    await system.rows(`insert into event (workspace_id, subject_id, type) values ($1, $2, 'agent.updated')`, [
      database.workspaceId,
      randomUUID(),
    ]);
    expect(await count(asLimited(), 'crew')).toBe(1);
    expect(await count(asLimited(), 'workspace')).toBe(1);
    expect(await count(asLimited(), `event where type = 'agent.updated'`)).toBe(1);
    await system.rows(`delete from event where type = 'agent.updated'`);
  });

  it('hides events of a kind it does not know, and cached plans', async () => {
    const { workspaceId } = database;
    await system.rows(`insert into event (workspace_id, subject_id, type) values ($1, $2, 'member.joined')`, [
      workspaceId,
      randomUUID(),
    ]);
    await system.rows(
      `insert into plan_cache (workspace_id, key, goal_text, graph, source, provider) values ($1, 'k', 'g', '{}', 'RECIPE', 'p')`,
      [workspaceId],
    );
    expect(await count(asLimited(open), `event where type = 'member.joined'`)).toBe(0);
    expect(await count(asLimited(open), 'plan_cache')).toBe(0);
    await system.rows(`delete from event where type = 'member.joined'`);
  });

  it('writes inside them, by every way a person has', async () => {
    const { workspaceId } = database;
    const text = 'within';
    const taskIds = await inTransaction(database.orm, limited(open), async (sql) => {
      const call = { workspaceId, operation: 'dispatchGoal', key: randomUUID(), input: {} };
      const { id: goalId } = await once(sql, call, () =>
        insertGoal(sql, { workspaceId, projectId: open, crewId: null, text, autoStart: false }),
      );
      const plan = {
        graph,
        source: 'RECIPE' as const,
        cached: false,
        recipe: null,
        usesLanguageModel: false,
      };
      await moveGoal(sql, { workspaceId, goalId, from: ['PLANNING'], to: 'AWAITING_ACCEPTANCE', plan });
      await moveGoal(sql, { workspaceId, goalId, from: ['AWAITING_ACCEPTANCE'], to: 'RUNNING' });
      await startRun(sql, { workspaceId, goalId, projectId: open, crewId: null, graph });
      const rows = await sql.rows<{ id: string }>('select id from task where goal_id = $1', [goalId]);
      return rows.map(({ id }) => id);
    });
    expect(taskIds).toHaveLength(2);
    const [single] = await inTransaction(database.orm, limited(open), (sql) =>
      enqueueTasks(sql, [
        {
          workspaceId,
          projectId: open,
          nodeId: 'n',
          kind: 'AGENT',
          title: 't',
          instruction: 'i',
          requiredCapabilities: [],
        },
      ]),
    );
    await inTransaction(database.orm, limited(open), async (sql) => {
      const ids = [...taskIds, single!];
      expect(
        await cancelTasks(sql, { workspaceId, taskIds: ids, reason: 'r', withDependents: true }),
      ).toHaveLength(3);
      expect(await replayTask(sql, workspaceId, single!)).toBe(true);
    });
    const [goal] = await system.rows<{ id: string; status: string; run: string }>(
      `select g.id, g.status, r.status as run from goal g join workflow_run r on r.goal_id = g.id where g.text = $1`,
      [text],
    );
    // The last canceled task ended the run, and the run its goal.
    expect(goal).toMatchObject({ status: 'CANCELED', run: 'CANCELED' });
    await inTransaction(database.orm, limited(open), (sql) => cancelRuns(sql, workspaceId, goal!.id));
  });

  it('writes nothing outside', async () => {
    const { workspaceId } = database;
    const outside = goals.get(closed)!;
    const attempts: ((sql: Sql) => Promise<unknown>)[] = [
      (sql) => insertGoal(sql, { workspaceId, projectId: closed, crewId: null, text: 'x', autoStart: true }),
      (sql) => insertGoal(sql, { workspaceId, projectId: null, crewId: null, text: 'x', autoStart: true }),
      (sql) => insertProject(sql, { workspaceId, name: 'new', rootPath: '/new' }),
      (sql) => startRun(sql, { workspaceId, goalId: outside, projectId: open, crewId: null, graph }),
      (sql) => sql.rows(`update goal set project_id = $1 where project_id = $2`, [closed, open]),
      (sql) => sql.rows(`update task set project_id = null where project_id = $1`, [open]),
      (sql) =>
        sql.rows(
          `insert into event (workspace_id, subject_id, goal_id, type) values ($1, $2, $2, 'goal.x')`,
          [workspaceId, outside],
        ),
    ];
    for (const attempt of attempts)
      await expect(inTransaction(database.orm, limited(open), attempt)).rejects.toMatchObject({
        code: '42501',
      });
    await inTransaction(database.orm, limited(open), async (sql) => {
      await sql.rows(`update goal set text = 'taken'`);
      await sql.rows('delete from task_dependency');
    });
    expect(await count(system, `goal where text = 'taken' and project_id is distinct from '${open}'`)).toBe(
      0,
    );
    expect(await count(asLimited(closed), 'task_dependency')).toBeGreaterThan(0);
  });
});

it('is never asked for by a session that is not limited', async () => {
  await database.pool.query(
    `create or replace function hive_sees_task(row_id uuid) returns boolean language plpgsql stable
    as $$ begin raise exception 'asked'; end $$`,
  );
  const unlimited = sqlOfTenant(database.tenantPool, { workspaceId: database.workspaceId });
  expect(await count(unlimited, 'step')).toBe(3);
  await expect(count(asLimited(open), 'step')).rejects.toThrow('asked');
});
