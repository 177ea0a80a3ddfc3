import { NotFoundError } from '../lib/errors.ts';
import type { Sql } from './sql.ts';

const statements = {
  project: `/* projectExists */ select status from project where workspace_id = $1 and id = $2`,
  crew: `/* crewExists */ select 'ACTIVE' as status from crew where workspace_id = $1 and id = $2`,
  task: `/* taskStatus */ select status from task where workspace_id = $1 and id = $2`,
  agent: `/* agentStatus */ select status from agent where workspace_id = $1 and id = $2`,
} as const;
const names = { project: 'Project', crew: 'Crew', task: 'Task', agent: 'Agent' } as const;

/**
 * @returns the status of the row
 * @throws NotFoundError when the workspace has no such row
 */
export async function assertInWorkspace(
  sql: Sql,
  table: keyof typeof statements,
  workspaceId: string,
  id: string,
): Promise<string> {
  const [row] = await sql.rows<{ status: string }>(statements[table], [workspaceId, id]);
  if (!row) throw new NotFoundError(names[table], id);
  return row.status;
}

/**
 * @returns the project of a task; null when it belongs to none
 * @throws NotFoundError when the workspace has no such task
 */
export async function projectOfTask(sql: Sql, workspaceId: string, taskId: string): Promise<string | null> {
  const [row] = await sql.rows<{ project_id: string | null }>(
    `/* projectOfTask */ select project_id from task where workspace_id = $1 and id = $2`,
    [workspaceId, taskId],
  );
  if (!row) throw new NotFoundError('Task', taskId);
  return row.project_id;
}
