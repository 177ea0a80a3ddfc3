import type { Pool } from 'pg';

export interface GoalFixture {
  goalId: string;
  runId: string;
  /** By node id. */
  taskIds: Record<string, string>;
}

const plan = {
  summary: 'Look, then write.',
  nodes: ['look', 'write', 'review'].map((id, index, all) => ({
    ...{
      id,
      title: id,
      instruction: `${id} it`,
      capabilities: ['research'],
      risk: 'LOW',
      estimatedCostMicroUsd: 5,
      input: {},
    },
    dependsOn: index === 0 ? [] : [all[index - 1]],
  })),
};

/** A goal whose plan ran: `look` succeeded with an attempt, a step and chunks, `write` and `review` with an output each. */
export async function insertFinishedGoal(
  pool: Pool,
  workspaceId: string,
  text = 'Explain the project',
): Promise<GoalFixture> {
  const one = async (sql: string, values: unknown[]) =>
    (await pool.query<{ id: string }>(sql, values)).rows[0]!.id;
  const agentId = await one(
    `insert into agent (workspace_id, name, role, kind, capabilities) values ($1, 'agent ' || uuidv7(), 'researcher', 'EXTRACTIVE', '{research}') returning id`,
    [workspaceId],
  );
  const goalId = await one(
    `insert into goal (workspace_id, text, status, plan, plan_source, plan_recipe, finished_at)
    values ($1, $2, 'SUCCEEDED', $3, 'RECIPE', 'explain', now()) returning id`,
    [workspaceId, text, JSON.stringify(plan)],
  );
  const runId = await one(
    `insert into workflow_run (workspace_id, goal_id, graph, status, total_count, active_count) values ($1, $2, $3, 'SUCCEEDED', 3, 0) returning id`,
    [workspaceId, goalId, JSON.stringify(plan)],
  );
  const taskIds: Record<string, string> = {};
  for (const node of plan.nodes) {
    taskIds[node.id] = await one(
      `insert into task (workspace_id, workflow_run_id, goal_id, node_id, title, instruction, queue_key, status, attempt, agent_id, last_owner, attempt_started_at, finished_at)
      values ($1, $2, $3, $4, $4, 'do it', 'research', 'SUCCEEDED', 1, $5, 'node-1', now(), now()) returning id`,
      [workspaceId, runId, goalId, node.id, agentId],
    );
    const taskId = taskIds[node.id];
    await pool.query(
      `insert into step (workspace_id, task_id, position, input_hash, attempt, kind, name, idempotent, status, input, notes)
      values ($1, $2, 0, 'hash', 1, 'TOOL', 'project.search', true, 'SUCCEEDED', '{"q": 1}', '{"first note"}')`,
      [workspaceId, taskId],
    );
    await pool.query(
      `insert into output (workspace_id, task_id, attempt, text, extractive, provider, citations) values ($1, $2, 1, $3, true, 'extractive', $4)`,
      [
        workspaceId,
        taskId,
        `output of ${node.id} [1]`,
        JSON.stringify([{ marker: 1, path: 'README.md', startLine: 1, endLine: 2, quote: 'hive' }]),
      ],
    );
    await pool.query(
      `insert into output_chunk (workspace_id, task_id, attempt, start_offset, text) values ($1, $2, 1, 0, 'first '), ($1, $2, 1, 6, 'second')`,
      [workspaceId, taskId],
    );
    for (const before of node.dependsOn) {
      await pool.query(
        `insert into task_dependency (workspace_id, task_id, depends_on_task_id) values ($1, $2, $3)`,
        [workspaceId, taskId, taskIds[before!]],
      );
    }
  }
  return { goalId, runId, taskIds };
}

/** A queued task without a plan. */
export async function insertTask(
  pool: Pool,
  workspaceId: string,
  columns: { status?: string; title?: string; runAt?: string; routingNote?: string } = {},
): Promise<string> {
  const inserted = await pool.query<{ id: string }>(
    `insert into task (workspace_id, node_id, title, instruction, queue_key, status, run_at, routing_note)
    values ($1, 'task', $2, 'do it', '', $3, coalesce($4::timestamptz, now()), $5) returning id`,
    [
      workspaceId,
      columns.title ?? 'a task',
      columns.status ?? 'QUEUED',
      columns.runAt ?? null,
      columns.routingNote ?? null,
    ],
  );
  return inserted.rows[0]!.id;
}
