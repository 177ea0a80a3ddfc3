import type { EntityManager } from '@mikro-orm/postgresql';
import { Attempt } from '../entities/attempt.ts';
import { Output } from '../entities/output.ts';
import { Step } from '../entities/step.ts';
import { Task, TaskDependency, type TaskStatus } from '../entities/task.ts';
import { countRows, findRows } from './entity-rows.ts';
import { keyset, toPage, type Page, type PageRequest } from './page.ts';
import { sqlOf } from './tenancy.ts';

export interface TaskFilter {
  status?: readonly TaskStatus[] | undefined;
  goalId?: string | undefined;
  agentId?: string | undefined;
}

const taskConditions = (workspaceId: string, where: TaskFilter) => ({
  workspaceId,
  ...(where.status ? { status: { $in: [...where.status] } } : {}),
  ...(where.goalId ? { goalId: where.goalId } : {}),
  ...(where.agentId ? { agentId: where.agentId } : {}),
});

export async function listTasks(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
  where: TaskFilter,
): Promise<Page<Task>> {
  const { id, order, limit } = keyset(page);
  const rows = await findRows(
    em,
    Task,
    { ...taskConditions(workspaceId, where), id },
    { orderBy: { id: order }, limit },
  );
  return toPage(page, rows);
}

export function countTasks(em: EntityManager, workspaceId: string, where: TaskFilter): Promise<number> {
  return countRows(em, Task, taskConditions(workspaceId, where));
}

const activeTexts = {
  QUEUED: `/* countQueuedTasks */ select count(*)::int as count from task where workspace_id = $1 and status = 'QUEUED'`,
  RUNNING: `/* countRunningTasks */ select count(*)::int as count from task where workspace_id = $1 and status = 'RUNNING'`,
};

/** Those in the sight of the tenant. The status is part of the text, so that its partial index is used. */
export async function countActiveTasks(
  em: EntityManager,
  workspaceId: string,
  status: 'QUEUED' | 'RUNNING',
): Promise<number> {
  const [row] = await sqlOf(em).rows<{ count: number }>(activeTexts[status], [workspaceId]);
  return row!.count;
}

export function findTasks(em: EntityManager, workspaceId: string, ids: readonly string[]): Promise<Task[]> {
  return findRows(em, Task, { workspaceId, id: { $in: [...ids] } });
}

/** Every task of the runs, in the order they were made. */
export function tasksOfRuns(
  em: EntityManager,
  workspaceId: string,
  runIds: readonly string[],
): Promise<Task[]> {
  return findRows(em, Task, { workspaceId, workflowRunId: { $in: [...runIds] } }, { orderBy: { id: 'asc' } });
}

/** The same window on the tasks of several runs: in the order they were made, so `after` means newer here. */
export async function pageOfRunTasks(
  em: EntityManager,
  workspaceId: string,
  runIds: readonly string[],
  page: PageRequest,
): Promise<Map<string, Page<Task>>> {
  const picked = await sqlOf(em).rows<{ runId: string; taskId: string }>(
    `/* pageOfRunTasks */
    select run.id as "runId", t.id as "taskId" from unnest($2::uuid[]) as run (id),
      lateral (select id from task where workspace_id = $1 and workflow_run_id = run.id
        and ($3::uuid is null or id > $3) and ($4::uuid is null or id < $4)
        order by case when $6 then id end desc, id limit $5) t`,
    [workspaceId, runIds, page.after ?? null, page.before ?? null, page.limit + 1, page.backward],
  );
  const tasks = new Map(
    (
      await findTasks(
        em,
        workspaceId,
        picked.map((row) => row.taskId),
      )
    ).map((task) => [task.id, task]),
  );
  return new Map(
    runIds.map((runId) => {
      const rows = picked.filter((row) => row.runId === runId).flatMap((row) => tasks.get(row.taskId) ?? []);
      return [runId, toPage(page, rows)];
    }),
  );
}

export function stepsOfTasks(
  em: EntityManager,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<Step[]> {
  return findRows(
    em,
    Step,
    { workspaceId, taskId: { $in: [...taskIds] } },
    { orderBy: { position: 'asc', startedAt: 'asc' } },
  );
}

export function endedAttemptsOfTasks(
  em: EntityManager,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<Attempt[]> {
  return findRows(
    em,
    Attempt,
    { workspaceId, taskId: { $in: [...taskIds] } },
    { orderBy: { number: 'asc' } },
  );
}

export function dependenciesOfTasks(
  em: EntityManager,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<TaskDependency[]> {
  return findRows(
    em,
    TaskDependency,
    { workspaceId, taskId: { $in: [...taskIds] } },
    { orderBy: { dependsOnTaskId: 'asc' } },
  );
}

export function outputsOfTasks(
  em: EntityManager,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<Output[]> {
  return findRows(em, Output, { workspaceId, taskId: { $in: [...taskIds] } });
}

export interface PartialText {
  taskId: string;
  attempt: number;
  /** Where `text` starts in the attempt's text, in UTF-16 units. */
  offset: number;
  text: string;
}

/** Saved text of each task's current attempt. */
export async function partialTextOfTasks(
  em: EntityManager,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<PartialText[]> {
  return sqlOf(em).rows(
    `/* partialTextOfTasks */
    select t.id as "taskId", t.attempt, min(c.start_offset) as offset, string_agg(c.text, '' order by c.start_offset) as text
    from task t join output_chunk c on c.task_id = t.id and c.attempt = t.attempt
    where t.workspace_id = $1 and t.id = any($2::uuid[]) group by t.id, t.attempt`,
    [workspaceId, taskIds],
  );
}
