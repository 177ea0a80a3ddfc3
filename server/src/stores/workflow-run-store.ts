import type { Sql } from './sql.ts';

export interface NewRun {
  workspaceId: string;
  goalId: string | null;
  graph: unknown;
  totalCount: number;
  /** Tasks that start QUEUED. */
  activeCount: number;
}

/** Inserts a RUNNING run with its event. */
export async function insertRun(sql: Sql, run: NewRun): Promise<string> {
  const [row] = await sql.rows<{ id: string }>(
    `/* insertWorkflowRun */
    with inserted as (
      insert into workflow_run (workspace_id, goal_id, graph, total_count, active_count) values ($1, $2, $3::jsonb, $4, $5)
      returning id, workspace_id, goal_id, version
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, 'workflow_run.running', id, goal_id, jsonb_build_object('status', 'RUNNING', 'version', version)
      from inserted
    )
    select id from inserted`,
    [run.workspaceId, run.goalId, JSON.stringify(run.graph), run.totalCount, run.activeCount],
  );
  return row!.id;
}

/** Ends the running runs of a goal as CANCELED, with events. The tasks are canceled separately. */
export async function cancelRuns(sql: Sql, workspaceId: string, goalId: string): Promise<void> {
  await sql.rows(
    `/* cancelWorkflowRuns */
    with changed as (
      update workflow_run set status = 'CANCELED', finished_at = clock_timestamp(), version = version + 1
      where workspace_id = $1 and goal_id = $2 and status = 'RUNNING'
      returning id, workspace_id, goal_id, version
    )
    insert into event (workspace_id, type, subject_id, goal_id, detail)
    select workspace_id, 'workflow_run.canceled', id, goal_id, jsonb_build_object('status', 'CANCELED', 'version', version)
    from changed`,
    [workspaceId, goalId],
  );
}
