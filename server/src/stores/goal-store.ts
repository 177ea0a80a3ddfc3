import type { GoalStatus, PlanSource } from '../entities/goal.ts';
import type { Sql } from './sql.ts';

export interface NewGoal {
  workspaceId: string;
  projectId: string | null;
  crewId: string | null;
  text: string;
  autoStart: boolean;
}

/** Inserts a goal in PLANNING with its event. */
export async function insertGoal(sql: Sql, goal: NewGoal): Promise<string> {
  const [row] = await sql.rows<{ id: string }>(
    `/* insertGoal */
    with inserted as (
      insert into goal (workspace_id, project_id, crew_id, text, auto_start) values ($1, $2, $3, $4, $5)
      returning id, workspace_id, status, version
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, 'goal.created', id, id, jsonb_build_object('status', status, 'version', version) from inserted
    )
    select id from inserted`,
    [goal.workspaceId, goal.projectId, goal.crewId, goal.text, goal.autoStart],
  );
  return row!.id;
}

export interface PlanChange {
  graph: unknown;
  source: PlanSource;
  cached: boolean;
  recipe: string | null;
  usesLanguageModel: boolean;
}

export interface GoalMove {
  workspaceId: string;
  goalId: string;
  from: readonly GoalStatus[];
  to: GoalStatus;
  plan?: PlanChange;
  failure?: { code: string; message: string };
}

/**
 * Moves a goal if it is in one of the statuses, with its event; with `plan`, replaces the plan as well.
 * @returns whether it moved
 */
export async function moveGoal(sql: Sql, move: GoalMove): Promise<boolean> {
  const { plan } = move;
  const rows = await sql.rows<{ id: string }>(
    `/* moveGoal */
    with changed as (
      update goal set status = $4,
        plan = coalesce($5::jsonb, plan), plan_source = coalesce($6, plan_source), plan_cached = coalesce($7, plan_cached),
        plan_recipe = case when $5::jsonb is null then plan_recipe else $8 end,
        uses_language_model = coalesce($9, uses_language_model),
        failure_code = $10, failure_message = $11,
        started_at = case when $4 = 'RUNNING' then coalesce(started_at, clock_timestamp()) else started_at end,
        finished_at = case when $4 in ('SUCCEEDED', 'FAILED', 'CANCELED') then clock_timestamp() end,
        version = version + 1, updated_at = now()
      where workspace_id = $1 and id = $2 and status = any($3::text[])
      returning id, workspace_id, status, version
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, case when $5::jsonb is null then 'goal.' || lower(status) else 'goal.planned' end, id, id,
        jsonb_build_object('status', status, 'version', version)
      from changed
    )
    select id from changed`,
    [
      move.workspaceId,
      move.goalId,
      move.from,
      move.to,
      plan ? JSON.stringify(plan.graph) : null,
      plan?.source ?? null,
      plan?.cached ?? null,
      plan?.recipe ?? null,
      plan?.usesLanguageModel ?? null,
      move.failure?.code ?? null,
      move.failure?.message ?? null,
    ],
  );
  return rows.length > 0;
}

/** Ids of the goal's tasks that have not ended, planning included. */
export async function listOpenTaskIds(sql: Sql, workspaceId: string, goalId: string): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `/* listOpenTasksOfGoal */
    select id from task where workspace_id = $1 and goal_id = $2 and status in ('BLOCKED', 'QUEUED', 'RUNNING', 'WAITING')`,
    [workspaceId, goalId],
  );
  return rows.map((row) => row.id);
}
