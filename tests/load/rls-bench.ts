import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { connectDatabase, type Database } from '../../server/src/database/connect.ts';
import { migrate } from '../../server/src/database/migrate.ts';
import { inSystemTransaction, inTransaction } from '../../server/src/managers/transaction.ts';
import { readEvents } from '../../server/src/stores/event-store.ts';
import { countGoals, findGoals, listGoals, progressOfRuns } from '../../server/src/stores/goal-reads.ts';
import { insertGoal } from '../../server/src/stores/goal-store.ts';
import { ScopedQuery } from '../../server/src/stores/scoped-query.ts';
import { sqlOfPool, type Sql } from '../../server/src/stores/sql.ts';
import { enqueueTasks } from '../../server/src/stores/task-enqueue.ts';
import { listTasks, stepsOfTasks } from '../../server/src/stores/task-reads.ts';
import { forkForTenant, sqlOfTenant } from '../../server/src/stores/tenancy.ts';
import { silentLog } from '../support/log.ts';
import type { BenchEnvironment } from './environment.ts';
import { median, percentile, type BenchReport } from './report.ts';
import { alternate } from './rounds.ts';
import type { BenchScale } from './tasks-bench.ts';

const workspaces = 20;
const goalsEach = 1_000;
const tasksPerGoal = 5;

type Way = 'secured' | 'plain';
/** One thing a request asks of the database, as the server does it and as it would without row-level security. */
type Work = { name: string } & { [way in Way]: () => Promise<unknown> };

/**
 * The cost of forced row-level security and of the setting in front of every statement: the statements of the stores, with the
 * filters they have, as hive_tenant and as the owner, a superuser whom no policy concerns.
 */
export async function benchRls(
  environment: BenchEnvironment,
  { passes, scale }: BenchScale,
): Promise<BenchReport> {
  const url = await environment.createDatabase('rls');
  await migrate({ url, log: silentLog });
  const database = await connectDatabase({ url, log: silentLog });
  const { types } = database.tenantPool.options;
  const owner = new pg.Pool({ connectionString: url, max: 10, ...(types ? { types } : {}) });
  try {
    const workspaceId = await fill(owner);
    const works = [
      ...(await readsOf(database, owner, workspaceId)),
      ...writesOf(database, owner, workspaceId),
    ];
    const rows = [];
    for (const work of works) {
      // After five runs PostgreSQL decides whether a plan for any values will do; it must not decide while we measure.
      for (let run = 0; run < 20; run += 1) await Promise.all([work.secured(), work.plain()]);
      await environment.checkpoint();
      const samples = { secured: [] as number[][], plain: [] as number[][] };
      await alternate(['secured', 'plain'] as const, passes, async (way) => {
        samples[way].push(await time(work[way], Math.ceil(1_000 * scale)));
      });
      rows.push(rowOf(work.name, samples));
    }
    return {
      name: 'rls',
      method: `one connection at a time, µs a call, ${passes} × ${Math.ceil(1_000 * scale)} calls; ${workspaces} workspaces of ${goalsEach} goals and ${goalsEach * tasksPerGoal} tasks`,
      rows,
      notes: [
        'secured: as hive_tenant, settings and statement in one round trip; plain: the same statement as the owner, a superuser',
        'ratio: secured ÷ plain of the same pass, median and worst; the rows of both are compared first',
      ],
    };
  } finally {
    await Promise.all([database.close(), owner.end()]);
  }
}

/** @returns the id of the workspace that is read */
async function fill(owner: pg.Pool): Promise<string> {
  await owner.query(`insert into workspace (slug, name) select 'w' || n, 'W' from generate_series(1, $1) n`, [
    workspaces,
  ]);
  await owner.query(
    `insert into goal (workspace_id, text, status, plan)
    select w.id, 'Explain part ' || n, 'RUNNING', '{}' from generate_series(1, $1) n, workspace w where slug <> 'default'`,
    [goalsEach],
  );
  await owner.query(
    `insert into workflow_run (workspace_id, goal_id, graph, total_count, active_count)
    select workspace_id, id, '{}', $1, 1 from goal`,
    [tasksPerGoal],
  );
  await owner.query(
    `insert into task (workspace_id, workflow_run_id, goal_id, node_id, title, instruction, queue_key, status)
    select workspace_id, id, goal_id, 'n' || n, 'Task ' || n, 'Do it', '|x', case n when 1 then 'QUEUED' else 'SUCCEEDED' end
    from workflow_run, generate_series(1, $1) n`,
    [tasksPerGoal],
  );
  await owner.query(
    `insert into step (workspace_id, task_id, position, input_hash, attempt, kind, name, idempotent, status, input)
    select workspace_id, id, 0, 'h', 1, 'TOOL', 't', true, 'SUCCEEDED', '{}' from task`,
  );
  await owner.query(
    `insert into event (workspace_id, type, subject_id, goal_id, status, version)
    select workspace_id, 'task.created', id, goal_id, 'QUEUED', 1 from task`,
  );
  await owner.query('vacuum analyze');
  const { rows } = await owner.query<{ id: string }>(`select id from workspace where slug = 'w7'`);
  return rows[0]!.id;
}

async function readsOf(database: Database, owner: pg.Pool, workspaceId: string): Promise<Work[]> {
  const { orm, tenantPool } = database;
  const em = () => forkForTenant(orm, { workspaceId });
  const page = { limit: 50, backward: false };
  const goals = (await listGoals(em(), workspaceId, page, {})).rows;
  const tasks = (await listTasks(em(), workspaceId, page, {})).rows;
  const runIds = [...new Set(tasks.map((task) => task.workflowRunId!))];
  const reads: { readonly [name: string]: () => Promise<unknown> } = {
    'one goal by id': () => findGoals(em(), workspaceId, [goals[0]!.id]),
    'page of 50 goals': () => listGoals(em(), workspaceId, page, {}),
    'page of 50 tasks': () => listTasks(em(), workspaceId, page, {}),
    'steps of 50 tasks': () =>
      stepsOfTasks(
        em(),
        workspaceId,
        tasks.map(({ id }) => id),
      ),
    [`progress of ${runIds.length} runs`]: () => progressOfRuns(em(), workspaceId, runIds),
    [`count of ${goalsEach} goals`]: () => countGoals(em(), workspaceId, {}),
    'page of 100 events': () =>
      readEvents(sqlOfTenant(tenantPool, { workspaceId }), {
        ...{ workspaceId, limit: 100 },
        after: { xid: 0n, seq: 0n },
      }),
  };
  const works: Work[] = [];
  for (const [name, read] of Object.entries(reads)) {
    // Rows as the driver gives them: what the stores make of them is the same either way.
    const statement = await statementOf(tenantPool, read);
    const query = tenantPool.query.bind(tenantPool) as unknown as (
      query: ScopedQuery,
    ) => Promise<pg.QueryResult>;
    const work = {
      name,
      secured: async () => (await query(new ScopedQuery([workspaceId], statement))).rows,
      plain: async () => (await owner.query({ ...statement, values: [...statement.values] })).rows,
    };
    const [secured, plain] = [await work.secured(), await work.plain()];
    if (secured.length === 0 || !isDeepStrictEqual(secured, plain))
      throw new Error(`${name}: not the same rows`);
    works.push(work);
  }
  return works;
}

type Statement = ConstructorParameters<typeof ScopedQuery>[1];

/** What a read sends. */
async function statementOf(pool: pg.Pool, read: () => Promise<unknown>): Promise<Statement> {
  const seen: Statement[] = [];
  const original = pool.query;
  const recording = (query: Statement & { _rowMode?: 'array' }): unknown => {
    const { text, name, values, _rowMode } = query;
    seen.push({ text, values, ...(name ? { name } : {}), ...(_rowMode ? { rowMode: _rowMode } : {}) });
    return (original as (query: unknown) => unknown).call(pool, query);
  };
  Object.assign(pool, { query: recording });
  try {
    await read();
  } finally {
    Object.assign(pool, { query: original });
  }
  if (seen.length !== 1) throw new Error(`expected one statement, saw ${seen.length}`);
  return seen[0]!;
}

function writesOf({ orm, tenantPool }: Database, owner: pg.Pool, workspaceId: string): Work[] {
  const goal = { workspaceId, projectId: null, crewId: null, text: 'A goal', autoStart: true };
  const dispatch = async (sql: Sql) => {
    const goalId = await insertGoal(sql, goal);
    const task = {
      nodeId: 'plan',
      kind: 'PLAN',
      title: 'Plan',
      instruction: 'x',
      requiredCapabilities: ['plan'],
    };
    await enqueueTasks(sql, [{ ...task, workspaceId, goalId }]);
  };
  return [
    {
      name: 'insert of a goal and its event',
      secured: () => insertGoal(sqlOfTenant(tenantPool, { workspaceId }), goal),
      plain: () => insertGoal(sqlOfPool(owner), goal),
    },
    {
      name: 'transaction: goal, task, events',
      secured: () => inTransaction(orm, { workspaceId }, dispatch),
      plain: () => inSystemTransaction(owner, dispatch),
    },
  ];
}

async function time(run: () => Promise<unknown>, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const began = performance.now();
    await run();
    taken.push((performance.now() - began) * 1_000);
  }
  return taken;
}

function rowOf(name: string, samples: { [way in Way]: number[][] }): BenchReport['rows'][number] {
  const ratios = (rank: number) => {
    const each = samples.secured.map(
      (values, pass) => percentile(values, rank) / percentile(samples.plain[pass]!, rank),
    );
    return `${median(each).toFixed(2)} (worst ${Math.max(...each).toFixed(2)})`;
  };
  const at = (way: Way, rank: number) => percentile(samples[way].flat(), rank);
  return {
    statement: name,
    'secured p50': at('secured', 50),
    'plain p50': at('plain', 50),
    'ratio p50': ratios(50),
    'secured p95': at('secured', 95),
    'plain p95': at('plain', 95),
    'ratio p95': ratios(95),
  };
}
