import { randomUUID } from 'node:crypto';
import { assignSlots } from '../../server/src/engines/optimization/assign-slots.ts';
import {
  TaskExecution,
  type TaskExecutionOptions,
} from '../../server/src/engines/task-execution/task-execution.ts';
import type { TaskHandler } from '../../server/src/engines/task-execution/task-context.ts';
import { systemClock } from '../../server/src/lib/clock.ts';
import { sqlOfPool } from '../../server/src/stores/sql.ts';
import { enqueueTasks, type NewTask } from '../../server/src/stores/task-enqueue.ts';
import type { TestDatabase } from './database.ts';
import { silentLog } from './log.ts';

export interface TestEngineOptions extends Partial<TaskExecutionOptions> {
  handler: TaskHandler;
}

/** A real engine on a test database, with one agent that can do `work`; not started yet. */
export function createTestEngine(database: TestDatabase, options: TestEngineOptions): TaskExecution {
  const { handler, ...rest } = options;
  return new TaskExecution({
    pool: database.systemPool,
    clock: systemClock,
    log: silentLog,
    leaseOwner: `test:${randomUUID()}`,
    leaseMs: 30_000,
    concurrency: 50,
    pollMs: 20,
    graceMs: 100,
    kinds: { AGENT: { run: handler } },
    assign: assignSlots,
    ...rest,
  });
}

export async function insertTestAgent(
  database: TestDatabase,
  agent: { name?: string; capabilities?: string[]; maxConcurrency?: number; crewId?: string } = {},
): Promise<string> {
  const { rows } = await database.pool.query<{ id: string }>(
    `insert into agent (workspace_id, name, role, kind, status, capabilities, max_concurrency, crew_id, last_heartbeat_at)
    values ($1, $2, 'worker', 'LLM', 'IDLE', $3, $4, $5, now()) returning id`,
    [
      database.workspaceId,
      agent.name ?? `worker ${randomUUID()}`,
      agent.capabilities ?? ['work'],
      agent.maxConcurrency ?? 100,
      agent.crewId ?? null,
    ],
  );
  return rows[0]!.id;
}

/** Enqueues tasks that need `work`; what is not given is ordinary. */
export function enqueueTestTasks(
  database: TestDatabase,
  tasks: readonly Partial<NewTask>[],
): Promise<string[]> {
  return enqueueTasks(
    sqlOfPool(database.systemPool),
    tasks.map((task, index) => ({
      workspaceId: database.workspaceId,
      nodeId: `n${index}`,
      kind: 'AGENT',
      title: `Task ${index}`,
      instruction: 'work',
      requiredCapabilities: ['work'],
      backoffInitialMs: 1,
      ...task,
    })),
  );
}

export interface TaskFacts {
  status: string;
  attempt: number;
  max_attempts: number;
  agent_id: string | null;
  wait_reason: string | null;
  failure_code: string | null;
  failure_message: string | null;
}

export async function taskFacts(database: TestDatabase, id: string): Promise<TaskFacts> {
  const { rows } = await database.pool.query<TaskFacts>('select * from task where id = $1', [id]);
  return rows[0]!;
}

/** Resolves when the condition holds, asked for every 10 ms; rejects after 15 s with what was awaited. */
export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Still not: ${what}`);
    await systemClock.sleep(10);
  }
}

export function untilStatus(database: TestDatabase, id: string, status: string): Promise<void> {
  return until(`task ${id} is ${status}`, async () => (await taskFacts(database, id)).status === status);
}

/** How the attempts of a task ended, in order; the one that succeeded is the task row itself. */
export async function attemptsOf(
  database: TestDatabase,
  taskId: string,
): Promise<{ number: number; status: string }[]> {
  const { rows } = await database.pool.query<{ number: number; status: string }>(
    `select number, status from attempt where task_id = $1
    union all select attempt, status from task where id = $1 and status = 'SUCCEEDED' order by 1`,
    [taskId],
  );
  return rows;
}
