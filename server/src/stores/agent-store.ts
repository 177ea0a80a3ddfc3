import type { AgentKind } from '../entities/agent.ts';
import type { Sql } from './sql.ts';

export interface NewAgent {
  workspaceId: string;
  crewId: string | null;
  name: string;
  role: string;
  kind: AgentKind;
  instructions: string;
  capabilities: readonly string[];
  maxConcurrency: number;
}

const changedEvent = (type: string) => `
  logged as (
    insert into event (workspace_id, type, subject_id, detail)
    select workspace_id, '${type}', id, jsonb_build_object('status', status, 'version', version) from changed
  )
  select id from changed`;

/**
 * Inserts an agent of this server, ready for work, with its event.
 * @returns its id; undefined when an agent that is not retired has the name
 */
export async function insertAgent(sql: Sql, agent: NewAgent): Promise<string | undefined> {
  const [row] = await sql.rows<{ id: string }>(
    `/* insertAgent */
    with changed as (
      insert into agent (workspace_id, crew_id, name, role, kind, status, instructions, capabilities, max_concurrency, last_heartbeat_at)
      values ($1, $2, $3, $4, $5, 'IDLE', $6, $7::text[], $8, now())
      on conflict (workspace_id, name) where status <> 'RETIRED' do nothing
      returning id, workspace_id, status, version
    ), ${changedEvent('agent.registered')}`,
    [
      agent.workspaceId,
      agent.crewId,
      agent.name,
      agent.role,
      agent.kind,
      agent.instructions,
      agent.capabilities,
      agent.maxConcurrency,
    ],
  );
  return row?.id;
}

export interface AgentChange {
  name?: string | null | undefined;
  instructions?: string | null | undefined;
  capabilities?: readonly string[] | null | undefined;
  maxConcurrency?: number | null | undefined;
  /** Null takes it out of its crew. */
  crewId?: string | null | undefined;
}

/** Changes what is given. @returns whether there is such an agent that is not retired */
export async function updateAgent(
  sql: Sql,
  workspaceId: string,
  agentId: string,
  change: AgentChange,
): Promise<boolean> {
  const rows = await sql.rows(
    `/* updateAgent */
    with changed as (
      update agent set name = coalesce($3, name), instructions = coalesce($4, instructions),
        capabilities = coalesce($5::text[], capabilities), max_concurrency = coalesce($6, max_concurrency),
        crew_id = case when $8 then $7 else crew_id end, version = version + 1, updated_at = now()
      where workspace_id = $1 and id = $2 and status <> 'RETIRED'
      returning id, workspace_id, status, version
    ), ${changedEvent('agent.updated')}`,
    [
      workspaceId,
      agentId,
      change.name ?? null,
      change.instructions ?? null,
      change.capabilities ?? null,
      change.maxConcurrency ?? null,
      change.crewId ?? null,
      change.crewId !== undefined,
    ],
  );
  return rows.length > 0;
}

/** Moves an agent to a status a person chose. @returns whether it was in one of `from` */
export async function setAgentStatus(
  sql: Sql,
  move: { workspaceId: string; agentId: string; from: readonly string[]; to: 'PAUSED' | 'IDLE' | 'RETIRED' },
): Promise<boolean> {
  const rows = await sql.rows(
    `/* setAgentStatus */
    with changed as (
      update agent set status = $4, version = version + 1, updated_at = now()
      where workspace_id = $1 and id = $2 and status = any($3::text[])
      returning id, workspace_id, status, version
    ), ${changedEvent('agent.status')}`,
    [move.workspaceId, move.agentId, move.from, move.to],
  );
  return rows.length > 0;
}

/** Built-in agents run inside every server: a server that lives is their heartbeat. */
export async function beatBuiltInAgents(sql: Sql): Promise<void> {
  await sql.rows(
    `/* beatBuiltInAgents */
    update agent set last_heartbeat_at = now() where kind in ('LLM', 'EXTRACTIVE') and status <> 'RETIRED'`,
  );
}

/**
 * Brings the derived statuses up to date: ERROR while the breaker is open, OFFLINE without a heartbeat, BUSY with work in
 * hand, else IDLE. PAUSED and RETIRED are a person's and stay.
 * @returns how many agents changed
 */
export async function refreshAgentStatuses(sql: Sql, offlineAfterMs: number): Promise<number> {
  const rows = await sql.rows(
    `/* refreshAgentStatuses */
    with desired as (
      select a.id,
        case when a.breaker_state = 'OPEN' and a.breaker_retry_at <= now() then 'HALF_OPEN' else a.breaker_state end as breaker,
        case when a.breaker_state = 'OPEN' and a.breaker_retry_at > now() then 'ERROR'
          when coalesce(a.last_heartbeat_at, 'epoch') < now() - $1 * interval '1 millisecond' then 'OFFLINE'
          when exists (select from task where status = 'RUNNING' and agent_id = a.id) then 'BUSY' else 'IDLE' end as status
      from agent a where a.status not in ('PAUSED', 'RETIRED')
    ), changed as (
      update agent a set status = d.status, breaker_state = d.breaker, version = a.version + 1, updated_at = now()
      from desired d where a.id = d.id and (a.status <> d.status or a.breaker_state <> d.breaker)
        and a.status not in ('PAUSED', 'RETIRED')
      returning a.id, a.workspace_id, a.status, a.version
    ), ${changedEvent('agent.status')}`,
    [offlineAfterMs],
  );
  return rows.length;
}

/** Attempts of one agent that ended since the last record. */
export interface AttemptTally {
  agentId: string;
  succeeded: number;
  failed: number;
  /** Failures since its last success in this tally; all of them when there was none. */
  trailingFailures: number;
  meanDurationMs: number;
}

/** Weight of the newest tally in the moving average of the duration. */
const latencyWeight = 0.2;

/** Adds to the agents' records and moves their circuit breakers. Must be called inside a transaction. */
export async function recordAttempts(
  sql: Sql,
  tallies: readonly AttemptTally[],
  breaker: { failures: number; cooldownMs: number },
): Promise<void> {
  // Two nodes record the same agents at once; the second must count on from what the first wrote, which its snapshot shows
  // only when it is taken after the lock.
  await sql.rows(
    `/* lockAgents */ select id from agent where id = any($1::uuid[]) order by id for no key update`,
    [tallies.map((tally) => tally.agentId)],
  );
  await sql.rows(
    `/* recordAttempts */
    with tally as (
      select * from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::double precision[])
        as t (agent_id, succeeded, failed, trailing_failures, duration_ms)
    ), desired as (
      select a.id, t.*, case when t.succeeded > 0 then t.trailing_failures else a.breaker_failures + t.trailing_failures end as failures
      from agent a join tally t on t.agent_id = a.id
    ), judged as (
      select *, (failures >= $6 or trailing_failures > 0 and exists (
        select from agent where agent.id = desired.id and breaker_state = 'HALF_OPEN')) as opens
      from desired
    ), changed as (
      update agent a set succeeded_count = a.succeeded_count + j.succeeded, failed_count = a.failed_count + j.failed,
        average_latency_ms = case when j.succeeded + j.failed = 0 then a.average_latency_ms
          else coalesce(a.average_latency_ms * (1 - $8::double precision) + j.duration_ms * $8::double precision, j.duration_ms) end,
        breaker_failures = j.failures,
        breaker_state = case when opens then 'OPEN' when j.succeeded > 0 then 'CLOSED' else a.breaker_state end,
        breaker_opened_at = case when opens and a.breaker_state <> 'OPEN' then now() when opens then a.breaker_opened_at
          when j.succeeded > 0 then null else a.breaker_opened_at end,
        breaker_retry_at = case when opens and a.breaker_state <> 'OPEN' then now() + $7 * interval '1 millisecond'
          when opens then a.breaker_retry_at when j.succeeded > 0 then null else a.breaker_retry_at end,
        version = a.version + 1, updated_at = now()
      from judged j where a.id = j.id
      returning a.id, a.workspace_id, a.status, a.version, a.breaker_state as breaker, old.breaker_state as breaker_was
    ), logged as (
      insert into event (workspace_id, type, subject_id, detail)
      select workspace_id, 'agent.breaker', id, jsonb_build_object('status', status, 'version', version, 'breaker', breaker)
      from changed where breaker <> breaker_was
    )
    select id from changed`,
    [
      tallies.map((tally) => tally.agentId),
      tallies.map((tally) => tally.succeeded),
      tallies.map((tally) => tally.failed),
      tallies.map((tally) => tally.trailingFailures),
      tallies.map((tally) => tally.meanDurationMs),
      breaker.failures,
      breaker.cooldownMs,
      latencyWeight,
    ],
  );
}

/** Capability sets of agents that are not retired, for telling what no agent can do. */
export async function listAbilities(
  sql: Sql,
): Promise<
  { workspaceId: string; crewId: string | null; name: string; status: string; capabilities: string[] }[]
> {
  return sql.rows(
    `/* listAbilities */
    select workspace_id as "workspaceId", crew_id as "crewId", name, status, capabilities from agent where status <> 'RETIRED'`,
  );
}

/** Queue keys with tasks waiting, whoever could do them. */
export async function listQueuedKeys(sql: Sql): Promise<{ workspaceId: string; queueKey: string }[]> {
  return sql.rows(
    `/* listQueuedKeys */
    with recursive key as (
      (select workspace_id, queue_key from task where status = 'QUEUED' order by workspace_id, queue_key limit 1)
      union all
      select next.workspace_id, next.queue_key from key cross join lateral (
        select workspace_id, queue_key from task
        where status = 'QUEUED' and (workspace_id, queue_key) > (key.workspace_id, key.queue_key)
        order by workspace_id, queue_key limit 1
      ) next
    )
    select workspace_id as "workspaceId", queue_key as "queueKey" from key`,
  );
}

/** What a runtime needs to know of the agent it plays. */
export interface AgentProfileRow {
  id: string;
  name: string;
  role: string;
  kind: AgentKind;
  instructions: string;
  capabilities: string[];
}

export async function findAgentProfile(sql: Sql, id: string): Promise<AgentProfileRow | undefined> {
  const [row] = await sql.rows<AgentProfileRow>(
    `/* findAgentProfile */ select id, name, role, kind, instructions, capabilities from agent where id = $1`,
    [id],
  );
  return row;
}
