import type { Json } from '../lib/json.ts';
import { sparseArray, wordArray, type Sql } from './sql.ts';

/** How an attempt ended and where its task goes from here. */
export interface Verdict {
  taskId: string;
  /** The fencing token: the verdict counts only while this attempt holds the lease. */
  attempt: number;
  status: 'SUCCEEDED' | 'FAILED' | 'QUEUED' | 'WAITING';
  attemptStatus: 'SUCCEEDED' | 'FAILED' | 'WAITING' | 'RELEASED';
  /** For QUEUED: the earliest next start, ms from now. */
  delayMs?: number;
  /** Attempts granted on top, for an attempt that was cut short through no fault of the task. */
  extraAttempts?: number;
  waitReason?: string;
  failureCode?: string;
  failureMessage?: string;
  output?: {
    text: string;
    data: Json;
    citations: Json;
    extractive: boolean;
    notice: string | null;
    provider: string;
    model: string | null;
  };
}

/**
 * What follows from moved tasks, the same whoever moves them: ended attempts, unblocked successors, run and goal
 * counters, one event each. Reads the CTE `changed`.
 */
const consequences = `
  ended as (
    insert into attempt (task_id, number, workspace_id, agent_id, lease_owner, status, failure_code, failure_message, started_at)
    select id, attempt, workspace_id, agent_id, lease_owner, attempt_status, failure_code, failure_message, attempt_started_at
    from changed where lease_owner is not null and attempt_status <> 'SUCCEEDED'
  ), advanced as (
    update task s set pending_dependencies = s.pending_dependencies - d.n,
      status = case when s.pending_dependencies = d.n then 'QUEUED' else s.status end,
      version = s.version + case when s.pending_dependencies = d.n then 1 else 0 end,
      run_at = greatest(s.run_at, now()), updated_at = now()
    from (
      select e.task_id, count(*)::int as n from changed c join task_dependency e on e.depends_on_task_id = c.id
      where c.status = 'SUCCEEDED' and c.workflow_run_id is not null group by 1
    ) d
    where s.id = d.task_id and s.status = 'BLOCKED'
    returning s.id, s.workspace_id, s.workflow_run_id, s.goal_id, s.status, s.version, s.attempt
  ), run_delta as (
    select workflow_run_id as id, sum(active)::int as active, sum(failed)::int as failed, sum(canceled)::int as canceled
    from (
      select workflow_run_id, case when was_active and status in ('SUCCEEDED', 'FAILED', 'CANCELED') then -1 else 0 end as active,
        (status = 'FAILED')::int as failed, (status = 'CANCELED')::int as canceled
      from changed where workflow_run_id is not null
      union all
      select workflow_run_id, 1, 0, 0 from advanced where status = 'QUEUED'
    ) move group by 1
  ), run_moved as (
    update workflow_run r set active_count = r.active_count + d.active, failed_count = r.failed_count + d.failed,
      canceled_count = r.canceled_count + d.canceled,
      status = case when r.status <> 'RUNNING' or r.active_count + d.active > 0 then r.status
        when r.failed_count + d.failed > 0 then 'FAILED' when r.canceled_count + d.canceled > 0 then 'CANCELED' else 'SUCCEEDED' end,
      finished_at = case when r.status <> 'RUNNING' then r.finished_at when r.active_count + d.active > 0 then null else clock_timestamp() end,
      version = r.version + case when r.status <> 'RUNNING' or r.active_count + d.active > 0 then 0 else 1 end
    from run_delta d where r.id = d.id
    returning r.id, r.workspace_id, r.goal_id, r.status, r.version, old.status = 'RUNNING' and r.status <> 'RUNNING' as ended
  ), goal_moved as (
    update goal g set status = m.status, failure_code = m.failure_code, failure_message = m.failure_message,
      finished_at = clock_timestamp(), version = g.version + 1, updated_at = now()
    from (
      select goal_id, status, case when status = 'FAILED' then 'TASK_FAILED' end as failure_code,
        case when status = 'FAILED' then coalesce((
          select 'Task "' || title || '" failed: ' || coalesce(failure_message, '') from changed
          where changed.goal_id = run_moved.goal_id and changed.status = 'FAILED' limit 1
        ), 'A task failed.') end as failure_message, 'RUNNING' as was
      from run_moved where ended and goal_id is not null
      union all
      select goal_id, status, failure_code, failure_message, 'PLANNING' from changed
      where kind = 'PLAN' and status in ('FAILED', 'CANCELED') and goal_id is not null
    ) m
    where g.id = m.goal_id and g.status = m.was
    returning g.id, g.workspace_id, g.status, g.version
  ), logged as (
    insert into event (workspace_id, type, subject_id, goal_id, status, version, attempt, agent_id, detail)
    select workspace_id, case when status = 'QUEUED' and attempt_status = 'FAILED' then 'task.retrying'
        when attempt_status in ('LOST', 'RELEASED') and status = 'QUEUED' then 'task.' || lower(attempt_status)
        else 'task.' || lower(status) end,
      id, goal_id, status, version, attempt, agent_id, case when failure_code is not null then
        jsonb_strip_nulls(jsonb_build_object('failureCode', failure_code, 'failureMessage', left(failure_message, 500))) end
    from changed
    union all
    select workspace_id, 'task.queued', id, goal_id, status, version, attempt, null, null from advanced where status = 'QUEUED'
    union all
    select workspace_id, 'workflow_run.' || lower(status), id, goal_id, status, version, null, null, null
    from run_moved where ended
    union all
    select workspace_id, 'goal.' || lower(status), id, id, status, version, null, null, null from goal_moved
  )
  select id, status, attempt, agent_id as "agentId" from changed`;

/** The columns `consequences` reads, as returned by an update of `task t`. `lease_owner` is the one before the update. */
const changedColumns = `t.id, t.workspace_id, t.workflow_run_id, t.goal_id, t.kind, t.title, t.status, t.attempt, t.agent_id,
      t.failure_code, t.failure_message, t.version, t.attempt_started_at, old.lease_owner,
      old.status in ('QUEUED', 'RUNNING', 'WAITING') as was_active`;

export interface MovedTask {
  id: string;
  status: string;
  attempt: number;
  agentId: string | null;
}

/**
 * Ends attempts this owner still holds; a verdict whose lease was lost changes nothing and is absent from the result.
 * May deadlock with another node moving the same run (40P01): nothing was written then, call again.
 */
export async function settleTasks(
  sql: Sql,
  leaseOwner: string,
  verdicts: readonly Verdict[],
): Promise<MovedTask[]> {
  return sql.rows<MovedTask>(settleStatement, [
    leaseOwner,
    wordArray(verdicts.map((verdict) => verdict.taskId)),
    wordArray(verdicts.map((verdict) => verdict.attempt)),
    wordArray(verdicts.map((verdict) => verdict.status)),
    wordArray(verdicts.map((verdict) => verdict.attemptStatus)),
    sparseArray(verdicts.map((verdict) => verdict.delayMs)),
    sparseArray(verdicts.map((verdict) => verdict.extraAttempts)),
    sparseArray(verdicts.map((verdict) => verdict.waitReason)),
    sparseArray(verdicts.map((verdict) => verdict.failureCode)),
    sparseArray(verdicts.map((verdict) => verdict.failureMessage)),
    sparseArray(verdicts.map((verdict) => verdict.output && JSON.stringify(verdict.output))),
  ]);
}

/**
 * Each array is a subquery because the planner then expects ten rows and looks tasks up by primary key; knowing the
 * thousand, it reads the whole table whenever its statistics are from when that was small.
 *
 * `lease_owner = $1` says RUNNING (a check of the table). Said in words, the planner would take the index of running tasks
 * whenever ANALYZE last ran while few were running, and compare each of them with each verdict: 800 ms a batch.
 */
const settleStatement = `/* settleTasks */
  with verdict as (
    select * from unnest((select $2::uuid[]), (select $3::int[]), (select $4::text[]), (select $5::text[]), (select $6::int[]),
      (select $7::int[]), (select $8::text[]), (select $9::text[]), (select $10::text[]), (select $11::jsonb[])
    ) as v (id, attempt, status, attempt_status, delay_ms, extra_attempts, wait_reason, failure_code, failure_message, output)
  ), changed as (
    update task t set status = v.status, lease_owner = null, lease_expires_at = null,
      run_at = case when v.status = 'QUEUED' then clock_timestamp() + coalesce(v.delay_ms, 0) * interval '1 millisecond' else t.run_at end,
      max_attempts = t.max_attempts + coalesce(v.extra_attempts, 0), wait_reason = v.wait_reason, failure_code = v.failure_code,
      failure_message = v.failure_message, finished_at = case when v.status in ('SUCCEEDED', 'FAILED') then clock_timestamp() end,
      last_owner = case when v.status = 'SUCCEEDED' then t.lease_owner end,
      version = t.version + 1, updated_at = now()
    from verdict v
    where t.id = v.id and t.attempt = v.attempt and t.lease_owner = $1
    returning ${changedColumns}, v.attempt_status, v.output
  ), saved as (
    insert into output (workspace_id, task_id, attempt, text, data, citations, extractive, notice, provider, model)
    select workspace_id, id, attempt, output ->> 'text', output -> 'data', output -> 'citations',
      (output ->> 'extractive')::boolean, output ->> 'notice', output ->> 'provider', output ->> 'model'
    from changed where output is not null
    on conflict (task_id) do update set attempt = excluded.attempt, text = excluded.text, data = excluded.data,
      citations = excluded.citations, extractive = excluded.extractive, notice = excluded.notice,
      provider = excluded.provider, model = excluded.model, created_at = excluded.created_at
  ), ${consequences}`;

/** Losses after which a task counts as the one that kills its node, and becomes a dead letter. */
export const maxLostAttempts = 20;

export interface SweepOptions {
  /** Most leases to take back in one statement. */
  limit: number;
  /**
   * Leases of this owner prefix are lost whatever their expiry, except those of `currentOwner`: an earlier process of a node
   * that runs once at a time.
   */
  deadOwnerPrefix?: string;
  currentOwner: string;
}

/** Takes back leases that ran out and queues their tasks again; any node may do it. */
export async function sweepLeases(sql: Sql, options: SweepOptions): Promise<MovedTask[]> {
  return sql.rows<MovedTask>(sweepStatement, [
    options.limit,
    maxLostAttempts,
    options.deadOwnerPrefix ? `${options.deadOwnerPrefix.replace(/[\\%_]/g, '\\$&')}%` : null,
    options.currentOwner,
  ]);
}

const sweepStatement = `/* sweepLeases */
  with lost as (
    select id from task where status = 'RUNNING' and (lease_expires_at < clock_timestamp()
      or ($3::text is not null and lease_owner like $3 and lease_owner <> $4))
    order by lease_expires_at limit $1 for update skip locked
  ), changed as (
    update task t set status = case when t.lost_attempts + 1 >= $2 then 'FAILED' else 'QUEUED' end,
      lost_attempts = t.lost_attempts + 1, max_attempts = t.max_attempts + 1, lease_owner = null, lease_expires_at = null,
      run_at = clock_timestamp(), finished_at = case when t.lost_attempts + 1 >= $2 then clock_timestamp() end,
      failure_code = 'LEASE_LOST', failure_message = 'The process running attempt ' || t.attempt || ' stopped renewing its lease.',
      version = t.version + 1, updated_at = now()
    where t.id = any(array(select id from lost)) and t.status = 'RUNNING'
    returning ${changedColumns}, 'LOST' as attempt_status
  ), ${consequences}`;

/**
 * Cancels open tasks. With `withDependents`, everything that waits for them, too: it could never run. Must be called inside a
 * transaction.
 * @returns the tasks that were open; empty when all had ended
 */
export async function cancelTasks(
  sql: Sql,
  options: { workspaceId: string; taskIds: readonly string[]; reason: string; withDependents: boolean },
): Promise<MovedTask[]> {
  // A task that succeeds at this moment stays, and what waits for it, too: the snapshot of the next statement shows it.
  await sql.rows(
    `/* lockTasks */ select id from task where workspace_id = $1 and id = any($2::uuid[]) order by id for no key update`,
    [options.workspaceId, options.taskIds],
  );
  return sql.rows<MovedTask>(cancelStatement, [
    options.workspaceId,
    options.taskIds,
    options.reason,
    options.withDependents,
  ]);
}

const cancelStatement = `/* cancelTasks */
  with recursive reached as (
    select id from task where workspace_id = $1 and id = any($2::uuid[])
      and status in ('BLOCKED', 'QUEUED', 'RUNNING', 'WAITING')
    union
    select e.task_id from reached r join task_dependency e on e.depends_on_task_id = r.id where $4
  ), target as (
    select t.id from task t where t.id = any(array(select id from reached)) order by t.id for update
  ), changed as (
    update task t set status = 'CANCELED', lease_owner = null, lease_expires_at = null, failure_code = 'CANCELED',
      failure_message = $3, wait_reason = null, routing_note = null, finished_at = clock_timestamp(), version = t.version + 1,
      updated_at = now()
    from target where t.id = target.id and t.status in ('BLOCKED', 'QUEUED', 'RUNNING', 'WAITING')
    returning ${changedColumns}, 'CANCELED' as attempt_status
  ), ${consequences}`;

/** Ends a task that waits for a person, as a dead letter. @returns whether it was waiting */
export async function failWaitingTask(
  sql: Sql,
  failure: { workspaceId: string; taskId: string; code: string; message: string },
): Promise<boolean> {
  const rows = await sql.rows<MovedTask>(failWaitingStatement, [
    failure.workspaceId,
    failure.taskId,
    failure.code,
    failure.message,
  ]);
  return rows.length > 0;
}

const failWaitingStatement = `/* failWaitingTask */
  with changed as (
    update task t set status = 'FAILED', wait_reason = null, failure_code = $3, failure_message = $4,
      finished_at = clock_timestamp(), version = t.version + 1, updated_at = now()
    where t.workspace_id = $1 and t.id = $2 and t.status = 'WAITING'
    returning ${changedColumns}, null as attempt_status
  ), ${consequences}`;
