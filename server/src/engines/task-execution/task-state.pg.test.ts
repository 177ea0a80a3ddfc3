import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/database.ts';
import { taskStatuses, type TaskStatus } from '../../entities/task.ts';
import { goalStatuses, type GoalStatus } from '../../entities/goal.ts';
import { sqlOfPool, type Sql } from '../../stores/sql.ts';
import { claimTasks } from '../../stores/task-claim.ts';
import { replayTask, wakeWaitingTask } from '../../stores/task-lease.ts';
import { cancelTasks, failWaitingTask, settleTasks, sweepLeases } from '../../stores/task-settle.ts';
import { insertTestAgent } from '../../../../tests/support/engine.ts';
import { assignSlots } from '../optimization/assign-slots.ts';
import { canMoveGoal, goalTransitions } from '../workflow/goal-state.ts';
import { startRun } from '../workflow/start-run.ts';
import { insertGoal, moveGoal } from '../../stores/goal-store.ts';
import { canTransition, isTerminal, taskTransitions } from './task-state.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = sqlOfPool(database.systemPool);
  await insertTestAgent(database, { capabilities: ['work'], maxConcurrency: 1_000 });
});
afterAll(() => database.drop());

describe('the tables of transitions', () => {
  it('know every status and lead nowhere unknown', () => {
    expect(Object.keys(taskTransitions).sort()).toEqual([...taskStatuses].sort());
    expect(Object.keys(goalTransitions).sort()).toEqual([...goalStatuses].sort());
    fc.assert(
      fc.property(fc.constantFrom(...taskStatuses), fc.constantFrom(...taskStatuses), (from, to) => {
        expect(canTransition(from, to)).toBe(taskTransitions[from].includes(to));
        if (isTerminal(from) && from === 'SUCCEEDED') expect(canTransition(from, to)).toBe(false);
      }),
    );
  });
});

/** Something that may happen to a task of the run at any time; `pick` chooses the task. */
const happening = fc.record({
  what: fc.constantFrom(
    'claim',
    'claim',
    'succeed',
    'succeed',
    'fail',
    'retry',
    'wait',
    'answer',
    'refuse',
    'lose',
    'cancel',
    'replay',
    'stale',
  ),
  pick: fc.nat(20),
});

interface Row {
  id: string;
  status: TaskStatus;
  attempt: number;
  version: number;
  lease_owner: string | null;
}

async function rows(runId: string): Promise<Row[]> {
  return sql.rows<Row>(
    'select id, status, attempt, version, lease_owner from task where workflow_run_id = $1 order by id',
    [runId],
  );
}

async function happen(runId: string, { what, pick }: { what: string; pick: number }): Promise<void> {
  const all = await rows(runId);
  const of = (status: TaskStatus) => all.filter((row) => row.status === status);
  const choose = (from: Row[]) => from[pick % from.length];
  const { workspaceId } = database;
  const settle = async (
    verdict: {
      status: 'SUCCEEDED' | 'FAILED' | 'QUEUED' | 'WAITING';
      attemptStatus: 'SUCCEEDED' | 'FAILED' | 'WAITING';
    },
    staleBy = 0,
  ) => {
    const row = choose(of('RUNNING'));
    if (row) await settleTasks(sql, 'w', [{ taskId: row.id, attempt: row.attempt - staleBy, ...verdict }]);
  };
  switch (what) {
    case 'claim': {
      const client = await database.pool.connect();
      await claimTasks(client, { leaseOwner: 'w', leaseMs: 60_000, limit: 2, assign: assignSlots });
      client.release();
      return;
    }
    case 'succeed':
      return settle({ status: 'SUCCEEDED', attemptStatus: 'SUCCEEDED' });
    case 'stale':
      return settle({ status: 'SUCCEEDED', attemptStatus: 'SUCCEEDED' }, 1);
    case 'fail':
      return settle({ status: 'FAILED', attemptStatus: 'FAILED' });
    case 'retry':
      return settle({ status: 'QUEUED', attemptStatus: 'FAILED' });
    case 'wait':
      return settle({ status: 'WAITING', attemptStatus: 'WAITING' });
    case 'answer': {
      const row = choose(of('WAITING'));
      if (row) await wakeWaitingTask(sql, workspaceId, row.id);
      return;
    }
    case 'refuse': {
      const row = choose(of('WAITING'));
      if (row) await failWaitingTask(sql, { workspaceId, taskId: row.id, code: 'X', message: 'x' });
      return;
    }
    case 'lose': {
      const row = choose(of('RUNNING'));
      if (row)
        await sql.rows(`update task set lease_expires_at = now() - interval '1 s' where id = $1`, [row.id]);
      await sweepLeases(sql, { limit: 10, currentOwner: 'w' });
      return;
    }
    case 'cancel': {
      const row = choose(all);
      if (row) await cancelTasks(sql, { workspaceId, taskIds: [row.id], reason: 'x', withDependents: true });
      return;
    }
    default: {
      const row = choose(all);
      if (row) await replayTask(sql, workspaceId, row.id);
    }
  }
}

/** The newest state each subject's events tell, by version. */
async function replayLog(ids: string[]): Promise<Map<string, { status: string; version: number }>> {
  const events = await sql.rows<{ subject_id: string; payload: { status?: string; version?: number } }>(
    `select subject_id, payload from event where subject_id = any($1::uuid[]) order by event.xid, event.seq`,
    [ids],
  );
  const state = new Map<string, { status: string; version: number }>();
  for (const { subject_id, payload } of events) {
    if (payload.status === undefined || payload.version === undefined) continue;
    if ((state.get(subject_id)?.version ?? 0) < payload.version) {
      state.set(subject_id, { status: payload.status, version: payload.version });
    }
  }
  return state;
}

describe('whatever happens in whatever order', () => {
  it(
    'tasks and goals move along their tables only, the counters of the run agree, and the log tells the same',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), async (happenings) => {
          await sql.rows('delete from task');
          const { workspaceId } = database;
          const goalId = await insertGoal(sql, {
            workspaceId,
            projectId: null,
            crewId: null,
            text: 'x',
            autoStart: true,
          });
          const input = {};
          const node = (id: string, dependsOn: string[]) => ({
            ...{
              id,
              dependsOn,
              title: id,
              instruction: id,
              input,
              risk: 'LOW' as const,
              estimatedCostMicroUsd: 0,
            },
            capabilities: ['work'],
          });
          const graph = {
            summary: '',
            nodes: [node('a', []), node('b', ['a']), node('c', ['a']), node('d', ['b', 'c'])],
          };
          const plan = {
            graph,
            source: 'RECIPE' as const,
            cached: false,
            recipe: null,
            usesLanguageModel: false,
          };
          await moveGoal(sql, { workspaceId, goalId, from: ['PLANNING'], to: 'RUNNING', plan });
          const runId = await startRun(sql, { workspaceId, goalId, projectId: null, crewId: null, graph });
          let before = await rows(runId);
          let goalBefore: GoalStatus = 'RUNNING';
          for (const next of happenings) {
            await happen(runId, next);
            const after = await rows(runId);
            after.forEach((row, index) => {
              const was = before[index]!;
              expect(row.version).toBeGreaterThanOrEqual(was.version);
              if (row.status !== was.status) {
                expect(row.version).toBeGreaterThan(was.version);
                // one statement may lose a lease and nothing else moves twice, except canceled work that is blocked
                expect(
                  [was.status, row.status],
                  `${next.what} moved ${was.status} to ${row.status}`,
                ).toSatisfy(([from, to]: [TaskStatus, TaskStatus]) => canTransition(from, to));
              }
              expect(row.lease_owner !== null).toBe(row.status === 'RUNNING');
            });
            const [goal] = await sql.rows<{ status: GoalStatus }>('select status from goal where id = $1', [
              goalId,
            ]);
            if (goal!.status !== goalBefore) expect(canMoveGoal(goalBefore, goal!.status)).toBe(true);
            const [run] = await sql.rows<{
              status: string;
              active_count: number;
              failed_count: number;
              canceled_count: number;
            }>('select status, active_count, failed_count, canceled_count from workflow_run where id = $1', [
              runId,
            ]);
            const count = (...statuses: TaskStatus[]) =>
              after.filter((row) => statuses.includes(row.status)).length;
            expect(run).toMatchObject({
              active_count: count('QUEUED', 'RUNNING', 'WAITING'),
              failed_count: count('FAILED'),
              canceled_count: count('CANCELED'),
            });
            expect(run!.status === 'RUNNING').toBe(run!.active_count > 0);
            expect(goal!.status).toBe(run!.status);
            [before, goalBefore] = [after, goal!.status];
          }
          const told = await replayLog([...before.map((row) => row.id), goalId, runId]);
          for (const row of before)
            expect(told.get(row.id)).toEqual({ status: row.status, version: row.version });
          expect(told.get(goalId)!.status).toBe(goalBefore);
        }),
        { numRuns: 60 },
      );
    },
  );
});
