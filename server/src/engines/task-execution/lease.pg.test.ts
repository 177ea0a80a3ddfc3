import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/database.ts';
import {
  attemptsOf,
  createTestEngine,
  enqueueTestTasks,
  insertTestAgent,
  taskFacts,
  until,
  untilStatus,
  type TestEngineOptions,
} from '../../../../tests/support/engine.ts';
import { sqlOfPool } from '../../stores/sql.ts';
import { beginStep, endStep } from '../../stores/step-store.ts';
import { extendLeases } from '../../stores/task-lease.ts';
import { settleTasks, sweepLeases } from '../../stores/task-settle.ts';
import type { TaskExecution } from './task-execution.ts';

let database: TestDatabase;
let engines: TaskExecution[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('truncate task, agent, workflow_run, goal, event, step, attempt, output cascade');
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.drain(50)));
  engines = [];
});

function start(options: TestEngineOptions): TaskExecution {
  const engine = createTestEngine(database, options);
  engines.push(engine);
  engine.start();
  return engine;
}

describe('leases', () => {
  it('fences out a worker that lost its lease', async () => {
    await insertTestAgent(database);
    const sql = sqlOfPool(database.systemPool);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const lost = createTestEngine(database, {
      handler: () => held.then(() => ({ text: 'late' })),
      leaseOwner: 'slow',
    });
    engines.push(lost);
    lost.start();
    const [id] = await enqueueTestTasks(database, [{}]);
    await untilStatus(database, id!, 'RUNNING');
    await database.pool.query(`update task set lease_expires_at = now() - interval '1 s'`);
    await lost.drain(0).catch(() => undefined);
    await sweepLeases(sql, { limit: 10, currentOwner: 'other' });
    expect(
      await settleTasks(sql, 'slow', [
        { taskId: id!, attempt: 1, status: 'SUCCEEDED', attemptStatus: 'SUCCEEDED' },
      ]),
    ).toEqual([]);
    release();
    expect((await taskFacts(database, id!)).status).not.toBe('SUCCEEDED');
  });

  it('takes over from a process that died, without counting it against the task', async () => {
    await insertTestAgent(database);
    await enqueueTestTasks(database, [{ maxAttempts: 1 }]);
    await database.pool.query(
      `update task set status = 'RUNNING', attempt = 1, lease_owner = 'node-1:dead', lease_expires_at = now() + interval '1 h', attempt_started_at = now()`,
    );
    const { rows } = await database.pool.query<{ id: string }>('select id from task');
    // its own earlier process: no need to wait for the lease
    start({ handler: async () => undefined, leaseOwner: 'node-1:alive', nodePrefix: 'node-1:' });
    await untilStatus(database, rows[0]!.id, 'SUCCEEDED');
    expect(await attemptsOf(database, rows[0]!.id)).toEqual([
      { number: 1, status: 'LOST' },
      { number: 2, status: 'SUCCEEDED' },
    ]);
  });

  it('gives up on a task that takes its process down again and again', async () => {
    await enqueueTestTasks(database, [{}]);
    const sql = sqlOfPool(database.systemPool);
    for (let loss = 0; loss < 20; loss += 1) {
      await database.pool.query(
        `update task set status = 'RUNNING', attempt = attempt + 1, lease_owner = 'x', lease_expires_at = now() - interval '1 s', attempt_started_at = now()`,
      );
      await sweepLeases(sql, { limit: 10, currentOwner: 'y' });
    }
    const { rows } = await database.pool.query('select status, failure_code from task');
    expect(rows).toEqual([{ status: 'FAILED', failure_code: 'LEASE_LOST' }]);
  });

  it('releases what it holds when it shuts down, at no cost to the task', async () => {
    await insertTestAgent(database);
    const engine = start({
      handler: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stop')))),
    });
    const [id] = await enqueueTestTasks(database, [{ maxAttempts: 1 }]);
    await untilStatus(database, id!, 'RUNNING');
    await engine.drain(10);
    expect(await taskFacts(database, id!)).toMatchObject({ status: 'QUEUED', max_attempts: 2 });
    expect(await attemptsOf(database, id!)).toEqual([{ number: 1, status: 'RELEASED' }]);
  });

  it('lets a running step finish during a shutdown and starts no further one', async () => {
    await insertTestAgent(database);
    const steps: string[] = [];
    let finishStep = () => {};
    const engine = start({
      handler: async (context) => {
        for (const name of ['one', 'two']) {
          await context.step({ kind: 'TOOL', name, input: {}, idempotent: true }, async () => {
            steps.push(name);
            await new Promise<void>((resolve) => (finishStep = resolve));
            return { output: name };
          });
        }
      },
    });
    const [id] = await enqueueTestTasks(database, [{}]);
    await until('step one runs', () => steps.length === 1);
    const drained = engine.drain(5_000);
    finishStep();
    await drained;
    expect(steps).toEqual(['one']);
    const { rows } = await database.pool.query('select name, status from step where task_id = $1', [id]);
    expect(rows).toEqual([{ name: 'one', status: 'SUCCEEDED' }]);
    expect((await taskFacts(database, id!)).status).toBe('QUEUED');
  });

  it('tells a handler that it stops, so that none mistakes the refused step for a failed one', async () => {
    await insertTestAgent(database);
    let firstDone = () => {};
    let goOn = () => {};
    const first = new Promise<void>((resolve) => (firstDone = resolve));
    const later = new Promise<void>((resolve) => (goOn = resolve));
    const engine = start({
      handler: async (context) => {
        firstDone();
        await later;
        try {
          await context.step({ kind: 'LLM', name: 'ask', input: {}, idempotent: true }, async () => ({
            output: 'answer',
          }));
        } catch (error) {
          // as a planner does: without its model it falls back, unless it is being stopped
          if (context.signal.aborted) throw error;
        }
        return { text: 'a fallback nobody needs' };
      },
    });
    const [id] = await enqueueTestTasks(database, [{}]);
    await first;
    const drained = engine.drain(5_000);
    goOn();
    await drained;
    expect((await taskFacts(database, id!)).status).toBe('QUEUED');
  });

  it('extends leases without a deadlock while their tasks are being settled', async () => {
    await insertTestAgent(database);
    const sql = sqlOfPool(database.systemPool);
    const ids = await enqueueTestTasks(
      database,
      Array.from({ length: 300 }, () => ({})),
    );
    await database.pool.query(
      `update task set status = 'RUNNING', attempt = 1, lease_owner = 'x', lease_expires_at = now(), attempt_started_at = now()`,
    );
    // scattered over the heap, as after many updates
    await database.pool.query(
      `update task set priority = 1 where id in (select id from task order by random() limit 150)`,
    );
    for (let round = 0; round < 15; round += 1) {
      const shuffled = ids.toSorted(() => Math.random() - 0.5);
      await Promise.all([
        extendLeases(sql, 'x', 60_000, shuffled),
        settleTasks(
          sql,
          'x',
          shuffled
            .toReversed()
            .map((taskId) => ({ taskId, attempt: 1, status: 'QUEUED', attemptStatus: 'RELEASED' })),
        ),
      ]);
      await database.pool.query('delete from attempt');
      await database.pool.query(`update task set status = 'RUNNING', lease_owner = 'x'`);
    }
  });
});

describe('a statement whose answer was lost', () => {
  const lease = async () => {
    const [taskId] = await enqueueTestTasks(database, [{}]);
    await database.pool.query(
      `update task set status = 'RUNNING', attempt = 1, lease_owner = 'x', lease_expires_at = now() + interval '1 min', attempt_started_at = now()`,
    );
    return { taskId: taskId!, leaseOwner: 'x', attempt: 1 };
  };
  const step = { position: 0, inputHash: 'h', kind: 'TOOL' as const, name: 'send', input: {} };

  it('opens the same step once, also one that must not be repeated', async () => {
    const [held, sql] = [await lease(), sqlOfPool(database.systemPool)];
    const opened = await beginStep(sql, held, { ...step, idempotent: false });
    expect(opened.state).toBe('run');
    expect(await beginStep(sql, held, { ...step, idempotent: false })).toEqual(opened);
    const { rows } = await database.pool.query(`select 1 from event where type = 'task.step_started'`);
    expect(rows).toHaveLength(1);
    await database.pool.query(`update task set attempt = 2`);
    const next = await beginStep(sql, { ...held, attempt: 2 }, { ...step, idempotent: false });
    expect(next.state).toBe('uncertain');
  });

  it('closes the same step once', async () => {
    const [held, sql] = [await lease(), sqlOfPool(database.systemPool)];
    const opened = await beginStep(sql, held, { ...step, idempotent: true });
    if (opened.state === 'lost') throw new Error('no lease');
    const end = { stepId: opened.stepId, status: 'SUCCEEDED' as const, output: 'sent', notes: [] };
    expect(await endStep(sql, held, end)).toBe(true);
    expect(await endStep(sql, held, end)).toBe(true);
    const { rows } = await database.pool.query(`select 1 from event where type = 'task.step_succeeded'`);
    expect(rows).toHaveLength(1);
    expect(await endStep(sql, { ...held, attempt: 2 }, end)).toBe(false);
  });
});
