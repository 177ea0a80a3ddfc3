import type { EntityManager } from '@mikro-orm/postgresql';
import { Goal, type GoalStatus } from '../entities/goal.ts';
import { WorkflowRun } from '../entities/workflow-run.ts';
import { countRows, findRows } from './entity-rows.ts';
import { keyset, toPage, type Page, type PageRequest } from './page.ts';
import { sqlOf } from './tenancy.ts';

export interface GoalFilter {
  status?: readonly GoalStatus[] | undefined;
  projectId?: string | undefined;
}

const goalConditions = (workspaceId: string, where: GoalFilter) => ({
  workspaceId,
  ...(where.status ? { status: { $in: [...where.status] } } : {}),
  ...(where.projectId ? { projectId: where.projectId } : {}),
});

export async function listGoals(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
  where: GoalFilter,
): Promise<Page<Goal>> {
  const { id, order, limit } = keyset(page);
  const rows = await findRows(
    em,
    Goal,
    { ...goalConditions(workspaceId, where), id },
    { orderBy: { id: order }, limit },
  );
  return toPage(page, rows);
}

export function countGoals(em: EntityManager, workspaceId: string, where: GoalFilter): Promise<number> {
  return countRows(em, Goal, goalConditions(workspaceId, where));
}

export function findGoals(em: EntityManager, workspaceId: string, ids: readonly string[]): Promise<Goal[]> {
  return findRows(em, Goal, { workspaceId, id: { $in: [...ids] } });
}

export async function listRuns(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<WorkflowRun>> {
  const { id, order, limit } = keyset(page);
  return toPage(
    page,
    await findRows(em, WorkflowRun, { workspaceId, id }, { orderBy: { id: order }, limit }),
  );
}

export function findRuns(
  em: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<WorkflowRun[]> {
  return findRows(em, WorkflowRun, { workspaceId, id: { $in: [...ids] } });
}

/** The newest run of each goal, which is the one its progress, tasks and result are of. */
export async function latestRunIds(
  em: EntityManager,
  workspaceId: string,
  goalIds: readonly string[],
): Promise<{ goalId: string; runId: string }[]> {
  return sqlOf(em).rows(
    `/* latestRunIds */
    select distinct on (goal_id) goal_id as "goalId", id as "runId" from workflow_run
    where workspace_id = $1 and goal_id = any($2::uuid[]) order by goal_id, id desc`,
    [workspaceId, goalIds],
  );
}

export interface Progress {
  total: number;
  blocked: number;
  queued: number;
  running: number;
  waiting: number;
  succeeded: number;
  failed: number;
  canceled: number;
}

export const noProgress: Progress = {
  total: 0,
  blocked: 0,
  queued: 0,
  running: 0,
  waiting: 0,
  succeeded: 0,
  failed: 0,
  canceled: 0,
};

/** How many tasks of each run are in each state. Runs without tasks are left out. */
export async function progressOfRuns(
  em: EntityManager,
  workspaceId: string,
  runIds: readonly string[],
): Promise<(Progress & { runId: string })[]> {
  return sqlOf(em).rows(
    `/* progressOfRuns */
    select workflow_run_id as "runId", count(*)::int as total,
      (count(*) filter (where status = 'BLOCKED'))::int as blocked,
      (count(*) filter (where status = 'QUEUED'))::int as queued,
      (count(*) filter (where status = 'RUNNING'))::int as running,
      (count(*) filter (where status = 'WAITING'))::int as waiting,
      (count(*) filter (where status = 'SUCCEEDED'))::int as succeeded,
      (count(*) filter (where status = 'FAILED'))::int as failed,
      (count(*) filter (where status = 'CANCELED'))::int as canceled
    from task where workspace_id = $1 and workflow_run_id = any($2::uuid[]) group by workflow_run_id`,
    [workspaceId, runIds],
  );
}
