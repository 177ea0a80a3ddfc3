import type { Pool } from 'pg';
import type { Actor } from '../../../server/src/engines/security/actor.ts';

/** Where the operations of the permission test take place. Everything made is in project `projectId`, unless it is in none. */
export interface World {
  pool: Pool;
  workspaceId: string;
  projectId: string;
  actor: Actor;
}

const plan = JSON.stringify({
  summary: 'Look.',
  nodes: [{ id: 'look', title: 'Look', instruction: 'look', capabilities: [], dependsOn: [], risk: 'LOW' }],
});

async function insert({ pool }: Pick<World, 'pool'>, text: string, values: unknown[]): Promise<string> {
  return (await pool.query<{ id: string }>(text, values)).rows[0]!.id;
}

export async function newProject(world: Pick<World, 'pool' | 'workspaceId'>): Promise<string> {
  return insert(
    world,
    `insert into project (workspace_id, name, root_path, status) values ($1, 'a project', '/srv/' || uuidv7(), 'READY') returning id`,
    [world.workspaceId],
  );
}

export async function newGoal(world: World, status = 'AWAITING_ACCEPTANCE'): Promise<string> {
  const id = await insert(
    world,
    `insert into goal (workspace_id, project_id, text, status, plan, plan_source, auto_start) values ($1, $2, 'Explain it', $3, $4, 'RECIPE', false) returning id`,
    [world.workspaceId, world.projectId, status, plan],
  );
  return `Goal:${id}`;
}

export async function newTask(world: World, status = 'QUEUED'): Promise<string> {
  const id = await insert(
    world,
    `insert into task (workspace_id, project_id, node_id, title, instruction, queue_key, status, finished_at, failure_code)
    values ($1, $2, 'task', 'a task', 'do it', '', $3, case when $3 = 'FAILED' then now() end, case when $3 = 'FAILED' then 'TOOL' end) returning id`,
    [world.workspaceId, world.projectId, status],
  );
  return `Task:${id}`;
}

/** A task that waits for a decision about a step, and the step. */
export async function newWaitingTask(world: World): Promise<{ taskId: string; stepId: string }> {
  const taskId = await newTask(world, 'WAITING');
  const stepId = await insert(
    world,
    `insert into step (workspace_id, task_id, position, input_hash, attempt, kind, name, idempotent, status, input)
    values ($1, $2, 0, 'hash', 1, 'TOOL', 'http.fetch', false, 'RUNNING', '{}') returning id`,
    [world.workspaceId, taskId.slice('Task:'.length)],
  );
  return { taskId, stepId: `Step:${stepId}` };
}

export async function newAgent(world: Pick<World, 'pool' | 'workspaceId'>): Promise<string> {
  const id = await insert(
    world,
    `insert into agent (workspace_id, name, role, kind, status, instructions, capabilities)
    values ($1, 'agent ' || uuidv7(), 'researcher', 'EXTRACTIVE', 'IDLE', 'Keep it secret.', '{research}') returning id`,
    [world.workspaceId],
  );
  return `Agent:${id}`;
}

/** @returns the id of the user */
export async function newMember(
  world: Pick<World, 'pool' | 'workspaceId'>,
  role = 'VIEWER',
  userId: string = crypto.randomUUID(),
): Promise<string> {
  await world.pool.query(
    `insert into identity."user" (id, name, email) values ($1::uuid, $2, $1::text || '@example.org')`,
    [userId, `${role.toLowerCase()} person`],
  );
  await world.pool.query('insert into membership (workspace_id, user_id, role) values ($1, $2, $3)', [
    world.workspaceId,
    userId,
    role,
  ]);
  return userId;
}

export async function newInvitation(world: World): Promise<string> {
  const id = await insert(
    world,
    `insert into invitation (workspace_id, token_hash, role, invited_by, expires_at)
    values ($1, sha256(uuidv7()::text::bytea), 'VIEWER', $2, now() + interval '1 day') returning id`,
    [world.workspaceId, crypto.randomUUID()],
  );
  return `Invitation:${id}`;
}

/** A key of somebody else, who is a viewer. */
export async function newApiKey(world: World): Promise<string> {
  const makerId = await newMember(world);
  const id = await insert(
    world,
    `insert into api_key (workspace_id, name, start, secret_hash, role, created_by, expires_at)
    values ($1, 'a key', 'hive_abcd', sha256(uuidv7()::text::bytea), 'VIEWER', $2, now() + interval '1 day') returning id`,
    [world.workspaceId, makerId],
  );
  return `ApiKey:${id}`;
}
