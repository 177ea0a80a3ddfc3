import type { Json } from '../lib/json.ts';
import { sparseArray, wordArray, type Sql } from './sql.ts';

export interface NewTask {
  id?: string;
  workspaceId: string;
  workflowRunId?: string | null;
  goalId?: string | null;
  projectId?: string | null;
  crewId?: string | null;
  nodeId: string;
  kind: string;
  title: string;
  instruction: string;
  input?: { [key: string]: Json };
  requiredCapabilities: readonly string[];
  /** Higher runs first; default 0. */
  priority?: number;
  /** Not before this moment; default now. */
  runAt?: Date | null;
  maxAttempts?: number;
  backoffInitialMs?: number;
  backoffFactor?: number;
  backoffMaxMs?: number;
  timeoutMs?: number;
  /** Predecessors that have not succeeded; above 0 the task starts BLOCKED. */
  pendingDependencies?: number;
}

/** What a claim asks for: tasks of one key can be done by the same agents. */
export function queueKeyOf(capabilities: readonly string[], crewId?: string | null): string {
  return `${crewId ?? ''}|${[...new Set(capabilities)].sort().join(',')}`;
}

export function parseQueueKey(key: string): { crewId: string | null; capabilities: string[] } {
  const bar = key.indexOf('|');
  const capabilities = key.slice(bar + 1);
  return {
    crewId: key.slice(0, bar) || null,
    capabilities: capabilities === '' ? [] : capabilities.split(','),
  };
}

/** Inserts tasks with their `task.created` events, in one statement. Returns the ids in the order given. */
export async function enqueueTasks(sql: Sql, tasks: readonly NewTask[]): Promise<string[]> {
  if (tasks.length === 0) return [];
  const rows = await sql.rows<{ id: string }>(
    `/* enqueueTasks */
    with given as (
      select *, coalesce(given_id, uuidv7()) as id from unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::int[], $15::timestamptz[], $16::int[], $17::int[],
        $18::double precision[], $19::int[], $20::int[], $21::int[]
      ) with ordinality as t (
        given_id, workspace_id, workflow_run_id, goal_id, project_id, crew_id, node_id, kind, title,
        instruction, input, capabilities, queue_key, priority, run_at, max_attempts, backoff_initial_ms,
        backoff_factor, backoff_max_ms, timeout_ms, pending, position
      )
    ), inserted as (
      insert into task (id, workspace_id, workflow_run_id, goal_id, project_id, crew_id, node_id, kind, title, instruction,
        input, required_capabilities, queue_key, status, priority, run_at, max_attempts, retry_limit, backoff_initial_ms,
        backoff_factor, backoff_max_ms, timeout_ms, pending_dependencies)
      select id, workspace_id, workflow_run_id, goal_id, project_id, crew_id, node_id, kind, title, instruction,
        coalesce(input, '{}'), string_to_array(capabilities, ','), queue_key,
        case when pending > 0 then 'BLOCKED' else 'QUEUED' end, coalesce(priority, 0), coalesce(run_at, now()),
        coalesce(max_attempts, 3), coalesce(max_attempts, 3), coalesce(backoff_initial_ms, 1000), coalesce(backoff_factor, 2),
        coalesce(backoff_max_ms, 60000), coalesce(timeout_ms, 600000), coalesce(pending, 0)
      from given order by position
      returning id, workspace_id, goal_id, status
    ), logged as (
      insert into event (workspace_id, type, subject_id, goal_id, status, version, attempt)
      select workspace_id, 'task.created', id, goal_id, status, 1, 0 from inserted
    )
    select id from given order by given.position`,
    [
      sparseArray(tasks.map((task) => task.id)),
      wordArray(tasks.map((task) => task.workspaceId)),
      sparseArray(tasks.map((task) => task.workflowRunId)),
      sparseArray(tasks.map((task) => task.goalId)),
      sparseArray(tasks.map((task) => task.projectId)),
      sparseArray(tasks.map((task) => task.crewId)),
      tasks.map((task) => task.nodeId),
      tasks.map((task) => task.kind),
      tasks.map((task) => task.title),
      tasks.map((task) => task.instruction),
      sparseArray(tasks.map((task) => task.input && JSON.stringify(task.input))),
      tasks.map((task) => [...new Set(task.requiredCapabilities)].sort().join(',')),
      tasks.map((task) => queueKeyOf(task.requiredCapabilities, task.crewId)),
      sparseArray(tasks.map((task) => task.priority)),
      sparseArray(tasks.map((task) => task.runAt)),
      sparseArray(tasks.map((task) => task.maxAttempts)),
      sparseArray(tasks.map((task) => task.backoffInitialMs)),
      sparseArray(tasks.map((task) => task.backoffFactor)),
      sparseArray(tasks.map((task) => task.backoffMaxMs)),
      sparseArray(tasks.map((task) => task.timeoutMs)),
      sparseArray(tasks.map((task) => task.pendingDependencies)),
    ],
  );
  return rows.map((row) => row.id);
}

/** Edges between tasks of one run; `taskId` waits for `dependsOnTaskId`. */
export async function insertDependencies(
  sql: Sql,
  workspaceId: string,
  edges: readonly { taskId: string; dependsOnTaskId: string }[],
): Promise<void> {
  if (edges.length === 0) return;
  await sql.rows(
    `/* insertTaskDependencies */
    insert into task_dependency (workspace_id, task_id, depends_on_task_id)
    select $1, * from unnest($2::uuid[], $3::uuid[])`,
    [workspaceId, edges.map((edge) => edge.taskId), edges.map((edge) => edge.dependsOnTaskId)],
  );
}
