import { wordArray, type Sql } from './sql.ts';

/**
 * Extends all leases an owner still holds, in one statement. Only a RUNNING task has a lease owner; the statement does not
 * say so for the reason given at `settleTasks`. Waits for no lock: a task being settled needs no longer lease, one writing a
 * step gets it the next time, and waiting for a batch that waits for this one would be a deadlock.
 * @returns ids of the tasks still held; one that is missing was canceled or taken back
 */
export async function extendLeases(
  sql: Sql,
  leaseOwner: string,
  leaseMs: number,
  taskIds: readonly string[],
): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `/* extendLeases */
    with extended as (
      update task set lease_expires_at = clock_timestamp() + $2 * interval '1 millisecond'
      where id = any(array(
        select id from task where id = any($3::uuid[]) and lease_owner = $1 for no key update skip locked
      ))
    )
    select id from task where id = any($3::uuid[]) and lease_owner = $1`,
    [leaseOwner, leaseMs, wordArray(taskIds)],
  );
  return rows.map((row) => row.id);
}

export interface UnroutableQueue {
  workspaceId: string;
  queueKey: string;
  note: string | null;
}

/**
 * Writes why the queued tasks of these queues do not run, with an event for each task whose note changes; at most `limit`.
 * @returns how many tasks changed
 */
export async function noteRouting(
  sql: Sql,
  queues: readonly UnroutableQueue[],
  limit: number,
): Promise<number> {
  if (queues.length === 0) return 0;
  const rows = await sql.rows<{ id: string }>(
    `/* noteRouting */
    with q as (select * from unnest($1::uuid[], $2::text[], $3::text[]) as q (workspace_id, queue_key, note)),
    picked as (
      select t.id, q.note from q join task t on t.workspace_id = q.workspace_id and t.queue_key = q.queue_key
      where t.status = 'QUEUED' and t.routing_note is distinct from q.note limit $4 for update of t skip locked
    ), changed as (
      update task t set routing_note = p.note, version = t.version + 1, updated_at = now() from picked p where t.id = p.id
      returning t.id, t.workspace_id, t.goal_id, t.version, t.attempt, t.routing_note
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, 'task.routing', id, goal_id,
        jsonb_build_object('status', 'QUEUED', 'version', version, 'attempt', attempt, 'note', routing_note)
      from changed
    )
    select id from changed`,
    [
      queues.map((queue) => queue.workspaceId),
      queues.map((queue) => queue.queueKey),
      queues.map((queue) => queue.note),
      limit,
    ],
  );
  return rows.length;
}

/**
 * Replays a dead letter: queued again (or blocked, when a predecessor has still to succeed), with fresh attempts on
 * top of the ones made, and its run and goal set going again. Finished steps are kept and not repeated. Must be called
 * inside a transaction.
 * @returns whether the task was FAILED in a goal that is not canceled, or CANCELED outside any run
 */
export async function replayTask(sql: Sql, workspaceId: string, taskId: string): Promise<boolean> {
  // Before the statement that moves them, so that its snapshot shows what the last task of the run, ending right now, makes of
  // run and goal: rows that do not match in the snapshot are not looked at again.
  await sql.rows(
    `/* lockRunOfTask */
    select r.id from workflow_run r join task t on t.workflow_run_id = r.id
    where t.id = $2 and t.workspace_id = $1 for no key update of r`,
    [workspaceId, taskId],
  );
  const rows = await sql.rows<{ id: string }>(
    `/* replayTask */
    with target as (
      select t.id, t.status as was, (
        select count(*)::int from task_dependency d join task p on p.id = d.depends_on_task_id
        where d.task_id = t.id and p.status <> 'SUCCEEDED'
      ) as pending
      from task t where t.id = $2 and t.workspace_id = $1
        and (t.status = 'FAILED' or (t.status = 'CANCELED' and t.workflow_run_id is null and t.kind <> 'PLAN'))
        and not exists (select from goal where goal.id = t.goal_id and goal.status = 'CANCELED')
      for update
    ), changed as (
      update task t set status = case when target.pending > 0 then 'BLOCKED' else 'QUEUED' end,
        pending_dependencies = target.pending, max_attempts = t.attempt + t.retry_limit, lost_attempts = 0, run_at = now(),
        failure_code = null, failure_message = null, wait_reason = null, finished_at = null, version = t.version + 1,
        updated_at = now()
      from target where t.id = target.id
      returning t.id, t.workspace_id, t.workflow_run_id, t.goal_id, t.kind, t.status, t.version, t.attempt
    ), run_moved as (
      update workflow_run r set status = 'RUNNING', finished_at = null, failed_count = r.failed_count - 1,
        active_count = r.active_count + (c.status = 'QUEUED')::int,
        version = r.version + (r.status <> 'RUNNING')::int
      from changed c where r.id = c.workflow_run_id
      returning r.id, r.workspace_id, r.goal_id, r.version, old.status as was
    ), goal_moved as (
      update goal g set status = case when c.kind = 'PLAN' then 'PLANNING' else 'RUNNING' end, failure_code = null,
        failure_message = null, finished_at = null, version = g.version + 1, updated_at = now()
      from changed c where g.id = c.goal_id and g.status = 'FAILED'
      returning g.id, g.workspace_id, g.status, g.version
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, 'task.replayed', id, goal_id,
        jsonb_build_object('status', status, 'version', version, 'attempt', attempt)
      from changed
      union all
      select workspace_id, 'workflow_run.running', id, goal_id, jsonb_build_object('status', 'RUNNING', 'version', version)
      from run_moved where was <> 'RUNNING'
      union all
      select workspace_id, 'goal.' || lower(status), id, id, jsonb_build_object('status', status, 'version', version)
      from goal_moved
    )
    select id from changed`,
    [workspaceId, taskId],
  );
  return rows.length > 0;
}

/**
 * A person's answer to a step that may or may not have had its effect: REPEAT queues the task again, FAIL ends it.
 * @returns whether the task was waiting on that step
 */
export async function wakeWaitingTask(sql: Sql, workspaceId: string, taskId: string): Promise<boolean> {
  const rows = await sql.rows<{ id: string }>(
    `/* wakeWaitingTask */
    with changed as (
      update task t set status = 'QUEUED', wait_reason = null, run_at = now(), version = t.version + 1, updated_at = now(),
        max_attempts = t.max_attempts + 1
      where t.id = $2 and t.workspace_id = $1 and t.status = 'WAITING'
      returning t.id, t.workspace_id, t.goal_id, t.version, t.attempt
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select workspace_id, 'task.queued', id, goal_id,
        jsonb_build_object('status', 'QUEUED', 'version', version, 'attempt', attempt)
      from changed
    )
    select id from changed`,
    [workspaceId, taskId],
  );
  return rows.length > 0;
}
