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
import { DomainError } from '../../lib/errors.ts';
import { sqlOfPool } from '../../stores/sql.ts';
import { allowStepRepeat } from '../../stores/step-store.ts';
import { replayTask, wakeWaitingTask } from '../../stores/task-lease.ts';
import { cancelTasks } from '../../stores/task-settle.ts';
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
const eventsOf = async (id: string) =>
  (
    await database.pool.query<{ type: string }>(
      'select type from event where subject_id = $1 order by xid, seq',
      [id],
    )
  ).rows.map((row) => row.type);

describe('running', () => {
  it('runs each task once and keeps its output', async () => {
    await insertTestAgent(database);
    const ran: string[] = [];
    start({
      handler: async ({ task }) => {
        ran.push(task.id);
        return {
          text: `did ${task.title}`,
          citations: [{ marker: 1, path: 'a.ts', quote: 'x' }],
          provider: 'test',
        };
      },
    });
    const ids = await enqueueTestTasks(
      database,
      Array.from({ length: 120 }, () => ({})),
    );
    await until('all succeeded', async () => {
      const { rows } = await database.pool.query(`select 1 from task where status <> 'SUCCEEDED'`);
      return rows.length === 0;
    });
    expect([...ran].sort()).toEqual([...ids].sort());
    const { rows } = await database.pool.query(`select text, citations from output where task_id = $1`, [
      ids[3],
    ]);
    expect(rows).toEqual([{ text: 'did Task 3', citations: [{ marker: 1, path: 'a.ts', quote: 'x' }] }]);
    expect(await eventsOf(ids[0]!)).toEqual(['task.created', 'task.started', 'task.succeeded']);
  });

  it('takes higher priorities first and leaves delayed tasks alone', async () => {
    await insertTestAgent(database, { maxConcurrency: 1 });
    const order: string[] = [];
    await enqueueTestTasks(database, [
      { title: 'low', priority: -1 },
      { title: 'high', priority: 5 },
      { title: 'later', priority: 9, runAt: new Date(Date.now() + 3_600_000) },
      { title: 'normal' },
    ]);
    start({
      handler: async ({ task }) => {
        order.push(task.title);
        return undefined;
      },
    });
    await until('three ran', () => order.length === 3);
    expect(order).toEqual(['high', 'normal', 'low']);
  });

  it('gives a task to an agent that has every capability, never beyond its concurrency', async () => {
    const writer = await insertTestAgent(database, { capabilities: ['write'], maxConcurrency: 2 });
    await insertTestAgent(database, { capabilities: ['read'], maxConcurrency: 9 });
    let running = 0;
    let most = 0;
    const agents = new Set<string | null>();
    start({
      handler: async ({ task }) => {
        agents.add(task.agentId);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
      },
    });
    const ids = await enqueueTestTasks(
      database,
      Array.from({ length: 12 }, () => ({ requiredCapabilities: ['write'] })),
    );
    for (const id of ids) await untilStatus(database, id, 'SUCCEEDED');
    expect(most).toBe(2);
    expect([...agents]).toEqual([writer]);
  });

  it('holds the concurrency of an agent across processes', async () => {
    await insertTestAgent(database, { maxConcurrency: 3 });
    let running = 0;
    let most = 0;
    const handler = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 3));
      running -= 1;
      return undefined;
    };
    start({ handler });
    start({ handler });
    const ids = await enqueueTestTasks(
      database,
      Array.from({ length: 40 }, () => ({})),
    );
    for (const id of ids) await untilStatus(database, id, 'SUCCEEDED');
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe('failing', () => {
  it('retries by the policy and then leaves a dead letter that can be replayed', async () => {
    await insertTestAgent(database);
    let fail = true;
    start({
      handler: async () => {
        if (fail) throw new Error('no luck');
      },
    });
    const [id] = await enqueueTestTasks(database, [{ maxAttempts: 3 }]);
    await untilStatus(database, id!, 'FAILED');
    expect(await attemptsOf(database, id!)).toEqual(
      [1, 2, 3].map((number) => ({ number, status: 'FAILED' })),
    );
    expect(await taskFacts(database, id!)).toMatchObject({
      failure_code: 'INTERNAL',
      failure_message: 'no luck',
    });
    fail = false;
    expect(await replayTask(sqlOfPool(database.systemPool), database.workspaceId, id!)).toBe(true);
    await untilStatus(database, id!, 'SUCCEEDED');
    expect(await taskFacts(database, id!)).toMatchObject({ attempt: 4, failure_code: null });
  });

  it('does not retry what cannot succeed', async () => {
    await insertTestAgent(database);
    start({ handler: () => Promise.reject(new DomainError('VALIDATION', 'never')) });
    const [id] = await enqueueTestTasks(database, [{ maxAttempts: 5 }]);
    await untilStatus(database, id!, 'FAILED');
    expect(await taskFacts(database, id!)).toMatchObject({ attempt: 1, failure_code: 'VALIDATION' });
  });

  it('ends an attempt that ignores its time limit', async () => {
    await insertTestAgent(database);
    start({ handler: () => new Promise(() => {}), graceMs: 10 });
    const [id] = await enqueueTestTasks(database, [{ timeoutMs: 20, maxAttempts: 1 }]);
    await untilStatus(database, id!, 'FAILED');
    expect(await taskFacts(database, id!)).toMatchObject({ failure_code: 'TIMEOUT' });
  });

  it('says so when no handler exists for a kind', async () => {
    await insertTestAgent(database);
    start({ handler: async () => undefined });
    const [id] = await enqueueTestTasks(database, [{ kind: 'UNHEARD_OF', maxAttempts: 1 }]);
    await untilStatus(database, id!, 'FAILED');
    expect((await taskFacts(database, id!)).failure_message).toContain('UNHEARD_OF');
  });
});

describe('steps', () => {
  it('repeats no finished step when a later attempt goes on', async () => {
    await insertTestAgent(database);
    const calls: string[] = [];
    const pieces: string[] = [];
    start({
      onOutput: (piece) => pieces.push(`${piece.attempt}:${piece.offset}:${piece.text}`),
      handler: async (context) => {
        const first = await context.step(
          { kind: 'LLM', name: 'first', input: { n: 1 }, idempotent: true },
          async (step) => {
            calls.push('first');
            step.emit('hello ');
            return { output: { value: 7 } };
          },
        );
        await context.step({ kind: 'TOOL', name: 'second', input: first, idempotent: true }, async (step) => {
          calls.push('second');
          step.note('trying');
          if (context.task.attempt === 1) throw new Error('half way');
          return { output: null };
        });
        return { text: `value ${(first as { value: number }).value}` };
      },
    });
    const [id] = await enqueueTestTasks(database, [{}]);
    await untilStatus(database, id!, 'SUCCEEDED');
    expect(calls).toEqual(['first', 'second', 'second']);
    // a replayed step shows its text again, from the start of the new attempt
    expect(pieces).toEqual(['1:0:hello ', '2:0:hello ']);
    const { rows } = await database.pool.query(
      'select position, status, attempt, notes from step where task_id = $1 order by 1',
      [id],
    );
    expect(rows).toEqual([
      { position: 0, status: 'SUCCEEDED', attempt: 1, notes: [] },
      { position: 1, status: 'SUCCEEDED', attempt: 2, notes: ['trying'] },
    ]);
  });

  it('asks a person about a step that may have had its effect', async () => {
    await insertTestAgent(database);
    let effects = 0;
    const handler: TestEngineOptions['handler'] = async (context) => {
      await context.step({ kind: 'TOOL', name: 'pay', input: {}, idempotent: false }, async () => {
        effects += 1;
        if (effects === 1) await new Promise(() => {});
        return { output: 'paid' };
      });
    };
    const dead = start({ handler, leaseMs: 60_000 });
    const [id] = await enqueueTestTasks(database, [{}]);
    await until('the effect began', () => effects === 1);
    await dead.drain(1);
    // the process that died never ended its step
    start({ handler });
    await untilStatus(database, id!, 'WAITING');
    expect(effects).toBe(1);
    expect((await taskFacts(database, id!)).wait_reason).toContain('pay');
    const sql = sqlOfPool(database.systemPool);
    const { rows } = await database.pool.query<{ id: string }>('select id from step where task_id = $1', [
      id,
    ]);
    expect(await allowStepRepeat(sql, database.workspaceId, id!, rows[0]!.id)).toBe(true);
    expect(await wakeWaitingTask(sql, database.workspaceId, id!)).toBe(true);
    await untilStatus(database, id!, 'SUCCEEDED');
    expect(effects).toBe(2);
  });

  it('refuses two steps at the same time', async () => {
    await insertTestAgent(database);
    start({
      handler: async (context) => {
        const step = (name: string) =>
          context.step({ kind: 'TOOL', name, input: {}, idempotent: true }, async () => ({ output: 1 }));
        await Promise.all([step('a'), step('b')]);
      },
    });
    const [id] = await enqueueTestTasks(database, [{ maxAttempts: 1 }]);
    await untilStatus(database, id!, 'FAILED');
    expect((await taskFacts(database, id!)).failure_message).toContain('another step');
  });

  it('stores text that PostgreSQL cannot, without its unstorable characters', async () => {
    await insertTestAgent(database);
    start({
      handler: async (context) => {
        const text = await context.step(
          { kind: 'LLM', name: 'odd', input: 'a\0b', idempotent: true },
          async (step) => {
            step.emit('x\0y\ud800');
            return { output: 'c\0\ud800d' };
          },
        );
        return { text: `${text}\0`, data: { deep: ['\0'] } };
      },
    });
    const [id] = await enqueueTestTasks(database, [{ maxAttempts: 1 }]);
    await untilStatus(database, id!, 'SUCCEEDED');
    const { rows } = await database.pool.query('select text, data from output where task_id = $1', [id]);
    expect(rows).toEqual([{ text: 'c\ufffdd', data: { deep: [''] } }]);
  });
});

describe('canceling', () => {
  it('stops a running attempt and keeps its late result out', async () => {
    await insertTestAgent(database);
    let aborted: unknown;
    const engine = start({
      handler: ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted = signal.reason;
            resolve({ text: 'too late' });
          }),
        ),
    });
    const [id] = await enqueueTestTasks(database, [{}]);
    await untilStatus(database, id!, 'RUNNING');
    await cancelTasks(sqlOfPool(database.systemPool), {
      workspaceId: database.workspaceId,
      taskIds: [id!],
      reason: 'changed my mind',
      withDependents: true,
    });
    engine.cancel(id!);
    await until('the attempt was told', () => aborted !== undefined);
    await engine.drain(100);
    expect(await taskFacts(database, id!)).toMatchObject({
      status: 'CANCELED',
      failure_message: 'changed my mind',
    });
    const { rows } = await database.pool.query('select 1 from output where task_id = $1', [id]);
    expect(rows).toEqual([]);
  });
});
