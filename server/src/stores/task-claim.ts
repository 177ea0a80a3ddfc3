import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { textArray, wordArray } from './sql.ts';
import type { ClaimedTaskRow } from './task-rows.ts';

/** Tasks ready now that the same agents can do. */
export interface ReadyQueue {
  workspaceId: string;
  queueKey: string;
  /** Counted up to the limit asked for. */
  readyCount: number;
  topPriority: number;
}

/** An agent that may take work, with what it is doing across all nodes. */
export interface AgentCapacity {
  id: string;
  workspaceId: string;
  crewId: string | null;
  capabilities: string[];
  maxConcurrency: number;
  runningCount: number;
  breakerState: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  succeededCount: number;
  failedCount: number;
  averageLatencyMs: number | null;
}

/** One claim wanted: the next task of the queue goes to this agent. */
export interface Slot {
  workspaceId: string;
  queueKey: string;
  agentId: string;
}

export interface ClaimRequest {
  leaseOwner: string;
  leaseMs: number;
  /** Most tasks to claim. */
  limit: number;
  /** Decides who gets what, given what is ready and who is free; pure. */
  assign(queues: readonly ReadyQueue[], agents: readonly AgentCapacity[], limit: number): Slot[];
}

export interface ClaimResult {
  tasks: ClaimedTaskRow[];
  /** Queues that had ready tasks when the claim looked. */
  queues: ReadyQueue[];
  /** Slots asked for; fewer tasks than slots means the queues ran dry. */
  slotCount: number;
}

/** Makes claims of all nodes take turns, so that an agent's concurrency limit holds across the cluster. */
const claimLock = 4_851_302_175;

/**
 * Claims a batch: looks at what is ready and who is free, lets `assign` match them, and moves the tasks to RUNNING with a
 * lease. One transaction of two round trips, whatever the size of the batch: all claims wait for the lock, so it must not
 * be held while a busy event loop comes round to the next statement. That takes statements prepared in SQL, because several
 * in one message can have no parameters.
 */
export async function claimTasks(client: PoolClient, request: ClaimRequest): Promise<ClaimResult> {
  try {
    await prepareClaims(client);
    const looked = await several<{ queues: ReadyQueue[]; agents: AgentCapacity[] }>(
      client,
      `begin; select pg_advisory_xact_lock(${claimLock}); execute look_for_work(${Number(request.limit)})`,
    );
    const { queues, agents } = looked.at(-1)!.rows[0]!;
    const slots = queues.length === 0 ? [] : request.assign(queues, agents, request.limit);
    if (slots.length === 0) {
      await client.query('rollback');
      return { tasks: [], queues, slotCount: 0 };
    }
    const values = [...quotasOf(slots), request.leaseOwner, String(request.leaseMs)];
    const claimed = await several<ClaimedTaskRow>(
      client,
      `execute claim_tasks(${values.map((value) => client.escapeLiteral(value)).join(', ')}); commit`,
    );
    return { tasks: claimed[0]!.rows, queues, slotCount: slots.length };
  } catch (error) {
    // The connection may be gone; the caller destroys it then.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

const prepared = new WeakSet<PoolClient>();

async function prepareClaims(client: PoolClient): Promise<void> {
  if (prepared.has(client)) return;
  await client.query(`prepare look_for_work as ${lookForWork}; prepare claim_tasks as ${claimStatement}`);
  prepared.add(client);
}

/** Statements without parameters in one message. @returns one result each, which the types of pg do not know */
async function several<Row extends QueryResultRow>(
  client: PoolClient,
  text: string,
): Promise<QueryResult<Row>[]> {
  return (await client.query(text)) as unknown as QueryResult<Row>[];
}

/** Slots by queue: workspaces, keys, slots of each and slots of those before it, then the agents of all in that order. */
function quotasOf(slots: readonly Slot[]): string[] {
  const queues = new Map<string, { workspaceId: string; queueKey: string; agentIds: string[] }>();
  for (const { workspaceId, queueKey, agentId } of slots) {
    const key = `${workspaceId}${queueKey}`;
    const queue = queues.get(key) ?? { workspaceId, queueKey, agentIds: [] };
    queue.agentIds.push(agentId);
    queues.set(key, queue);
  }
  const all = [...queues.values()];
  let before = 0;
  const offsets = all.map((queue) => (before += queue.agentIds.length) - queue.agentIds.length);
  return [
    wordArray(all.map((queue) => queue.workspaceId)),
    textArray(all.map((queue) => queue.queueKey)),
    wordArray(all.map((queue) => queue.agentIds.length)),
    wordArray(offsets),
    wordArray(all.flatMap((queue) => queue.agentIds)),
  ];
}

/**
 * What is ready and who is free. `key` walks the distinct queue keys by index (a loose scan), so its cost grows with the
 * number of keys, not of tasks.
 */
const lookForWork = `/* lookForWork */
  with recursive key as (
    (select workspace_id, queue_key from task where status = 'QUEUED' order by workspace_id, queue_key limit 1)
    union all
    select next.workspace_id, next.queue_key from key cross join lateral (
      select workspace_id, queue_key from task
      where status = 'QUEUED' and (workspace_id, queue_key) > (key.workspace_id, key.queue_key)
      order by workspace_id, queue_key limit 1
    ) next
  ), queue as (
    select key.workspace_id as "workspaceId", key.queue_key as "queueKey", ready.n as "readyCount", ready.top as "topPriority"
    from key cross join lateral (
      select count(*)::int as n, max(priority) as top from (
        select priority from task
        where status = 'QUEUED' and workspace_id = key.workspace_id and queue_key = key.queue_key and run_at <= now()
        order by priority desc, run_at, id limit $1
      ) t
    ) ready
    where ready.n > 0
  ), capacity as (
    select id, workspace_id as "workspaceId", crew_id as "crewId", capabilities, max_concurrency as "maxConcurrency",
      breaker_state as "breakerState", succeeded_count as "succeededCount", failed_count as "failedCount",
      average_latency_ms as "averageLatencyMs",
      (select count(*)::int from task where status = 'RUNNING' and agent_id = agent.id) as "runningCount"
    from agent where status in ('IDLE', 'BUSY') and exists (select from queue)
  )
  select (select coalesce(json_agg(queue), '[]') from queue) as queues,
    (select coalesce(json_agg(capacity), '[]') from capacity) as agents`;

/**
 * The n-th slot of a queue takes its n-th ready task: `seat` is the task's place in the flat list of agents. A subscript
 * and not a join, which the planner, expecting ten rows of an unnest, made quadratic in the batch. The arrays in `assigned`
 * are there for it, too: it finds the tasks by primary key then, where a join with a limit it cannot see made it scan the
 * table. The update leaves out the status, which `locked` has just checked and locked: with it, the planner may prefer the
 * index of queued tasks to the primary key and compare all of them with each picked one.
 */
const claimStatement = `/* claimTasks */
  with picked as (
    select ready.id, quota.offset_before + ready.rank as seat
    from unnest($1::uuid[], $2::text[], $3::int[], $4::int[]) as quota (workspace_id, queue_key, n, offset_before)
    cross join lateral (
      select id, row_number() over (order by priority desc, run_at, id)::int as rank from (
        select id, priority, run_at from task
        where status = 'QUEUED' and workspace_id = quota.workspace_id and queue_key = quota.queue_key and run_at <= now()
        order by priority desc, run_at, id limit quota.n for update skip locked
      ) locked
    ) ready
  ), assigned as (
    select * from unnest(
      array(select id from picked order by id), array(select ($5::uuid[])[seat] from picked order by id)
    ) as a (id, agent_id)
  ), claimed as (
    update task t set status = 'RUNNING', attempt = t.attempt + 1, agent_id = a.agent_id, lease_owner = $6,
      lease_expires_at = clock_timestamp() + $7 * interval '1 millisecond', attempt_started_at = clock_timestamp(),
      started_at = coalesce(t.started_at, clock_timestamp()), routing_note = null, failure_code = null,
      failure_message = null, version = t.version + 1, updated_at = now()
    from assigned a where t.id = a.id
    returning t.id, t.workspace_id, t.workflow_run_id, t.goal_id, t.project_id, t.node_id, t.kind, t.title, t.instruction,
      t.input, t.required_capabilities, t.attempt, t.max_attempts, t.timeout_ms, t.backoff_initial_ms, t.backoff_factor,
      t.backoff_max_ms, t.agent_id, t.priority, t.run_at, t.version
  ), logged as (
    insert into event (workspace_id, type, subject_id, goal_id, status, version, attempt, agent_id)
    select workspace_id, 'task.started', id, goal_id, 'RUNNING', version, attempt, agent_id from claimed
  )
  select id, workspace_id as "workspaceId", workflow_run_id as "workflowRunId", goal_id as "goalId",
    project_id as "projectId", node_id as "nodeId", kind, title, instruction, input,
    required_capabilities as "requiredCapabilities", attempt, max_attempts as "maxAttempts", timeout_ms as "timeoutMs",
    backoff_initial_ms as "backoffInitialMs", backoff_factor as "backoffFactor", backoff_max_ms as "backoffMaxMs",
    agent_id as "agentId"
  from claimed order by priority desc, run_at, id`;
