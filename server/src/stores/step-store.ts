import type { Json } from '../lib/json.ts';
import type { Sql } from './sql.ts';

export interface Lease {
  taskId: string;
  leaseOwner: string;
  attempt: number;
}

export interface StepStart {
  position: number;
  inputHash: string;
  kind: 'LLM' | 'TOOL';
  name: string;
  idempotent: boolean;
  input: Json;
}

export type StepTicket =
  /** Run it; its record is open. */
  | { state: 'run'; stepId: string }
  /** It finished in an earlier attempt; this is what it gave. */
  | { state: 'replay'; stepId: string; output: Json; streamedText: string | null }
  /** An earlier attempt started it and may or may not have had the effect. */
  | { state: 'uncertain'; stepId: string }
  /** This attempt no longer holds the lease. */
  | { state: 'lost' };

/**
 * Opens a step's record, or finds what an earlier attempt left. The share lock on the task keeps a sweep from
 * handing the task on between the check of the lease and the record that tells the next attempt about this one.
 */
export async function beginStep(sql: Sql, lease: Lease, step: StepStart): Promise<StepTicket> {
  const [row] = await sql.rows<{
    id: string;
    was: string | null;
    was_attempt: number | null;
    idempotent: boolean;
    output: Json;
    streamed_text: string | null;
  }>(
    `/* beginStep */
    with lease as (
      select id, workspace_id, goal_id, version from task
      where id = $1 and lease_owner = $2 and attempt = $3 and status = 'RUNNING' for share
    ), opened as (
      insert into step (workspace_id, task_id, position, input_hash, attempt, kind, name, idempotent, status, input)
      select workspace_id, id, $4, $5, $3, $6, $7, $8, 'RUNNING', $9::jsonb from lease
      on conflict (task_id, position, input_hash) do update set
        attempt = case when step.status = 'FAILED' or step.status = 'RUNNING' and step.idempotent then excluded.attempt else step.attempt end,
        started_at = case when step.status = 'FAILED' or step.status = 'RUNNING' and step.idempotent then clock_timestamp() else step.started_at end,
        status = case when step.status = 'FAILED' then 'RUNNING' else step.status end,
        failure_code = null, failure_message = null,
        notes = case when step.status = 'SUCCEEDED' then step.notes else '{}' end,
        finished_at = case when step.status = 'SUCCEEDED' then step.finished_at end
      returning id, old.status as was, old.attempt as was_attempt, idempotent, output, streamed_text, name, kind, position
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select lease.workspace_id, 'task.step_started', lease.id, lease.goal_id, jsonb_build_object('stepId', opened.id,
        'position', position, 'name', name, 'kind', kind, 'attempt', $3::int, 'taskVersion', lease.version)
      from opened, lease where was is distinct from 'SUCCEEDED'
        and (was is distinct from 'RUNNING' or idempotent and was_attempt <> $3)
    )
    select id, was, was_attempt, idempotent, output, streamed_text from opened`,
    [
      lease.taskId,
      lease.leaseOwner,
      lease.attempt,
      step.position,
      step.inputHash,
      step.kind,
      step.name,
      step.idempotent,
      JSON.stringify(step.input),
    ],
  );
  if (!row) return { state: 'lost' };
  if (row.was === 'SUCCEEDED')
    return { state: 'replay', stepId: row.id, output: row.output, streamedText: row.streamed_text };
  // Opened by this very attempt, which begins no step twice: the answer to the first try was lost, the step has not run.
  if (row.was === 'RUNNING' && row.was_attempt === lease.attempt) return { state: 'run', stepId: row.id };
  if (row.was === 'RUNNING' && !row.idempotent) return { state: 'uncertain', stepId: row.id };
  return { state: 'run', stepId: row.id };
}

export interface StepEnd {
  stepId: string;
  status: 'SUCCEEDED' | 'FAILED';
  output?: Json;
  streamedText?: string | null;
  notes: readonly string[];
  failureCode?: string;
  failureMessage?: string;
  provider?: string;
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
  costMicroUsd?: number;
}

/** Closes a step's record; again is harmless. @returns false when the lease was lost meanwhile: nothing is recorded then */
export async function endStep(sql: Sql, lease: Lease, end: StepEnd): Promise<boolean> {
  const rows = await sql.rows<{ id: string }>(
    `/* endStep */
    with lease as (
      select id, workspace_id, goal_id, version from task
      where id = $1 and lease_owner = $2 and attempt = $3 and status = 'RUNNING' for share
    ), closed as (
      update step s set status = $5, output = $6::jsonb, streamed_text = $7, notes = $8::text[], failure_code = $9,
        failure_message = $10, provider = $11, model = $12, input_tokens = $13, output_tokens = $14, cost_micro_usd = $15,
        finished_at = clock_timestamp()
      from lease where s.id = $4 and s.task_id = lease.id and s.attempt = $3 and s.status = 'RUNNING'
      returning s.id, s.position, s.name, s.kind, s.status
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, detail)
      select lease.workspace_id, 'task.step_' || lower(closed.status), lease.id, lease.goal_id, jsonb_build_object(
        'stepId', closed.id, 'position', position, 'name', name, 'kind', kind, 'attempt', $3::int, 'taskVersion', lease.version)
      from closed, lease
    )
    select id from closed
    union all
    select s.id from step s join lease on s.task_id = lease.id where s.id = $4 and s.attempt = $3 and s.status = $5`,
    [
      lease.taskId,
      lease.leaseOwner,
      lease.attempt,
      end.stepId,
      end.status,
      end.output === undefined ? null : JSON.stringify(end.output),
      end.streamedText ?? null,
      [...end.notes],
      end.failureCode ?? null,
      end.failureMessage ?? null,
      end.provider ?? null,
      end.model ?? null,
      end.inputTokens ?? null,
      end.outputTokens ?? null,
      end.costMicroUsd ?? null,
    ],
  );
  return rows.length > 0;
}

/** Whether an earlier attempt started the step and nobody knows if it took effect. */
export async function isStepUncertain(
  sql: Sql,
  workspaceId: string,
  taskId: string,
  stepId: string,
): Promise<boolean> {
  const rows = await sql.rows(
    `/* findUncertainStep */
    select id from step where id = $3 and task_id = $2 and workspace_id = $1 and status = 'RUNNING' and not idempotent`,
    [workspaceId, taskId, stepId],
  );
  return rows.length > 0;
}

/** Lets the next attempt run an uncertain step again. */
export async function allowStepRepeat(
  sql: Sql,
  workspaceId: string,
  taskId: string,
  stepId: string,
): Promise<boolean> {
  const rows = await sql.rows<{ id: string }>(
    `/* allowStepRepeat */
    update step set status = 'FAILED', failure_code = 'REPEAT_ALLOWED', failure_message = 'A person decided to repeat it.',
      finished_at = clock_timestamp()
    where id = $3 and task_id = $2 and workspace_id = $1 and status = 'RUNNING' and not idempotent returning id`,
    [workspaceId, taskId, stepId],
  );
  return rows.length > 0;
}
