import { scopeOf } from '../../../tests/support/scopes.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import {
  createTestEngine,
  insertTestAgent,
  until,
  type TestEngineOptions,
} from '../../../tests/support/engine.ts';
import type { TaskExecution } from '../engines/task-execution/task-execution.ts';
import {
  IdempotencyConflictError,
  InvalidStateError,
  NotFoundError,
  ValidationError,
} from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { parseGraph } from '../engines/workflow/graph.ts';
import { startRun } from '../engines/workflow/start-run.ts';
import { insertGoal, moveGoal } from '../stores/goal-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { settleTasks } from '../stores/task-settle.ts';
import { forgetOldKeys } from '../stores/idempotency-store.ts';
import { createTaskManager, type TaskManager } from './task-manager.ts';

let database: TestDatabase;
let manager: TaskManager;
let engines: TaskExecution[] = [];
const scope = () => scopeOf(database.workspaceId);

beforeAll(async () => {
  database = await createTestDatabase();
  manager = createTaskManager({
    orm: database.orm,
    onChanged: () => {},
    onCanceled: () => {},
    onDenied: () => {},
  });
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query(
    'truncate task, agent, workflow_run, goal, event, step, attempt, output, idempotency_key cascade',
  );
  await insertTestAgent(database, { capabilities: ['plan', 'work'] });
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.drain(50)));
  engines = [];
});

const node = (id: string, dependsOn: string[] = []) => ({
  id,
  title: id,
  instruction: `do ${id}`,
  capabilities: ['work'],
  dependsOn,
});
const diamond = [node('a'), node('b', ['a']), node('c', ['a']), node('d', ['b', 'c'])];

/** An engine whose planner answers with this graph and whose agents do `work`. */
function startEngine(
  graph: Json,
  work: TestEngineOptions['handler'] = async () => ({ text: 'ok' }),
): TaskExecution {
  const engine = createTestEngine(database, {
    handler: work,
    kinds: {
      PLAN: {
        run: async () => ({
          data: { graph, source: 'RECIPE', recipe: 'explain', cached: false, usesLanguageModel: false },
        }),
        settle: (task, outcome, verdict) => manager.applyPlan(task, outcome, verdict),
      },
      AGENT: { run: work },
    },
  });
  engines.push(engine);
  engine.start();
  return engine;
}
const goalStatus = async (id: string) =>
  (await database.pool.query<{ status: string }>('select status from goal where id = $1', [id])).rows[0]!
    .status;
const untilGoal = (id: string, status: string) =>
  until(`goal is ${status}`, async () => (await goalStatus(id)) === status);
const tasksOf = async (goalId: string) =>
  (
    await database.pool.query<{ id: string; node_id: string; status: string; kind: string }>(
      `select id, node_id, status, kind from task where goal_id = $1 order by id`,
      [goalId],
    )
  ).rows;
const taskAt = async (goalId: string, nodeId: string) =>
  (await tasksOf(goalId)).find((task) => task.node_id === nodeId)!;

/** A goal whose run has just started; no engine runs. */
async function runningGoal(nodes: ReturnType<typeof node>[]): Promise<string> {
  const sql = sqlOfPool(database.systemPool);
  const { workspaceId } = database;
  const bare = { workspaceId, projectId: null, crewId: null };
  const goalId = await insertGoal(sql, { ...bare, text: 'x', autoStart: true });
  const graph = parseGraph({ summary: '', nodes });
  const plan = { graph, source: 'RECIPE' as const, cached: false, recipe: null, usesLanguageModel: false };
  await moveGoal(sql, { workspaceId, goalId, from: ['PLANNING'], to: 'RUNNING', plan });
  await startRun(sql, { ...bare, goalId, graph });
  return goalId;
}

async function settleHeld(sql: Sql, taskId: string, status: 'SUCCEEDED' | 'FAILED'): Promise<void> {
  const [row] = await sql.rows<{ attempt: number }>(
    `update task set status = 'RUNNING', attempt = attempt + 1, lease_owner = 'x', attempt_started_at = now()
    where id = $1 and status = 'QUEUED' returning attempt`,
    [taskId],
  );
  await settleTasks(sql, 'x', [{ taskId, attempt: row!.attempt, status, attemptStatus: status }]);
}
const succeedOrFail = (taskId: string, status: 'SUCCEEDED' | 'FAILED') =>
  settleHeld(sqlOfPool(database.systemPool), taskId, status);

/** Another node in the middle of settling: what it wrote is not committed yet. */
async function openTransaction() {
  const client = await database.pool.connect();
  await client.query('begin');
  const sql: Sql = {
    rows: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await client.query(text, [...values])).rows as Row[],
  };
  return {
    settle: (taskId: string, status: 'SUCCEEDED' | 'FAILED') => settleHeld(sql, taskId, status),
    untilSomebodyWaits: () =>
      until('somebody waits for its locks', async () => {
        const { rows } = await database.pool.query(
          `select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
        );
        return rows.length > 0;
      }),
    async commit() {
      await client.query('commit');
      client.release();
    },
  };
}

describe('a goal', () => {
  it('is planned, run in the order of its graph and succeeds', async () => {
    const order: string[] = [];
    startEngine({ summary: 's', nodes: diamond }, async ({ task }) => {
      order.push(task.nodeId);
      return undefined;
    });
    const goal = await manager.dispatchGoal(scope(), { text: '  explain this  ' });
    expect(goal).toMatchObject({ text: 'explain this', status: 'PLANNING' });
    await untilGoal(goal.id, 'SUCCEEDED');
    expect(order[0]).toBe('a');
    expect(order.slice(1, 3).sort()).toEqual(['b', 'c']);
    expect(order[3]).toBe('d');
    const { rows } = await database.pool.query('select status, active_count, failed_count from workflow_run');
    expect(rows).toEqual([{ status: 'SUCCEEDED', active_count: 0, failed_count: 0 }]);
  });

  it('waits for acceptance, takes an edited plan and then runs that', async () => {
    startEngine({ summary: '', nodes: [{ ...node('a'), input: { action: 'search' } }] });
    const goal = await manager.dispatchGoal(scope(), { text: 'explain', autoStart: false });
    await untilGoal(goal.id, 'AWAITING_ACCEPTANCE');
    expect(await tasksOf(goal.id)).toHaveLength(1);
    const edited = await manager.editPlan(scope(), {
      goalId: goal.id,
      nodes: [node('a'), node('extra', ['a'])],
    });
    expect(edited).toMatchObject({ status: 'AWAITING_ACCEPTANCE', planSource: 'EDITED' });
    await manager.acceptPlan(scope(), { goalId: goal.id });
    await untilGoal(goal.id, 'SUCCEEDED');
    expect((await tasksOf(goal.id)).map((task) => task.node_id)).toEqual(['plan', 'a', 'extra']);
    const { rows } = await database.pool.query(`select input from task where node_id = 'a'`);
    expect(rows).toEqual([{ input: { action: 'search' } }]);
    await expect(manager.acceptPlan(scope(), { goalId: goal.id })).rejects.toThrow(InvalidStateError);
  });

  it('refuses an edited plan with a cycle and keeps the old one', async () => {
    startEngine({ summary: '', nodes: [node('a')] });
    const goal = await manager.dispatchGoal(scope(), { text: 'explain', autoStart: false });
    await untilGoal(goal.id, 'AWAITING_ACCEPTANCE');
    const cyclic = [node('a', ['c']), node('b', ['a']), node('c', ['b'])];
    await expect(manager.editPlan(scope(), { goalId: goal.id, nodes: cyclic })).rejects.toThrow(
      /a → b → c → a|cycle: .*→.*→/,
    );
    expect(await goalStatus(goal.id)).toBe('AWAITING_ACCEPTANCE');
  });

  it('fails with the task that failed, and goes on when that is replayed', async () => {
    let broken = true;
    startEngine({ summary: '', nodes: diamond }, async ({ task }) => {
      if (task.nodeId === 'b' && broken) throw new ValidationError([{ path: 'x', message: 'no' }]);
      return { text: 'ok' };
    });
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    await untilGoal(goal.id, 'FAILED');
    expect((await taskAt(goal.id, 'd')).status).toBe('BLOCKED');
    const { rows } = await database.pool.query('select failure_code, failure_message from goal');
    expect(rows[0]).toEqual({ failure_code: 'TASK_FAILED', failure_message: 'Task "b" failed: x: no' });
    broken = false;
    await manager.retryTask(scope(), { taskId: (await taskAt(goal.id, 'b')).id });
    await untilGoal(goal.id, 'SUCCEEDED');
  });

  it('fails when its planner gives no valid plan', async () => {
    startEngine({ summary: '', nodes: [node('a', ['a'])] });
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    await untilGoal(goal.id, 'FAILED');
    expect((await tasksOf(goal.id)).map((task) => task.status)).toEqual(['FAILED']);
  });

  it('ends with everything it still has to do when it is canceled', async () => {
    startEngine({ summary: '', nodes: diamond }, () => new Promise(() => {}));
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    await until('a runs', async () => (await taskAt(goal.id, 'a'))?.status === 'RUNNING');
    expect(await manager.cancelGoal(scope(), { goalId: goal.id })).toMatchObject({ status: 'CANCELED' });
    expect((await tasksOf(goal.id)).map((task) => task.status)).toEqual([
      'SUCCEEDED',
      ...Array<string>(4).fill('CANCELED'),
    ]);
    await expect(manager.cancelGoal(scope(), { goalId: goal.id })).resolves.toMatchObject({
      status: 'CANCELED',
    });
    await expect(manager.retryTask(scope(), { taskId: (await taskAt(goal.id, 'a')).id })).rejects.toThrow(
      InvalidStateError,
    );
  });

  it('ends as canceled when one of its tasks is canceled and the rest is done', async () => {
    startEngine({ summary: '', nodes: diamond }, ({ task }) =>
      task.nodeId === 'b' ? new Promise(() => {}) : Promise.resolve(undefined),
    );
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    await until('b runs and c is done', async () => (await taskAt(goal.id, 'c'))?.status === 'SUCCEEDED');
    await manager.cancelTask(scope(), { taskId: (await taskAt(goal.id, 'b')).id });
    await untilGoal(goal.id, 'CANCELED');
    expect((await taskAt(goal.id, 'd')).status).toBe('CANCELED');
  });

  it('stays canceled when a task that had failed before is retried', async () => {
    startEngine({ summary: '', nodes: [node('a'), node('b')] }, ({ task }) =>
      task.nodeId === 'b'
        ? Promise.reject(new ValidationError([{ path: 'x', message: 'no' }]))
        : new Promise(() => {}),
    );
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    await until('b failed', async () => (await taskAt(goal.id, 'b'))?.status === 'FAILED');
    await manager.cancelGoal(scope(), { goalId: goal.id });
    await expect(manager.retryTask(scope(), { taskId: (await taskAt(goal.id, 'b')).id })).rejects.toThrow(
      /canceled/,
    );
    expect((await taskAt(goal.id, 'b')).status).toBe('FAILED');
    expect((await database.pool.query('select status from workflow_run')).rows).toEqual([
      { status: 'CANCELED' },
    ]);
  });

  it('goes on when a task is retried at the moment the run ends without it', async () => {
    const goal = await runningGoal([node('a'), node('b')]);
    const [a, b] = [await taskAt(goal, 'a'), await taskAt(goal, 'b')];
    await succeedOrFail(b.id, 'FAILED');
    const ending = await openTransaction();
    await ending.settle(a.id, 'SUCCEEDED');
    const retried = manager.retryTask(scope(), { taskId: b.id });
    await ending.untilSomebodyWaits();
    await ending.commit();
    await retried;
    expect(await goalStatus(goal)).toBe('RUNNING');
    await succeedOrFail(b.id, 'SUCCEEDED');
    expect(await goalStatus(goal)).toBe('SUCCEEDED');
  });

  it('keeps what waits for a task that succeeded just before it was to be canceled', async () => {
    const goal = await runningGoal([node('a'), node('b', ['a'])]);
    const a = await taskAt(goal, 'a');
    const ending = await openTransaction();
    await ending.settle(a.id, 'SUCCEEDED');
    const canceled = manager.cancelTask(scope(), { taskId: a.id }).then(
      () => 'canceled',
      (error: unknown) => error,
    );
    await ending.untilSomebodyWaits();
    await ending.commit();
    expect(await canceled).toBeInstanceOf(InvalidStateError);
    expect((await tasksOf(goal)).map((task) => task.status)).toEqual(['SUCCEEDED', 'QUEUED']);
  });

  it('is canceled with its planning task', async () => {
    const goal = await manager.dispatchGoal(scope(), { text: 'explain' });
    const [plan] = await tasksOf(goal.id);
    await manager.cancelTask(scope(), { taskId: plan!.id });
    expect(await goalStatus(goal.id)).toBe('CANCELED');
  });
});

describe('bad input', () => {
  it.each([
    ['', 'must not be empty'],
    ['  \n ', 'must not be empty'],
    ['x'.repeat(100_000), 'at most 20,000'],
    ['a\0b', 'NUL'],
  ])('refuses the goal %#', async (text, message) => {
    await expect(manager.dispatchGoal(scope(), { text })).rejects.toThrow(message);
    expect(
      (
        await database.pool.query(
          'select 1 from goal union all select 1 from task union all select 1 from event',
        )
      ).rows,
    ).toEqual([]);
  });

  it('refuses unknown references without writing anything', async () => {
    const unknown = '00000000-0000-7000-8000-000000000000';
    await expect(manager.dispatchGoal(scope(), { text: 'x', projectId: unknown })).rejects.toThrow(
      NotFoundError,
    );
    await expect(manager.dispatchGoal(scope(), { text: 'x', crewId: unknown })).rejects.toThrow(
      NotFoundError,
    );
    await expect(manager.cancelTask(scope(), { taskId: unknown })).rejects.toThrow(NotFoundError);
    await expect(manager.cancelGoal(scopeOf(unknown), { goalId: unknown })).rejects.toThrow(NotFoundError);
    expect((await database.pool.query('select 1 from goal')).rows).toEqual([]);
  });

  it('refuses to cancel what has ended and to retry what runs', async () => {
    let finish = () => {};
    startEngine({}, () => new Promise((resolve) => (finish = () => resolve(undefined))));
    const task = await manager.createTask(scope(), { title: 't', instruction: 'i', capabilities: ['work'] });
    await until(
      'it runs',
      async () => (await database.pool.query(`select 1 from task where status = 'RUNNING'`)).rows.length > 0,
    );
    await expect(manager.retryTask(scope(), { taskId: task.id })).rejects.toThrow(InvalidStateError);
    finish();
    await until(
      'it ended',
      async () =>
        (await database.pool.query(`select 1 from task where status = 'SUCCEEDED'`)).rows.length > 0,
    );
    await expect(manager.cancelTask(scope(), { taskId: task.id })).rejects.toThrow(/SUCCEEDED/);
  });
});

describe('a single task', () => {
  it('carries its own policy of attempts', async () => {
    const backoff = { initialSeconds: 0.5, factor: 3, maxSeconds: 20 };
    await manager.createTask(scope(), {
      title: 't',
      instruction: 'i',
      maxAttempts: 7,
      timeoutMs: 1_500,
      priority: 4,
      backoff,
    });
    const { rows } = await database.pool.query(
      'select max_attempts, backoff_initial_ms, backoff_factor, backoff_max_ms, timeout_ms, priority from task',
    );
    expect(rows).toEqual([
      {
        max_attempts: 7,
        backoff_initial_ms: 500,
        backoff_factor: 3,
        backoff_max_ms: 20_000,
        timeout_ms: 1_500,
        priority: 4,
      },
    ]);
    const wild = { ...backoff, factor: 0 };
    await expect(
      manager.createTask(scope(), { title: 't', instruction: 'i', backoff: wild }),
    ).rejects.toThrow(/backoff.factor/);
  });
});

describe('idempotency', () => {
  it('gives the first result to every repeat, also at the same moment', async () => {
    const calls = Array.from({ length: 8 }, () =>
      manager.dispatchGoal(scope(), { text: 'once', idempotencyKey: 'k' }),
    );
    const ids = new Set((await Promise.all(calls)).map((goal) => goal.id));
    expect(ids.size).toBe(1);
    expect((await database.pool.query('select 1 from goal')).rows).toHaveLength(1);
  });

  it('refuses the same key with another input', async () => {
    await manager.dispatchGoal(scope(), { text: 'one', idempotencyKey: 'k' });
    await expect(manager.dispatchGoal(scope(), { text: 'two', idempotencyKey: 'k' })).rejects.toThrow(
      IdempotencyConflictError,
    );
    await expect(manager.dispatchGoal(scope(), { text: 'two', idempotencyKey: '' })).rejects.toThrow(
      ValidationError,
    );
  });
});

describe('old keys', () => {
  it('are forgotten after a month, younger ones are not', async () => {
    for (const key of ['old', 'young'])
      await manager.dispatchGoal(scope(), { text: key, idempotencyKey: key });
    await database.pool.query(
      `update idempotency_key set created_at = now() - interval '31 days' where key = 'old'`,
    );
    expect(await forgetOldKeys(sqlOfPool(database.systemPool))).toBe(1);
    expect((await database.pool.query('select key from idempotency_key')).rows).toEqual([{ key: 'young' }]);
  });
});

describe('a step that may or may not have had its effect', () => {
  it('is decided by a person, and the question comes back when a refused one is replayed', async () => {
    let effects = 0;
    const pay: TestEngineOptions['handler'] = async (context) => {
      await context.step({ kind: 'TOOL', name: 'pay', input: {}, idempotent: false }, async () => {
        effects += 1;
        if (effects === 1) await new Promise(() => {});
        return { output: 'paid' };
      });
      return undefined;
    };
    const dying = startEngine({}, pay);
    const { id: taskId } = await manager.createTask(scope(), {
      title: 't',
      instruction: 'i',
      capabilities: ['work'],
    });
    await until('the effect began', () => effects === 1);
    await dying.drain(1);
    startEngine({}, pay);
    const untilTask = (status: string) =>
      until(`task is ${status}`, async () => {
        const { rows } = await database.pool.query<{ status: string }>(
          'select status from task where id = $1',
          [taskId],
        );
        return rows[0]!.status === status;
      });
    await untilTask('WAITING');
    const { rows } = await database.pool.query<{ id: string }>('select id from step where task_id = $1', [
      taskId,
    ]);
    const stepId = rows[0]!.id;
    const decide = (decision: 'REPEAT' | 'FAIL', id = stepId) =>
      manager.resolveStep(scope(), { taskId, stepId: id, decision });
    await expect(decide('FAIL', taskId)).rejects.toThrow(NotFoundError);
    expect(await decide('FAIL')).toMatchObject({ status: 'FAILED', failureCode: 'STEP_NOT_REPEATED' });
    await expect(decide('REPEAT')).rejects.toThrow(InvalidStateError);
    await manager.retryTask(scope(), { taskId });
    await untilTask('WAITING');
    expect(effects).toBe(1);
    expect(await decide('REPEAT')).toMatchObject({ id: taskId });
    await untilTask('SUCCEEDED');
    expect(effects).toBe(2);
  });
});
